"""Settings, distributions and draws, against transformers' warpers where there is one."""

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from mtpviz.engine.random import philox, uniform
from mtpviz.engine.sampling import Sampling, draw, softmax, top_probs
from mtpviz.errors import UserError


def random_logits(seed: int) -> np.ndarray:
    random = np.random.default_rng(seed)
    return random.normal(0, 3, random.integers(2, 300)).astype(np.float32)


LOGITS = st.integers(0, 10**6).map(random_logits)


def test_philox_matches_the_published_vectors():
    # Known answers of the Random123 distribution for philox4x32-10, first word.
    assert philox(0, 0, 0, 0, 0) == 0x6627E8D5
    assert philox(np.uint64(2**64 - 1), *[2**32 - 1] * 4) == 0x408F276D
    assert philox(0x299F31D0A4093822, 0x243F6A88, 0x85A308D3, 0x13198A2E, 0x03707344) == 0xD16CFE09


def test_uniform_numbers_are_uniform_and_differ_by_seed_position_and_stream():
    numbers = np.array([uniform(seed, position, stream) for seed in range(10) for position in range(100)
                        for stream in (0, 1, 1024)])
    assert len(set(numbers)) > 2990 and 0 <= numbers.min() and numbers.max() < 1
    counts = np.histogram(numbers, 10, (0, 1))[0]
    assert ((counts - 300) ** 2 / 300).sum() < 27.9  # chi-square with 9 degrees of freedom at 0.001


@given(LOGITS, st.floats(0.1, 3))
@settings(deadline=None)
def test_softmax_matches_torch(logits, scale):
    expected = torch.softmax(torch.tensor(logits) * scale, 0).numpy()
    np.testing.assert_allclose(softmax(logits, scale), expected, atol=2e-6, rtol=2e-5)


@given(LOGITS, st.integers(1, 8))
@settings(deadline=None)
def test_top_probs_are_the_best_of_the_softmax(logits, count):
    count = min(count, len(logits))
    tokens, probs = top_probs(logits, count)
    expected = torch.softmax(torch.tensor(logits), 0).topk(count)
    assert (tokens == expected.indices.numpy()).all() or len(set(logits)) < len(logits)
    np.testing.assert_allclose(probs, expected.values.numpy(), atol=2e-6, rtol=2e-5)


@pytest.mark.parametrize("chosen", [{}, {"top_k": 5}, {"top_p": 0.8}, {"min_p": 0.1},
                                    {"top_k": 20, "top_p": 0.9}, {"top_k": 9, "top_p": 0.7, "min_p": 0.05}])
@pytest.mark.parametrize("temperature", [0.7, 1.0, 1.5])
def test_distribution_matches_transformers_warpers(chosen, temperature):
    from transformers.generation import logits_process as warpers

    logits = np.random.default_rng(1).normal(0, 2, 200).astype(np.float32)
    scores = torch.tensor(logits)[None]
    steps = [warpers.TemperatureLogitsWarper(temperature)]
    steps += [warpers.TopKLogitsWarper(chosen["top_k"])] if "top_k" in chosen else []
    steps += [warpers.TopPLogitsWarper(chosen["top_p"])] if "top_p" in chosen else []
    steps += [warpers.MinPLogitsWarper(chosen["min_p"])] if "min_p" in chosen else []
    for step in steps:
        scores = step(None, scores)
    ours = Sampling(temperature=temperature, **chosen).distribution(logits)
    np.testing.assert_allclose(ours, torch.softmax(scores, -1)[0].numpy(), atol=1e-6)


def test_draw_follows_the_distribution():
    probs = np.array([0.0, 0.5, 0.0, 0.3, 0.2, 0.0], np.float32)
    drawn = np.bincount([draw(probs, uniform(3, i)) for i in range(3000)], minlength=6)
    expected = 3000 * probs[probs > 0]
    assert drawn[probs == 0].sum() == 0
    assert ((drawn[probs > 0] - expected) ** 2 / expected).sum() < 13.8  # 2 degrees of freedom at 0.001
    assert draw(probs, 0.0) == 1 and draw(probs, 1 - 2**-24) == 4


def test_greedy_takes_the_first_of_equals():
    assert Sampling().choose(np.array([1.0, 3.0, 3.0], np.float32), 5) == 1


@pytest.mark.parametrize("bad", [{"temperature": -1}, {"temperature": float("nan")}, {"top_k": -2}, {"top_p": 0.0},
                                 {"top_p": 1.5}, {"min_p": 1.0}, {"seed": -1}])
def test_values_out_of_range_are_told(bad):
    with pytest.raises(UserError, match="must"):
        Sampling(**bad)
