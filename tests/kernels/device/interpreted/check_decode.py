"""Thirty-two tokens of a small model, every operation of every step a kernel."""

import numpy as np
import pytest
import torch
from check_attention import random_parents
from poison import poisoned

from mtpviz.kernels.device import attention, linear, vocab
from mtpviz.kernels.device.attention import Tiling
from mtpviz.kernels.device.commit import advance, compact
from mtpviz.kernels.device.tiles import Tile
from mtpviz.kernels.device.walk import walk
from mtpviz.models.config import ModelConfig
from mtpviz.models.gpu import Block, GpuModel
from mtpviz.models.reference import ReferenceModel, tree_block
from mtpviz.models.weights import random

CONFIG = ModelConfig(vocab=60, hidden=48, layers=2, heads=2, kv_heads=1, head_dim=16, inner=80, context=128,
                     qk_norm=True, qkv_bias=True)
PROMPT, NEW = [3, 1, 4, 1, 5, 9, 2], 32


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


def decode(model, prompts, drafts, new=NEW) -> tuple[list[list[int]], int]:
    """The texts and the steps. drafts(b, text): tokens and parents of a block that starts with text's last token."""
    batch = len(prompts)
    cache = model.new_cache(64)
    text = torch.full((batch, 128), -1).int()
    root, kept, bonus = (poisoned(batch, dtype=torch.int32) for _ in range(3))
    first = Block("cpu", batch, max(map(len, prompts)))
    for b, prompt in enumerate(prompts):
        first.tokens[b, : len(prompt)] = torch.tensor(prompt)
        first.counts[b] = len(prompt)
    first.parents[:] = torch.arange(-1, first.tokens.shape[1] - 1)
    wanted = model.best(model.run(cache, first)).reshape(batch, -1)
    bonus = wanted.gather(1, first.counts[:, None].long() - 1)[:, 0].contiguous()
    path = torch.arange(first.tokens.shape[1]).int().repeat(batch, 1)
    advance(first.tokens, path, first.counts, bonus, cache.lengths, text, root)
    steps = 0
    while (cache.lengths < torch.tensor([len(prompt) + new for prompt in prompts])).any():
        rows = [drafts(b, [token for token in text[b].tolist() if token >= 0]) for b in range(batch)]
        block = Block("cpu", batch, max(len(tokens) for tokens, _ in rows))
        for b, (tokens, parents) in enumerate(rows):
            block.tokens[b, : len(tokens)] = torch.tensor(tokens)
            block.parents[b, : len(tokens)] = torch.tensor(parents)
            block.counts[b] = len(tokens)
        assert block.tokens[:, 0].tolist() == root.tolist()
        wanted = model.best(model.run(cache, block)).clone()
        path = poisoned(batch, block.tokens.shape[1], dtype=torch.int32)
        walk(wanted.reshape(block.tokens.shape), block.tokens, block.parents, block.counts, path, kept, bonus)
        compact(cache.keys, cache.values, cache.lengths, path, kept)
        advance(block.tokens, path, kept, bonus, cache.lengths, text, root)
        steps += 1
    return [text[b, : len(prompt) + new].tolist() for b, prompt in enumerate(prompts)], steps


def drafter(shape, truths, draw):
    """Proposes what will come, and here and there something else."""
    def draft(b, text):
        truth = (truths[b] + [0] * 99)[len(text) - 1 :]
        count = {"ntp": 1, "chain": 4, "tree": 9}[shape]
        parents = torch.arange(-1, count - 1)[None] if shape != "tree" else random_parents(draw, 1, count)
        parents[0, 1:] = parents[0, 1:].clamp(min=0)
        depth, tokens = [0], [text[-1]]
        for parent in parents[0, 1:].tolist():
            depth.append(depth[parent] + 1)
            other = int(torch.randint(0, CONFIG.vocab, (1,), generator=draw.generator))
            tokens.append(truth[depth[-1]] if torch.rand(1, generator=draw.generator) < 0.8 else other)
        return tokens, parents[0].tolist()
    return draft


@pytest.fixture(scope="module")
def weights():
    return random(CONFIG, seed=int.from_bytes(np.random.bytes(4)))


@pytest.mark.parametrize("shape", ["ntp", "chain", "tree"])
def test_thirty_two_tokens_equal_the_reference(draw, weights, shape):
    truth = reference_text(weights)
    (text,), steps = decode(GpuModel(CONFIG, weights, torch.float32, "cpu"), [PROMPT], drafter(shape, [truth], draw))
    assert text == truth
    assert steps == NEW if shape == "ntp" else steps < NEW


def test_a_batch_of_prompts_of_different_lengths(draw, weights):
    prompts, new = [PROMPT, [8], PROMPT[::-1]], 8
    truths = [reference_text(weights, prompt, new) for prompt in prompts]
    model = GpuModel(CONFIG, weights, torch.float32, "cpu", batch=3)
    texts, _ = decode(model, prompts, drafter("tree", truths, draw), new)
    assert texts == truths
