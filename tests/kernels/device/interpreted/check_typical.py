"""The device's typical acceptance against engine/verify.py's."""

import numpy as np
import pytest
import torch
from check_attention import random_parents
from poison import poisoned

from mtpviz.engine.sampling import Sampling
from mtpviz.engine.tree import TokenTree
from mtpviz.engine.verify import DELTA, EPSILON, verify
from mtpviz.kernels.device.typical import typical


@pytest.mark.parametrize(("rows", "vocab", "sharpness"), [(1, 7, 1.0), (9, 7, 2.0), (17, 40, 4.0), (33, 1100, 5.0)])
def test_decides_as_the_host(draw, rows, vocab, sharpness):
    batch = 4
    logits = draw(batch, rows, vocab) * sharpness
    parents = random_parents(draw, batch, rows)
    parents[:, 1:] = parents[:, 1:].clamp(min=0)
    best = logits.topk(min(3, vocab), -1).indices
    tokens = torch.zeros(batch, rows).int()
    for b in range(batch):  # mostly likely ones, so that paths grow
        for row in range(1, rows):
            rank = int(torch.randint(0, best.shape[-1], (1,), generator=draw.generator))
            tokens[b, row] = best[b, parents[b, row], rank]
    counts, lengths = torch.tensor([rows, rows, max(rows // 2, 1), rows]).int(), torch.tensor([5, 6, 7, 99]).int()
    sampling = [Sampling(temperature=1.0, seed=b) for b in range(batch)]
    depth = torch.zeros(batch, rows, dtype=torch.int64)
    for row in range(1, rows):
        depth[:, row] = depth.gather(1, parents[:, row, None].long())[:, 0] + 1
    wanted = torch.tensor([[sampling[b].choose(logits[b, row].cpu().numpy(), int(lengths[b] + depth[b, row]) + 1)
                            for row in range(rows)] for b in range(batch)]).int()
    path, chosen = poisoned(batch, rows + 1, dtype=torch.int32), wanted.clone()
    kept, bonus = (poisoned(batch, dtype=torch.int32) for _ in range(2))
    typical(logits.softmax(-1), poisoned(batch, rows, dtype=torch.float64), chosen, tokens, parents, counts, path, kept,
            bonus, lengths, torch.tensor([50] * batch).int(), EPSILON, DELTA)
    assert kept[3] == 0  # that sequence is over
    for b in range(3):
        n = int(counts[b]) - 1
        tree = TokenTree(tokens[b, 1 : n + 1].long().cpu().numpy(), parents[b, 1 : n + 1].long().cpu().numpy() - 1,
                         np.ones(n, np.int64), np.ones(n, np.float32))
        verdict = verify(tree, logits[b].cpu().numpy(), sampling[b], int(lengths[b]), "typical")
        assert path[b, : kept[b]].tolist() == [0, *(node + 1 for node in verdict.accepted)]
        assert bonus[b] == verdict.bonus
        assert all(chosen[b, row] == verdict.wanted.get(row, wanted[b, row]) for row in range(rows))
