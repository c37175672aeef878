"""Rejection sampling down a drafted tree (Leviathan et al. 2023; siblings without replacement as in Jeong et al. 2024,
"Sequoia", section 3.3): the rule of engine/verify.py, one program a sequence.

At a node, R is the target's distribution and D the draft's. Each child in the order it was drawn is accepted with
probability min(1, R/D), else R <- norm(max(R - D, 0)) and D loses the child. An accepted child costs two loads; only a
reject sweeps over the vocabulary, in fp64 and in one fixed order.
"""

from __future__ import annotations

import torch
import triton
import triton.language as tl

from mtpviz.kernels.device.launch import launch
from mtpviz.kernels.device.random import uniform

_ACCEPT = tl.constexpr(1024)  # stream of the first child's test, as in engine/random.py
_NO_ID = tl.constexpr(2**31 - 1)


@triton.jit
def _sweep(probs_ptr, drafts_ptr, residual_ptr, fresh, scale, draft_scale, token, vocab, BLOCK: tl.constexpr):
    """residual <- max(R - D, 0); D loses `token`. Returns the sums of both. fresh: 1 while R is still the target's own,
    else 0."""
    left = tl.zeros((1,), tl.float64)
    draft_left = tl.zeros((1,), tl.float64)
    for first in range(0, vocab, BLOCK):
        i = first + tl.arange(0, BLOCK)
        p = tl.load(probs_ptr + i, i < vocab * fresh, 0.0).to(tl.float64)
        p += tl.load(residual_ptr + i, i < vocab * (1 - fresh), 0.0) * scale
        d = tl.load(drafts_ptr + i, i < vocab, 0.0).to(tl.float64) * draft_scale
        rest = tl.maximum(p - d, 0.0)
        tl.store(residual_ptr + i, rest, i < vocab)
        tl.store(drafts_ptr + i, 0.0, i == token)
        left += tl.sum(rest, 0)
        draft_left += tl.sum(tl.where(i == token, 0.0, d), 0)
    tl.debug_barrier()
    return tl.sum(left, 0), tl.sum(draft_left, 0)


@triton.jit
def _draw(probs_ptr, residual_ptr, fresh, whole, u, vocab, BLOCK: tl.constexpr):
    """The token at which the running sum of R passes u of the whole."""
    mark = u.to(tl.float64) * whole
    before = whole * 0.0
    token = _NO_ID
    last = 0
    for first in range(0, vocab, BLOCK):
        i = first + tl.arange(0, BLOCK)
        p = tl.load(probs_ptr + i, i < vocab * fresh, 0.0).to(tl.float64)
        p += tl.load(residual_ptr + i, i < vocab * (1 - fresh), 0.0)
        sums = before + tl.cumsum(p, 0)
        token = tl.minimum(token, tl.min(tl.where((sums > mark) & (p > 0.0), i, _NO_ID), 0))
        last = tl.maximum(last, tl.max(tl.where(p > 0.0, i, 0), 0))
        before += tl.sum(p, 0)
    return tl.minimum(token, last)


@triton.jit
def _reject(probs_ptr, drafts_ptr, residual_ptr, tokens_ptr, parents_ptr, counts_ptr, lengths_ptr, seeds_ptr, path_ptr,
            kept_ptr, bonus_ptr, limits_ptr, wanted_ptr, vocab, ROWS: tl.constexpr, PATH: tl.constexpr,
            BLOCK: tl.constexpr):
    batch = tl.program_id(0)
    count = tl.load(counts_ptr + batch)
    seed = tl.load(seeds_ptr + batch)
    length = tl.load(lengths_ptr + batch)
    residual = residual_ptr + batch.to(tl.int64) * vocab
    tl.store(path_ptr + batch * PATH, 0)
    node = 0
    kept = 1
    going = 1
    while going == 1:
        line = (batch * ROWS + node).to(tl.int64) * vocab
        probs = probs_ptr + line
        drafts = drafts_ptr + line
        chosen = -1
        order = 0
        fresh = 1
        whole = tl.full((), 1.0, tl.float64)
        draft_whole = tl.full((), 1.0, tl.float64)
        for row in range(node + 1, count):
            if (tl.load(parents_ptr + batch * ROWS + row) == node) & (chosen < 0):
                token = tl.load(tokens_ptr + batch * ROWS + row)
                d = tl.load(drafts + token).to(tl.float64) / draft_whole
                p = tl.load(probs + token).to(tl.float64)
                if fresh == 0:
                    p = tl.load(residual + token) / whole
                u = uniform(seed, length + kept, _ACCEPT + order).to(tl.float64)
                if (d > 0.0) & (u * d < p):
                    chosen = row
                else:
                    left, draft_left = _sweep(probs, drafts, residual, fresh, 1.0 / whole, 1.0 / draft_whole, token,
                                              vocab, BLOCK)
                    # Nothing left: p equals q to the last bit, and any draw is the target's own.
                    fresh = (left <= 0.0).to(tl.int32)
                    whole = tl.where(left > 0.0, left, 1.0)
                    draft_whole = tl.where(draft_left > 0.0, draft_whole * draft_left, draft_whole)
                order += 1
        if (chosen < 0) | (kept == PATH):
            going = 0
            if fresh == 1:  # the target's probabilities sum to one only up to rounding
                whole = _total(probs, vocab, BLOCK)
            u = uniform(seed, length + kept, 0)
            bonus = _draw(probs, residual, fresh, whole, u, vocab, BLOCK)
            tl.store(bonus_ptr + batch, bonus)
            if wanted_ptr is not None:
                tl.store(wanted_ptr + batch * ROWS + node, bonus)
            if limits_ptr is not None:
                kept = tl.where(length < tl.load(limits_ptr + batch), kept, 0)
            tl.store(kept_ptr + batch, kept)
        else:
            tl.store(path_ptr + batch * PATH + kept, chosen)
            if wanted_ptr is not None:
                tl.store(wanted_ptr + batch * ROWS + node, tl.load(tokens_ptr + batch * ROWS + chosen))
            kept += 1
            node = chosen


@triton.jit
def _total(probs_ptr, vocab, BLOCK: tl.constexpr):
    """Sum of the target's probabilities, fp64."""
    total = tl.zeros((1,), tl.float64)
    for first in range(0, vocab, BLOCK):
        i = first + tl.arange(0, BLOCK)
        total += tl.sum(tl.load(probs_ptr + i, i < vocab, 0.0).to(tl.float64), 0)
    return tl.sum(total, 0)


def reject(probs: torch.Tensor, drafts: torch.Tensor, residual: torch.Tensor, tokens: torch.Tensor,
           parents: torch.Tensor, counts: torch.Tensor, lengths: torch.Tensor, seeds: torch.Tensor, path: torch.Tensor,
           kept: torch.Tensor, bonus: torch.Tensor, limits: torch.Tensor | None = None,
           wanted: torch.Tensor | None = None) -> None:
    """Accept a path of a tree whose tokens were drawn from `drafts`; the text has the target's distribution.

    probs: fp32 (batch, rows, vocab), the target's distribution after each row. drafts: fp32 (batch, rows, vocab), the
    distribution from which each row's children were drawn in the order of their rows; changed. residual: fp64 (batch,
    vocab), scratch. tokens, parents: int32 (batch, rows) as for `walk`; counts, lengths: int32, seeds: int64
    (batch,). path: int32 (batch, levels), levels at least that of the tree; kept, bonus, limits: int32 (batch,), as
    in `walk`. wanted: int32 (batch, rows), where the target's choice after each row of the path is written.
    """
    batch, rows = tokens.shape
    launch(_reject, (batch,), probs, drafts, residual, tokens, parents, counts, lengths, seeds, path, kept, bonus,
           limits, wanted, probs.shape[2], ROWS=rows, PATH=path.shape[1], BLOCK=512, warps=8)
