"""Vocabulary head: the best tokens of each row, their probabilities and the log-sum-exp, without writing the logits.

Each program multiplies its tile of the vocabulary (kernels/device/linear.py's product, so the logits have that one's
order of sums) and leaves the tile's best tokens and its sum of exponentials; a second kernel merges the tiles. The head
dominates a small draft model, and a compressed vocabulary (Zhao et al. 2025, "FR-Spec") is a weight with fewer rows.
"""

from __future__ import annotations

import torch
import triton
import triton.language as tl

from mtpviz.kernels.device.launch import launch, next_power
from mtpviz.kernels.device.linear import ROWS, product
from mtpviz.kernels.device.tiles import tile_of_vocab

_NO_ID = tl.constexpr(2**31 - 1)


@triton.jit
def _leave(acc, first, rows, columns, N, logits_ptr, ids_ptr, stats_ptr, TOP: tl.constexpr):
    """The best TOP of one (16, BN) tile in order, of equals the smaller id; its highest and its sum of exponentials."""
    row = first + tl.arange(0, ROWS)
    inside = row < rows
    acc = tl.where(columns[None, :] < N, acc, float("-inf"))
    highest = tl.max(acc, 1)
    at = row.to(tl.int64) * tl.num_programs(0) + tl.program_id(0)
    tl.store(stats_ptr + at * 2, highest, inside)
    tl.store(stats_ptr + at * 2 + 1, tl.sum(tl.exp(acc - highest[:, None]), 1), inside)
    for i in tl.static_range(TOP):
        best = tl.max(acc, 1)
        id = tl.min(tl.where(acc == best[:, None], columns[None, :], _NO_ID), 1)
        tl.store(logits_ptr + at * TOP + i, best, inside)
        tl.store(ids_ptr + at * TOP + i, id, inside)
        acc = tl.where(columns[None, :] == id[:, None], float("-inf"), acc)


@triton.jit(do_not_specialize=["rows"])
def _vocab(x_ptr, w_ptr, logits_ptr, ids_ptr, stats_ptr, rows, N, K, BN: tl.constexpr, BK: tl.constexpr,
           EVEN: tl.constexpr, TILES: tl.constexpr, TOP: tl.constexpr):
    columns = tl.program_id(0) * BN + tl.arange(0, BN)
    first = tl.program_id(1) * (16 * TILES)
    a0, a1, a2, a3 = product(x_ptr, w_ptr, first, rows, 0, tl.cdiv(K, BK), columns, N, K, BN, BK, EVEN, TILES)
    _leave(a0, first, rows, columns, N, logits_ptr, ids_ptr, stats_ptr, TOP)
    if TILES > 1:
        _leave(a1, first + 16, rows, columns, N, logits_ptr, ids_ptr, stats_ptr, TOP)
    if TILES > 2:
        _leave(a2, first + 32, rows, columns, N, logits_ptr, ids_ptr, stats_ptr, TOP)
        _leave(a3, first + 48, rows, columns, N, logits_ptr, ids_ptr, stats_ptr, TOP)


@triton.jit
def _pick(logits_ptr, ids_ptr, stats_ptr, names_ptr, top_ids_ptr, top_probs_ptr, lse_ptr, tiles, BLOCK: tl.constexpr,
          TOP: tl.constexpr):
    """Merge one row's tiles, whose lists are sorted: TOP times the best of the lists' heads, then that list's next."""
    row = tl.program_id(0).to(tl.int64)
    tile = tl.arange(0, BLOCK)
    inside = tile < tiles
    at = row * tiles + tile
    highest = tl.load(stats_ptr + at * 2, inside, float("-inf"))
    top = tl.max(highest, 0)
    total = tl.sum(tl.load(stats_ptr + at * 2 + 1, inside, 0.0) * tl.exp(highest - top), 0)
    tl.store(lse_ptr + row, top + tl.log(total))
    taken = tl.zeros((BLOCK,), tl.int32)
    for i in tl.static_range(TOP):
        open_ = inside & (taken < TOP)
        value = tl.load(logits_ptr + at * TOP + taken, open_, float("-inf"))
        ids = tl.load(ids_ptr + at * TOP + taken, open_, _NO_ID)
        best = tl.max(value, 0)
        id = tl.min(tl.where(value == best, ids, _NO_ID), 0)
        taken += (ids == id).to(tl.int32)
        name = id
        if names_ptr is not None:
            name = tl.load(names_ptr + id)
        tl.store(top_ids_ptr + row * TOP + i, name)
        tl.store(top_probs_ptr + row * TOP + i, tl.exp(best - top) / total)


class VocabScratch:
    """What the tiles leave behind; one per head."""

    def __init__(self, device: torch.device | str, rows: int, vocab: int, top: int):
        tiles = triton.cdiv(vocab, tile_of_vocab().n)
        self.logits = torch.empty(rows * tiles * top, dtype=torch.float32, device=device)
        self.ids = torch.empty(rows * tiles * top, dtype=torch.int32, device=device)
        self.stats = torch.empty(rows * tiles * 2, dtype=torch.float32, device=device)


def top_tokens(x: torch.Tensor, weight: torch.Tensor, top_ids: torch.Tensor, top_probs: torch.Tensor, lse: torch.Tensor,
               scratch: VocabScratch, names: torch.Tensor | None = None) -> None:
    """The most probable tokens of softmax(x W^T), best first, of equals the one with the smaller row of W.

    x: (rows, k), weight: (vocab, k), bf16, fp16 or fp32. top_ids: int32, top_probs: fp32, both (rows, top); lse: fp32
    (rows,), the log-sum-exp of the logits. names: int32 (vocab,), the token of each row of a compressed vocabulary.
    """
    (rows, k), vocab, top = x.shape, weight.shape[0], top_ids.shape[1]
    tile = tile_of_vocab()
    tiles = 1 if rows <= 16 else 2 if rows <= 32 else 4
    blocks = triton.cdiv(vocab, tile.n)
    launch(_vocab, (blocks, triton.cdiv(rows, 16 * tiles)), x, weight, scratch.logits, scratch.ids, scratch.stats, rows,
           vocab, k, BN=tile.n, BK=tile.k, EVEN=k % tile.k == 0, TILES=tiles, TOP=top, warps=tile.warps,
           stages=tile.stages)
    launch(_pick, (rows,), scratch.logits, scratch.ids, scratch.stats, names, top_ids, top_probs, lse, blocks,
           BLOCK=next_power(blocks), TOP=top, warps=16)


def top_tokens_reference(x, weight, top: int, names=None):
    """ids (rows, top), probabilities and log-sum-exp in float64."""
    logits = x.double() @ weight.double().T
    probs, ids = logits.softmax(-1).topk(top, -1)
    return (ids if names is None else names[ids]).int(), probs, logits.logsumexp(-1)
