"""Typical acceptance (Cai et al. 2024, "Medusa", section 2.3.1): the rule "typical" of engine/verify.py. It is lossy.

A drafted token is typical where the target gives it more than min(EPSILON, DELTA exp(-entropy)); the longest path of
such tokens is accepted, of equals the one proposed first. One kernel finds each row's threshold, one walks.
"""

from __future__ import annotations

import torch
import triton
import triton.language as tl

from mtpviz.kernels.device.launch import launch, next_power


@triton.jit
def _threshold(probs_ptr, out_ptr, vocab, epsilon, delta, BLOCK: tl.constexpr):
    """Of one row, fp64: sums of p log p in one fixed order."""
    row = tl.program_id(0).to(tl.int64)
    lanes = tl.zeros((BLOCK,), tl.float64)
    for first in range(0, vocab, BLOCK):
        i = first + tl.arange(0, BLOCK)
        p = tl.load(probs_ptr + row * vocab + i, i < vocab, 0.0).to(tl.float64)
        lanes += tl.where(p > 0.0, p * tl.log(tl.where(p > 0.0, p, 1.0)), 0.0)
    tl.store(out_ptr + row, tl.minimum(delta * tl.exp(tl.sum(lanes, 0)), epsilon))


@triton.jit
def _typical(probs_ptr, thresholds_ptr, tokens_ptr, parents_ptr, counts_ptr, path_ptr, kept_ptr, bonus_ptr, lengths_ptr,
             limits_ptr, wanted_ptr, vocab, ROWS: tl.constexpr, BLOCK: tl.constexpr, PATH: tl.constexpr):
    batch = tl.program_id(0)
    base = batch * ROWS
    row = tl.arange(0, BLOCK)
    levels = (row == 0).to(tl.int32)  # of each row's typical path, the root's counted in; 0: it is not typical
    for node in range(1, tl.load(counts_ptr + batch)):
        parent = tl.load(parents_ptr + base + node)
        above = tl.sum(tl.where(row == parent, levels, 0), 0)
        p = tl.load(probs_ptr + (base + parent).to(tl.int64) * vocab + tl.load(tokens_ptr + base + node))
        good = (above > 0) & (p.to(tl.float64) > tl.load(thresholds_ptr + base + parent))
        levels = tl.where((row == node) & good, above + 1, levels)
    kept = tl.max(levels, 0)
    at = tl.min(tl.where(levels == kept, row, BLOCK), 0)
    bonus = tl.load(wanted_ptr + base + at)
    tl.store(bonus_ptr + batch, bonus)
    for back in range(kept):
        tl.store(path_ptr + batch * PATH + kept - 1 - back, at)
        parent = tl.load(parents_ptr + base + at)
        tl.store(wanted_ptr + base + tl.maximum(parent, 0), tl.load(tokens_ptr + base + at), parent >= 0)
        at = parent
    over = tl.load(lengths_ptr + batch) >= tl.load(limits_ptr + batch)
    tl.store(kept_ptr + batch, tl.where(over, 0, kept))


def typical(probs: torch.Tensor, thresholds: torch.Tensor, wanted: torch.Tensor, tokens: torch.Tensor,
            parents: torch.Tensor, counts: torch.Tensor, path: torch.Tensor, kept: torch.Tensor, bonus: torch.Tensor,
            lengths: torch.Tensor, limits: torch.Tensor, epsilon: float, delta: float) -> None:
    """Accept the longest path of typical tokens, then the target's own draw behind it.

    probs: fp32 (batch, rows, vocab), the target's distribution after each row, summing to one. thresholds: fp64 (batch,
    rows), scratch. wanted: int32 (batch, rows), the target's draw after each row; on the path the accepted token is
    written in its place. The rest as in `walk`.
    """
    batch, rows = tokens.shape
    vocab = probs.shape[2]
    launch(_threshold, (batch * rows,), probs, thresholds, vocab, float(epsilon), float(delta), BLOCK=1024, warps=8)
    launch(_typical, (batch,), probs, thresholds, tokens, parents, counts, path, kept, bonus, lengths, limits, wanted,
           vocab, ROWS=rows, BLOCK=next_power(rows), PATH=path.shape[1], warps=1)
