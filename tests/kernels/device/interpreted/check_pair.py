"""What draft modules read: embedding and feature side by side, a parent's feature, the last rows, what waits."""

import pytest
import torch
from check_attention import random_parents
from poison import poisoned

from mtpviz.kernels.device.feed import follow, follow_reference
from mtpviz.kernels.device.gather import gather, gather_reference, lift, lift_reference
from mtpviz.kernels.device.pair import pair, pair_reference
from mtpviz.kernels.device.recent import recent, recent_reference


@pytest.mark.parametrize("norms", [(False, False), (True, True), (True, False)])
@pytest.mark.parametrize(("rows", "width"), [(1, 64), (3, 80), (17, 40)])
def test_an_embedding_beside_a_feature(draw, dtype, near, rows, width, norms):
    batch, block_rows, first = 3, rows + 2, 1
    table, x = draw(29, width, dtype=dtype), draw(batch * rows, width)
    tokens = torch.randint(0, 29, (batch, block_rows), generator=draw.generator).int()
    token_norm, x_norm = (draw(width, dtype=dtype) if norm else None for norm in norms)
    out = poisoned(batch * rows, 2 * width, dtype=dtype)
    pair(tokens, table, x, out, 1e-5, token_norm, x_norm, first)
    near(out, pair_reference(tokens[:, first : first + rows].flatten(), table, x, 1e-5, token_norm, x_norm))


def test_a_parent_s_feature_or_the_last_committed_one(draw, dtype):
    batch, rows, width, first = 3, 9, 24, 4
    parents = random_parents(draw, batch, rows)
    parents[:, first] = -1
    x, last = draw(batch, rows, width, dtype=dtype), draw(batch, width, dtype=dtype)
    out = poisoned(batch * (rows - first), width, dtype=torch.float32)
    lift(x, last, parents, out, first)
    assert torch.equal(out, lift_reference(x, last, parents, first).float())


def test_gathers_taps_side_by_side_behind_what_waits(draw, dtype):
    taps, batch, rows, width, room = 3, 3, 7, 20, 6
    x, kept, first = draw(taps, batch * rows, width), torch.tensor([3, 0, 2]).int(), torch.tensor([0, 2, 4]).int()
    path = torch.stack([torch.randperm(rows, generator=draw.generator)[:5].sort()[0] for _ in range(batch)]).int()
    out = poisoned(batch * room, taps * width, dtype=dtype)
    gather(x, path, kept, out, first)
    expected = poisoned(batch, room, taps * width, dtype=dtype)
    for b, found in enumerate(zip(*(gather_reference(tap, path, kept) for tap in x), strict=True)):
        expected[b, first[b] : first[b] + kept[b]] = torch.cat(found, -1).to(dtype)
    assert torch.equal(out.view_as(expected).nan_to_num(9.0), expected.nan_to_num(9.0))


@pytest.mark.parametrize("count", [1, 2, 5])
def test_remembers_the_last_rows(draw, dtype, count):
    """Three sequences over four passes; what is missing at the start is the first row, and who keeps nothing stays."""
    batch, rows, width = 3, 6, 40
    out, lengths = poisoned(count, batch, width, dtype=dtype), torch.zeros(batch).int()
    known: list[list[torch.Tensor]] = [[] for _ in range(batch)]
    for kept in ([1, 3, 6], [2, 0, 4], [1, 1, 1], [0, 5, 1]):
        x, kept = draw(batch * rows, width), torch.tensor(kept).int()
        path = torch.stack([torch.randperm(rows, generator=draw.generator).sort()[0] for _ in range(batch)]).int()
        for b, found in enumerate(gather_reference(x, path, kept)):
            known[b] += found.to(dtype)
        lengths += kept
        recent(x, path, kept, lengths, out)
        for b in range(batch):
            assert torch.equal(out[:, b], recent_reference(known[b], count))


@pytest.mark.parametrize("fresh", [False, True])
def test_committed_rows_are_followed_by_the_text(draw, fresh):
    text = torch.randint(0, 99, (3, 40), generator=draw.generator).int()
    kept, lengths = torch.tensor([3, 0, 1]).int(), torch.tensor([3, 9, 20]).int()
    tokens, counts = poisoned(3, 8, dtype=torch.int32), torch.tensor([0, 2, 4]).int()
    base = torch.tensor([7, 5, 6]).int()
    expected = follow_reference(text, kept, lengths, counts, fresh)
    before = counts.clone()
    follow(text, kept, lengths, tokens, counts, base, fresh)
    for b, line in enumerate(expected):
        assert (tokens[b, : len(line)].tolist(), int(counts[b])) == (line, len(line) or int(before[b]))
        assert (tokens[b, len(line) :] == -12345).all() and base[b] == (lengths[b] - len(line) if line else 5)
