"""The device's rejection sampling against engine/verify.py's, decision by decision."""

import numpy as np
import pytest
import torch
from check_attention import random_parents
from poison import poisoned

from mtpviz.engine.sampling import Sampling
from mtpviz.engine.tree import TokenTree
from mtpviz.engine.verify import verify
from mtpviz.kernels.device.reject import reject


def device(probs, drafts, tokens, parents, counts, lengths, seeds):
    batch, rows, vocab = probs.shape
    path = poisoned(batch, rows + 1, dtype=torch.int32)
    kept, bonus = (poisoned(batch, dtype=torch.int32) for _ in range(2))
    residual = poisoned(batch, vocab, dtype=torch.float64)
    reject(probs, drafts.clone(), residual, tokens, parents, counts, lengths, seeds, path, kept, bonus)
    return [(path[b, : kept[b]].tolist(), bonus[b].item()) for b in range(batch)]


@pytest.mark.parametrize("shape", ["chain", "tree"])
@pytest.mark.parametrize("likeness", [0.3, 2.0])
def test_decides_as_the_host(draw, shape, likeness):
    batch, rows, vocab = 12, 8, 11
    logits = draw(batch, rows, vocab)
    probs = logits.softmax(-1)
    drafts = (logits + likeness * draw(batch, rows, vocab)).softmax(-1)
    parents = torch.arange(-1, rows - 1).int().repeat(batch, 1)
    if shape == "tree":
        parents[:, 1:] = random_parents(draw, batch, rows)[:, 1:].clamp(min=0)
    counts, lengths = torch.full((batch,), rows).int(), torch.arange(5, 5 + batch).int()
    counts[0] = 1
    seeds, tokens = torch.randint(0, 2**40, (batch,), generator=draw.generator), torch.zeros(batch, rows).int()
    for b in range(batch):
        for node in range(rows):  # siblings differ: they are drawn without replacement
            children = (parents[b] == node).nonzero()[:, 0]
            if len(children):
                tokens[b, children] = drafts[b, node].multinomial(len(children), generator=draw.generator).int()
    found = device(probs, drafts, tokens, parents, counts, lengths, seeds)
    for b in range(batch):
        n = int(counts[b]) - 1
        tree = TokenTree(tokens[b, 1 : n + 1].long().cpu().numpy(), parents[b, 1 : n + 1].long().cpu().numpy() - 1,
                         np.ones(n, np.int64), np.ones(n, np.float32),
                         {node - 1: drafts[b, node].cpu().numpy() for node in range(n + 1)})
        sampling = Sampling(temperature=1.0, seed=int(seeds[b]))
        verdict = verify(tree, logits[b].cpu().numpy(), sampling, int(lengths[b]), "rejection")
        if n:
            assert found[b] == ([0, *(node + 1 for node in verdict.accepted)], verdict.bonus)
        assert found[b][1] < vocab


def test_where_draft_and_target_agree_every_token_is_accepted(draw):
    probs = draw(4, 5, 9).softmax(-1)
    tokens, parents = torch.randint(0, 9, (4, 5)).int(), torch.arange(-1, 4).int().repeat(4, 1)
    counts, lengths = torch.full((4,), 5).int(), torch.zeros(4).int()
    found = device(probs, probs, tokens, parents, counts, lengths, torch.arange(4))
    assert all(path == [0, 1, 2, 3, 4] for path, _ in found)


def test_the_text_has_the_target_s_distribution(draw):
    """Chi-square over the first token after the root: 400 draws, 4 degrees of freedom."""
    batch, vocab = 400, 5
    probs = torch.tensor([0.4, 0.3, 0.15, 0.1, 0.05]).expand(batch, 3, vocab).contiguous()
    draft = torch.tensor([0.1, 0.2, 0.3, 0.3, 0.1])
    pairs = draft.expand(batch, vocab).multinomial(2, generator=draw.generator).int()
    tokens = torch.cat([torch.zeros(batch, 1).int(), pairs], 1)
    parents = torch.tensor([[-1, 0, 0]]).int().repeat(batch, 1)
    counts, lengths = torch.full((batch,), 3).int(), torch.arange(batch).int()
    found = device(probs, draft.expand(batch, 3, vocab).contiguous(), tokens, parents, counts, lengths,
                   torch.randint(0, 2**40, (batch,), generator=draw.generator))
    firsts = torch.tensor([tokens[b, path[1]] if len(path) > 1 else bonus for b, (path, bonus) in enumerate(found)])
    counted, expected = firsts.bincount(minlength=vocab), probs[0, 0] * batch
    assert ((counted - expected) ** 2 / expected).sum() < 23.5  # p = 0.0001
