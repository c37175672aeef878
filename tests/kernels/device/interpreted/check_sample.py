"""The device's distribution and draws against engine/sampling.py."""

import numpy as np
import pytest
import torch
import triton
import triton.language as tl
from poison import poisoned

from mtpviz.engine import random as host
from mtpviz.engine.sampling import Sampling
from mtpviz.kernels.device.random import uniform
from mtpviz.kernels.device.sample import sample

SETTINGS = [{}, {"top_k": 5}, {"top_p": 0.8}, {"min_p": 0.1}, {"top_k": 40, "top_p": 0.9, "min_p": 0.02}]


@triton.jit
def _uniforms(seeds, positions, streams, out):
    i = tl.program_id(0)
    tl.store(out + i, uniform(tl.load(seeds + i), tl.load(positions + i), tl.load(streams + i)))


def test_uniform_numbers_are_the_host_s(draw):
    seeds = torch.randint(0, 2**63 - 1, (20,), generator=draw.generator)
    positions, streams = (torch.randint(0, high, (20,), generator=draw.generator).int() for high in (2**31 - 1, 2000))
    out = poisoned(20, dtype=torch.float32)
    _uniforms[(20,)](seeds, positions, streams, out)
    places = zip(seeds.tolist(), positions.tolist(), streams.tolist(), strict=True)
    assert out.tolist() == [host.uniform(*place) for place in places]


@pytest.mark.parametrize("settings", SETTINGS, ids=str)
@pytest.mark.parametrize("vocab", [50, 1111])
def test_equals_the_host(draw, settings, vocab):
    batch, rows = 2, 3
    logits = torch.full((batch * rows, vocab + 13), float("nan"))  # rows may be longer than the vocabulary
    logits[:, :vocab] = draw(batch * rows, vocab) * 3
    seeds = torch.randint(0, 2**63 - 1, (batch,), generator=draw.generator)
    positions = torch.randint(0, 5000, (batch * rows,), generator=draw.generator).int()
    probs, tokens = poisoned(batch * rows, vocab, dtype=torch.float32), poisoned(batch * rows, dtype=torch.int32)
    sample(logits, probs, tokens, seeds, positions, 0.7, normalise=True, **settings)
    for row in range(batch * rows):
        sampling = Sampling(temperature=0.7, seed=int(seeds[row // rows]), **settings)
        line = logits[row, :vocab].cpu().numpy()
        np.testing.assert_allclose(probs[row].cpu().numpy(), sampling.distribution(line), rtol=2e-5, atol=1e-9)
        assert tokens[row].item() == sampling.choose(line, int(positions[row]) + 1)


def test_ties_at_the_nucleus_are_broken_by_id():
    logits, probs, tokens = torch.zeros(1, 64), poisoned(1, 64, dtype=torch.float32), poisoned(1, dtype=torch.int32)
    sample(logits, probs, tokens, torch.tensor([1]), torch.tensor([0]).int(), 1.0, top_p=0.25, normalise=True)
    assert probs[0].tolist() == [1 / 16] * 16 + [0.0] * 48
