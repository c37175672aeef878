"""Tree attention against its reference, and the two promises it makes to the bit."""

import pytest
import torch
from poison import DEVICE, poisoned

from mtpviz.kernels.device import attention as module
from mtpviz.kernels.device.ancestry import ancestry, ancestry_reference
from mtpviz.kernels.device.attention import Scratch, Tiling, attention, attention_reference


@pytest.fixture(autouse=True)
def small_tiles(monkeypatch):
    monkeypatch.setattr(module, "tiling_of", lambda head_dim: Tiling(16, 16, 32, 1, 1))


def random_parents(draw, batch: int, rows: int) -> torch.Tensor:
    below = [torch.randint(-1, row, (batch, 1), generator=draw.generator) if row else torch.full((batch, 1), -1)
             for row in range(rows)]
    return torch.cat(below, 1).to(torch.int32)


def tables(parents, lengths, counts, levels=None):
    batch, rows = parents.shape
    path = poisoned(batch, rows, levels or rows, dtype=torch.int32)
    depth, positions = (poisoned(batch, rows, dtype=torch.int32) for _ in range(2))
    ancestry(parents, lengths, counts, path, depth, positions)
    return path, depth, positions


def run(query, keys, values, lengths, path, depth, first=0):
    total, heads, head_dim = query.shape
    scratch = Scratch(DEVICE, keys.shape[0], total // keys.shape[0], heads, head_dim, keys.shape[2])
    scratch.sums.fill_(float("nan"))
    scratch.stats.fill_(float("nan"))
    out = poisoned(total, heads * head_dim, dtype=query.dtype)
    attention(query, keys, values, lengths, path, depth, out, scratch, first)
    return out


def int32(*values):
    return torch.tensor(values, dtype=torch.int32)


@pytest.mark.parametrize("rows", [1, 3, 17, 100])
def test_ancestry(draw, rows):
    parents, lengths = random_parents(draw, 3, rows), int32(0, 5, 900)
    counts = int32(rows, max(rows - 2, 0), 0)
    path, depth, positions = tables(parents, lengths, counts)
    expected, places = ancestry_reference(parents, lengths, counts)
    assert torch.equal(positions, places)
    for b in range(3):
        for row in range(rows):
            assert path[b, row, : depth[b, row]].tolist() == expected[b][row]
            assert (path[b, row, depth[b, row] :] == -12345).all()


@pytest.mark.parametrize(("heads", "kv", "head_dim", "rows", "lengths"), [
    (8, 1, 128, 1, (0, 1, 63)), (2, 2, 64, 3, (32, 0, 47)), (4, 1, 80, 17, (40,)), (1, 1, 64, 64, (20,)),
    (4, 2, 80, 3, (31, 64, 33)), (8, 1, 64, 3, (0, 17, 96)), (1, 1, 64, 100, (7,))])
def test_equals_the_reference(draw, dtype, near, heads, kv, head_dim, rows, lengths):
    batch, slots = len(lengths), max(lengths) + rows
    query = draw(batch * rows, heads, head_dim, dtype=dtype)
    keys, values = (draw(batch, kv, slots, head_dim, dtype=dtype) for _ in range(2))
    for b, length in enumerate(lengths):  # slots that nothing was written to
        keys[b, :, length + rows :] = values[b, :, length + rows :] = float("nan")
    parents, lengths = random_parents(draw, batch, rows), int32(*lengths)
    counts = torch.full_like(lengths, rows)
    path, depth, _ = tables(parents, lengths, counts)
    paths, _ = ancestry_reference(parents, lengths, counts)
    near(run(query, keys, values, lengths, path, depth), attention_reference(query, keys, values, lengths, paths))


def test_padding_rows_are_finite(draw, dtype):
    lengths, counts = int32(0, 40), int32(2, 1)
    path, depth, _ = tables(random_parents(draw, 2, 4), lengths, counts)
    keys, values = (draw(2, 1, 48, 64, dtype=dtype) for _ in range(2))
    assert run(draw(8, 2, 64, dtype=dtype), keys, values, lengths, path, depth).isfinite().all()


def test_the_last_rows_of_a_block_alone(draw, dtype):
    """A tree that is drafted level by level: later rows run on top of earlier ones."""
    lengths, rows, first = int32(29, 3), 9, 5
    path, depth, _ = tables(random_parents(draw, 2, rows), lengths, int32(rows, rows))
    query = draw(2, rows, 4, 64, dtype=dtype)
    keys, values = (draw(2, 2, 48, 64, dtype=dtype) for _ in range(2))
    whole = run(query.flatten(0, 1), keys, values, lengths, path, depth).unflatten(0, (2, rows))
    part = run(query[:, first:].flatten(0, 1), keys, values, lengths, path, depth, first)
    assert torch.equal(part.unflatten(0, (2, rows - first)), whole[:, first:])


@pytest.mark.parametrize("group", [1, 4])
def test_a_row_has_the_same_bits_alone_shared_scattered_and_committed(draw, dtype, group):
    """One row at position 53 behind 35 committed tokens: alone, in a tree of 64 rows with its ancestors scattered
    among others, behind a compacted part of its path, and as next-token prediction sees it."""
    kv, head_dim, committed, depth_of_row, rows = 1, 16, 35, 18, 64
    keys, values = (draw(kv, committed + depth_of_row, head_dim, dtype=dtype) for _ in range(2))
    query = draw(kv * group, head_dim, dtype=dtype)

    def alone(start):  # positions start.. are a chain of drafted rows, and the query is the last of them
        count = committed + depth_of_row - start
        path, depth, _ = tables(torch.arange(-1, count - 1, dtype=torch.int32)[None], int32(start), int32(count))
        return run(query[None], keys[None], values[None], int32(start), path, depth, first=count - 1)[0]

    expected = alone(committed + depth_of_row - 1)
    for start in (committed, 45):
        assert torch.equal(alone(start), expected)

    own = torch.randperm(rows - 1, generator=draw.generator)[: depth_of_row - 1].sort().values.tolist() + [rows - 1]
    parents, seen = random_parents(draw, 1, rows), -1
    for row in own:
        parents[0, row], seen = seen, row
    block = [draw(kv, committed + rows, head_dim, dtype=dtype) for _ in range(2)]
    for scattered, ordered in zip(block, (keys, values), strict=True):
        scattered[:, :committed] = ordered[:, :committed]
        scattered[:, [committed + row for row in own]] = ordered[:, committed:]
    queries = draw(rows, kv * group, head_dim, dtype=dtype)
    queries[-1] = query
    path, depth, _ = tables(parents, int32(committed), int32(rows))
    assert torch.equal(run(queries, block[0][None], block[1][None], int32(committed), path, depth)[-1], expected)
