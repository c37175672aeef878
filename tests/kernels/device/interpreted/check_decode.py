"""Lanes on the device against the torch reference: every operation of every step a kernel, trees of any shape."""

from types import SimpleNamespace

import numpy as np
import pytest
import torch
from check_attention import random_parents
from poison import DEVICE

from mtpviz.engine.device.drafter import DeviceDrafter, Shape
from mtpviz.engine.device.lane import DeviceLane
from mtpviz.engine.sampling import Sampling
from mtpviz.kernels.device import attention, linear, vocab
from mtpviz.kernels.device.attention import Tiling
from mtpviz.kernels.device.tiles import Tile
from mtpviz.models.config import ModelConfig
from mtpviz.models.gpu import GpuModel
from mtpviz.models.reference import ReferenceModel, tree_block
from mtpviz.models.weights import random

CONFIG = ModelConfig(vocab=60, hidden=48, layers=2, heads=2, kv_heads=1, head_dim=16, inner=80, context=128,
                     qk_norm=True, qkv_bias=True)
PROMPT, NEW = [3, 1, 4, 1, 5, 9, 2], 20


@pytest.fixture(autouse=True)
def small_tiles(monkeypatch):
    monkeypatch.setattr(attention, "tiling_of", lambda head_dim: Tiling(16, 16, 32, 1, 1))
    monkeypatch.setattr(vocab, "tile_of_vocab", lambda: Tile(64, 32, 1, 1, 1))
    monkeypatch.setattr(linear, "tile_of", lambda n, k: Tile(64, 64, 1, 1, 1) if n > 48 else Tile(32, 32, 2, 1, 1))


def reference_text(weights, prompt=PROMPT, new=NEW) -> list[int]:
    """Greedy decoding by the torch reference, in fp32, one token at a time."""
    model, text, run = ReferenceModel(CONFIG, weights), list(prompt), prompt
    cache = model.new_cache(128)
    while len(text) < len(prompt) + new:
        committed = len(text) - len(run)
        positions, mask = tree_block(range(-1, len(run) - 1), committed, 128)[::2]
        out = model.forward(cache, run, positions, positions, mask)
        run = [int(out.logits[-1].argmax())]
        text += run
    return text


class Oracle(DeviceDrafter):
    """Proposes what will come, and here and there something else, in trees whose ancestors lie scattered."""

    name, title, blurb, order = "oracle", "Oracle", "knows the answer", 99

    def __init__(self, shape, truths, draw):
        super().__init__(None, Sampling())
        self.truths = truths
        self.generator = torch.Generator().manual_seed(draw.generator.initial_seed())
        self.kind, count = shape, {"chain": 4, "tree": 9}[shape]
        self.shapes = [Shape(count - 1, count - 1)]
        self.parents = lambda: (random_parents(self, 1, count) if shape == "tree" else chain(count))[0]

    def draft(self, state, program):
        block = program.block
        block.counts.fill_(program.shape.rows)
        for b, truth in enumerate(self.truths):
            known = int(state.lengths[b]) + 1
            text, parents = truth + [0] * 99, self.parents()
            parents[1:] = parents[1:].clamp(min=0)
            depth, tokens = [0], [int(state.root[b])]
            for parent in parents[1:].tolist():
                depth.append(depth[parent] + 1)
                other = int(torch.randint(0, CONFIG.vocab, (1,), generator=self.generator))
                sure = torch.rand(1, generator=self.generator) < 0.8
                tokens.append(text[known - 1 + depth[-1]] if sure else other)
            block.tokens[b], block.parents[b] = torch.tensor(tokens), parents


def chain(count):
    return torch.arange(-1, count - 1)[None]


def decode(model, prompts, drafter, new=NEW) -> tuple[list[list[int]], int]:
    """The texts, and the steps that they took."""
    session = SimpleNamespace(target=model, context=CONFIG.context,
                              gpu=SimpleNamespace(clock=torch.zeros(1, dtype=torch.int64, device=DEVICE)))
    lane = DeviceLane(session, drafter, Sampling(), prompts, [new] * len(prompts), record=False, graphs=False)
    lane.prefill()
    lane.ready()
    wanted, steps = [len(prompt) + new for prompt in prompts], 0
    lengths = np.array([len(prompt) for prompt in prompts])
    while (lengths + 1 < wanted).any():
        _, arrays = lane.advance()
        assert (arrays["kept"][lengths + 1 >= wanted] == 0).all()  # a sequence that is over stays as it is
        lengths += arrays["kept"]
        steps += 1
    return [line[:count].tolist() for line, count in zip(lane.state.text, wanted, strict=True)], steps


@pytest.fixture(scope="module")
def weights():
    return random(CONFIG, seed=int.from_bytes(np.random.bytes(4)))


@pytest.mark.parametrize("shape", ["chain", "tree"])
def test_tokens_equal_the_reference(draw, weights, shape):
    truth = reference_text(weights)
    model = GpuModel(CONFIG, weights, torch.float32, DEVICE)
    (text,), steps = decode(model, [PROMPT], Oracle(shape, [truth], draw))
    assert text == truth
    assert steps < NEW - 1


def test_a_batch_of_prompts_of_different_lengths(draw, weights):
    prompts, new = [PROMPT, [8], PROMPT[::-1]], 8
    truths = [reference_text(weights, prompt, new) for prompt in prompts]
    texts, _ = decode(GpuModel(CONFIG, weights, torch.float32, DEVICE), prompts, Oracle("tree", truths, draw), new)
    assert texts == truths
