import numpy as np
import pytest
import torch
from poison import poisoned

from mtpviz.engine import grow
from mtpviz.kernels.device.grow import Pool, expand, rerank


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
    pool = Pool.empty("cpu", batch, depth, width)
    for tensor in (pool.chances, pool.probs):
        tensor.fill_(float("nan"))
    for level, (ids, probs) in enumerate(offers, 1):
        expand(pool, ids, probs, level)
    root = torch.tensor([7, 8, 9]).int()
    tokens, parents = (poisoned(batch, nodes + 1, dtype=torch.int32) for _ in range(2))
    counts, place = poisoned(batch, dtype=torch.int32), poisoned(*pool.tokens.shape, dtype=torch.int32)
    rerank(pool, depth, nodes, root, place, tokens, parents, counts)

    for b in range(batch):
        calls = iter(offers[1:])

        def children(_pool, frontier, b=b, calls=calls):
            ids, probs = next(calls)
            return [(ids[b, i].numpy(), probs[b, i].numpy()) for i in range(len(frontier))]

        host = grow.Pool(children)
        first = offers[0][0][b, 0].numpy(), offers[0][1][b, 0].numpy()
        tree = host.tree(grow.dynamic(host, first, depth, width, nodes))
        count = int(counts[b])
        assert count == len(tree) + 1
        assert tokens[b, :count].tolist() == [root[b], *tree.tokens]
        assert parents[b, :count].tolist() == [-1, *(tree.parents + 1)]
        assert (tokens[b, count:] == -12345).all()
        np.testing.assert_array_equal(pool.probs[b].numpy(), np.array(host.probs, np.float32))
