"""From logits to the target's distribution and its token at each row: temperature, top-k, top-p, min-p, then the draw.

The rules are those of engine/sampling.py. A row is one program that sweeps over its logits a few times; cuts are found
on the bit patterns of the weights (non-negative floats are ordered like integers), four bits a sweep, so no sort is
needed at any size of vocabulary. All sums run in one fixed order.
"""

from __future__ import annotations

import torch
import triton
import triton.language as tl

from mtpviz.kernels.device.launch import launch
from mtpviz.kernels.device.random import uniform

SAMPLE = 0  # engine/random.py's stream of the target's own draws
_NO_ID = tl.constexpr(2**31 - 1)


@triton.jit
def _cut(weights_ptr, floor, amount, vocab, BLOCK: tl.constexpr, MASS: tl.constexpr):
    """The highest bit pattern c, at least `floor`, for which the weights with patterns >= c count at least `amount`, or
    with MASS sum to at least that."""
    j = tl.arange(0, 16)
    cut = 0
    for step in tl.static_range(8):
        tries = cut | (j << (28 - 4 * step))
        reached = tl.zeros((16,), tl.float64)
        for first in range(0, vocab, BLOCK):
            i = first + tl.arange(0, BLOCK)
            weights = tl.load(weights_ptr + i, i < vocab, -1.0)
            above = (weights[:, None] >= 0.0) & (weights.to(tl.int32, bitcast=True)[:, None] >= tries[None, :])
            above = above & (tries[None, :] >= 0) & (weights.to(tl.int32, bitcast=True)[:, None] >= floor)
            if MASS:
                reached += tl.sum(tl.where(above, weights[:, None], 0.0), 0).to(tl.float64)
            else:
                reached += tl.sum(above.to(tl.int32), 0).to(tl.float64)
        best = tl.max(tl.where((reached >= amount) & (tries >= 0), j, 0), 0)
        cut = cut | (best << (28 - 4 * step))
    return tl.maximum(cut, floor)


@triton.jit
def _sums(weights_ptr, at_least, vocab, BLOCK: tl.constexpr):
    """Sum of the weights whose bit patterns are at least `at_least`, fp64."""
    total = tl.zeros((1,), tl.float64)
    for first in range(0, vocab, BLOCK):
        i = first + tl.arange(0, BLOCK)
        weights = tl.load(weights_ptr + i, i < vocab, 0.0)
        kept = tl.where(weights.to(tl.int32, bitcast=True) >= at_least, weights, 0.0)
        total += tl.sum(kept.to(tl.float64), 0)
    return tl.sum(total, 0)


@triton.jit
def _sample(logits_ptr, probs_ptr, tokens_ptr, seeds_ptr, positions_ptr, vocab, stride, probs_stride, rows,
            temperature, top_k, top_p, min_p, stream, BLOCK: tl.constexpr, TOP_K: tl.constexpr, TOP_P: tl.constexpr,
            NORMALISE: tl.constexpr):
    row = tl.program_id(0).to(tl.int64)
    logits = logits_ptr + row * stride
    weights_ptr = probs_ptr + row * probs_stride
    highest = tl.full((BLOCK,), float("-inf"), tl.float32)
    for first in range(0, vocab, BLOCK):
        i = first + tl.arange(0, BLOCK)
        highest = tl.maximum(highest, tl.load(logits + i, i < vocab, float("-inf")))
    top = tl.max(highest, 0)
    for first in range(0, vocab, BLOCK):
        i = first + tl.arange(0, BLOCK)
        tl.store(weights_ptr + i, tl.exp((tl.load(logits + i, i < vocab, 0.0) - top) / temperature), i < vocab)
    tl.debug_barrier()
    floor = 0
    ties = _NO_ID  # how many weights equal to the cut are kept, in order of id
    if TOP_K:
        floor = _cut(weights_ptr, 0, top_k, vocab, BLOCK, False)
    if TOP_P:
        amount = top_p * _sums(weights_ptr, floor, vocab, BLOCK)
        floor = _cut(weights_ptr, floor, amount, vocab, BLOCK, True)
        missing = amount - _sums(weights_ptr, floor + 1, vocab, BLOCK)
        at_cut = floor.to(tl.float32, bitcast=True).to(tl.float64)
        ties = tl.maximum(tl.ceil(missing / at_cut).to(tl.int32), 1)
    total = tl.zeros((1,), tl.float64)
    equal = 0
    for first in range(0, vocab, BLOCK):
        i = first + tl.arange(0, BLOCK)
        weights = tl.load(weights_ptr + i, i < vocab, 0.0)
        bits = weights.to(tl.int32, bitcast=True)
        tied = (bits == floor).to(tl.int32)
        kept = (bits > floor) | ((tied == 1) & (equal + tl.cumsum(tied, 0) <= ties))
        equal += tl.sum(tied, 0)
        weights = tl.where(kept & (weights >= min_p), weights, 0.0)  # the highest weight is 1
        tl.store(weights_ptr + i, weights, i < vocab)
        total += tl.sum(weights.to(tl.float64), 0)
    tl.debug_barrier()
    whole = tl.sum(total, 0)
    seed = tl.load(seeds_ptr + row // rows)
    mark = uniform(seed, tl.load(positions_ptr + row) + 1, stream).to(tl.float64) * whole
    before = whole * 0.0
    token = _NO_ID
    last = 0
    for first in range(0, vocab, BLOCK):
        i = first + tl.arange(0, BLOCK)
        weights = tl.load(weights_ptr + i, i < vocab, 0.0)
        sums = before + tl.cumsum(weights.to(tl.float64), 0)
        token = tl.minimum(token, tl.min(tl.where((sums > mark) & (weights > 0.0), i, _NO_ID), 0))
        last = tl.maximum(last, tl.max(tl.where(weights > 0.0, i, 0), 0))
        before += tl.sum(weights.to(tl.float64), 0)
        if NORMALISE:
            tl.store(weights_ptr + i, (weights.to(tl.float64) / whole).to(tl.float32), i < vocab)
    tl.store(tokens_ptr + row, tl.minimum(token, last))


def sample(logits: torch.Tensor, probs: torch.Tensor, tokens: torch.Tensor, seeds: torch.Tensor,
           positions: torch.Tensor, temperature: float, top_k: int = 0, top_p: float = 1.0, min_p: float = 0.0,
           normalise: bool = False, stream: int = SAMPLE) -> None:
    """The token that the target draws after each row, with the random number of its seed and of the row's position + 1.

    logits: fp32 (batch * rows, >= vocab). probs: fp32 (batch * rows, vocab): left holding the distribution, up to a
    factor unless `normalise`. tokens, positions: int32 (batch * rows,). seeds: int64 (batch,). temperature above 0;
    greedy is `top_tokens` with one token. stream: of the random numbers (engine/random.py).
    """
    total, vocab = probs.shape
    launch(_sample, (total,), logits, probs, tokens, seeds, positions, vocab, logits.stride(0),
           probs.stride(0), total // seeds.shape[0], float(temperature), top_k, float(top_p), float(min_p), stream,
           BLOCK=512, TOP_K=0 < top_k < vocab, TOP_P=top_p < 1.0,
           NORMALISE=normalise, warps=8)
