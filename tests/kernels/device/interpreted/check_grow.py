import numpy as np
import pytest
import torch
from poison import DEVICE, poisoned

from mtpviz.engine import grow
from mtpviz.kernels.device.grow import Pool, expand, front, rerank
from mtpviz.kernels.device.seat import seat, seat_reference


@pytest.mark.parametrize(("depth", "width", "nodes"), [(1, 3, 2), (3, 3, 7), (4, 4, 20), (5, 2, 60)])
@pytest.mark.parametrize("ties", [False, True])
def test_grows_the_host_s_tree(draw, depth, width, nodes, ties):
    batch = 3
    offers = []  # of each level: ids and probabilities, (batch, parents, width)
    for level in range(depth):
        parents = width if level else 1
        probs = torch.rand(batch, parents, width, generator=draw.generator).sort(-1, descending=True)[0]
        probs = (probs * 2).ceil() / 2 if ties else probs
        offers.append((torch.randint(0, 999, probs.shape, generator=draw.generator).int(), probs))
    pool = Pool.empty(DEVICE, batch, depth, width)
    for tensor in (pool.chances, pool.probs):
        tensor.fill_(float("nan"))
    for level, (ids, probs) in enumerate(offers, 1):
        expand(pool, ids, probs, level)
    root = torch.tensor([7, 8, 9]).int()
    tokens, parents = (poisoned(batch, nodes + 1, dtype=torch.int32) for _ in range(2))
    counts, place = poisoned(batch, dtype=torch.int32), poisoned(*pool.tokens.shape, dtype=torch.int32)
    probs = poisoned(batch, nodes + 1, dtype=torch.float32)
    rerank(pool, depth, nodes, root, place, tokens, parents, probs, counts)

    for b in range(batch):
        calls = iter(offers[1:])

        def children(_pool, frontier, b=b, calls=calls):
            ids, probs = next(calls)
            return [(ids[b, i].cpu().numpy(), probs[b, i].cpu().numpy()) for i in range(len(frontier))]

        host = grow.Pool(children)
        first = offers[0][0][b, 0].cpu().numpy(), offers[0][1][b, 0].cpu().numpy()
        tree = host.tree(grow.dynamic(host, first, depth, width, nodes))
        count = int(counts[b])
        assert count == len(tree) + 1
        assert tokens[b, :count].tolist() == [root[b], *tree.tokens]
        assert parents[b, :count].tolist() == [-1, *(tree.parents + 1)]
        np.testing.assert_array_equal(probs[b, 1:count].cpu().numpy(), tree.probs)
        assert (tokens[b, count:] == -12345).all() and probs[b, count:].isnan().all() and probs[b, 0].isnan()
        np.testing.assert_array_equal(pool.probs[b].cpu().numpy(), np.array(host.probs, np.float32))


def test_the_same_candidates_below_every_parent(draw):
    """Heads that do not know each other's choice: the offers of a level are one for all parents."""
    batch, width, levels = 2, 3, 3
    offers = [(torch.randint(0, 99, (batch, width), generator=draw.generator).int(),
               torch.rand(batch, width, generator=draw.generator).sort(-1, descending=True)[0]) for _ in range(levels)]
    shared, apart = (Pool.empty(DEVICE, batch, levels, width) for _ in range(2))
    for level, (ids, probs) in enumerate(offers, 1):
        expand(shared, ids, probs, level)
        parents = width if level > 1 else 1
        expand(apart, *(t[:, None].expand(-1, parents, -1).contiguous() for t in (ids, probs)), level)
    for mine, theirs in zip(vars(shared).values(), vars(apart).values(), strict=True):
        assert torch.equal(mine, theirs)


def test_the_frontier_as_rows_of_the_draft_s_own_block(draw):
    batch, width, levels = 2, 3, 3
    pool = Pool.empty(DEVICE, batch, levels, width)
    tokens, parents = (poisoned(batch, levels * width, dtype=torch.int32) for _ in range(2))
    counts, rows = poisoned(batch, dtype=torch.int32), [{} for _ in range(batch)]
    for level in range(1, levels + 1):
        shape = (batch, width if level > 1 else 1, width)
        probs = torch.rand(shape, generator=draw.generator).sort(-1, descending=True)[0]
        expand(pool, torch.randint(0, 99, shape, generator=draw.generator).int(), probs, level)
        front(pool, level, tokens, parents, counts)
        assert counts.tolist() == [level * width] * batch and (tokens[:, level * width :] == -12345).all()
        for b in range(batch):
            for i, node in enumerate(pool.frontier[b].tolist()):
                row = (level - 1) * width + i
                rows[b][node] = row
                above = pool.parents[b, node].item()
                assert tokens[b, row] == pool.tokens[b, node] and parents[b, row] == rows[b].get(above, -1)


@pytest.mark.parametrize("shared", [False, True])
def test_places_take_the_candidates_of_their_ranks(draw, shared):
    batch, above, width, rows, first = 3, 1 if shared else 4, 5, 20, 6
    offers = torch.randint(0, 99, (batch, above, 2 * width), generator=draw.generator).int()
    ids, probs = offers[..., :width].contiguous(), draw(batch, above, width)
    source = torch.randperm(above * width, generator=draw.generator)[:4].int()
    inner = torch.tensor([-1, 2, -1, 3]).int()
    tokens, own = poisoned(batch, rows, dtype=torch.int32), poisoned(batch, rows, dtype=torch.float32)
    draft = poisoned(batch, 7, dtype=torch.int32)
    expected, chances = seat_reference(ids, probs, source)
    seat(ids[:, 0] if shared else ids, probs[:, 0] if shared else probs, source, tokens, own, first, inner, draft)
    assert torch.equal(tokens[:, first : first + 4], expected) and torch.equal(own[:, first : first + 4], chances)
    assert torch.equal(draft[:, 2:4], expected[:, [1, 3]]) and (draft[:, [0, 1, 4, 5, 6]] == -12345).all()
    assert (tokens[:, :first] == -12345).all() and own[:, first + 4 :].isnan().all()
    seat(ids[:, 0] if shared else ids, probs[:, 0] if shared else probs, source, tokens, own, 0)
    assert torch.equal(tokens[:, :4], expected)
