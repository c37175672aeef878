"""The pass on a device as models/cpu.py's callers use it: logits, final norm, taps, levels of a tree, commit."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from check_decode import CONFIG, small_tiles  # noqa: F401
from poison import DEVICE

from mtpviz.engine.selfcheck import invariance
from mtpviz.errors import UserError
from mtpviz.models.gpu import GpuModel
from mtpviz.models.reference import ReferenceModel, tree_block
from mtpviz.models.weights import random


def test_a_tree_in_two_levels_on_a_committed_prompt():
    weights = random(CONFIG, seed=int.from_bytes(np.random.bytes(4)))
    model, reference = GpuModel(CONFIG, weights, torch.float32, DEVICE), ReferenceModel(CONFIG, weights, device=DEVICE)
    cache, truth = model.new_cache(32), reference.new_cache(32)

    def compare(tokens, parents, first, layers, head_rows):
        positions, slots, mask = (t[first:] for t in tree_block(parents, cache.length, 32))
        expected = reference.forward(truth, tokens, positions, slots, mask, layers)
        out = model.forward(cache, np.array(tokens), np.array(parents), positions.cpu().numpy(), layers, head_rows)
        rows = len(tokens) if head_rows is None else head_rows
        assert out.logits.shape == (rows, CONFIG.vocab)
        np.testing.assert_allclose(out.logits, expected.logits[len(tokens) - rows :].cpu().numpy(), atol=2e-5)
        np.testing.assert_allclose(out.normed, expected.normed.cpu().numpy(), atol=2e-5)
        for tap, layer in zip(out.taps, layers, strict=True):
            np.testing.assert_allclose(tap, expected.hidden[layer].cpu().numpy(), atol=2e-5)

    compare([5, 6, 7, 8, 9], [-1, 0, 1, 2, 3], 0, (0, 2), 1)
    model.keep(cache, np.arange(5))
    compare([11, 12], [-1, 0], 0, (), None)
    compare([13, 14, 15], [-1, 0, 0, 1, 2], 2, (1,), None)  # children of rows that ran before
    model.keep(cache, np.array([0, 2, 4]))
    assert cache.length == 8 and cache.lengths.item() == 8
    for mine, theirs in ((cache.keys, truth.keys), (cache.values, truth.values)):
        np.testing.assert_allclose(mine[:, 0, :, 5:8].cpu().numpy(), theirs[:, :, [5, 7, 9]].cpu().numpy(), atol=2e-5)


def test_a_full_cache_is_one_sentence():
    model = GpuModel(CONFIG, random(CONFIG), torch.float32, DEVICE)
    with pytest.raises(UserError, match="holds 4 tokens"):
        model.forward(model.new_cache(4), np.arange(5), np.arange(-1, 4), np.arange(5))


def test_the_self_check_finds_its_passes_bitwise_invariant():
    """What `doctor` and `bench engine` run on a GPU, on a model of one layer and blocks of up to four rows."""
    config = replace(CONFIG, layers=1, context=16)
    found = invariance(GpuModel(config, random(config), torch.float32, DEVICE))
    assert found["invariant"] and found["differing"] == 0 and found["nodes"] > 20
