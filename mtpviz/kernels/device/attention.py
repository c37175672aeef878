"""Tree attention: flash decoding (Dao et al. 2023) over the committed tokens and each row's own ancestors.

The keys of a row are numbered by position, whichever slots they lie in. A tile is BN positions, a split SPLIT of them,
both counted from position 0 and never from the row's end; a tile is one pair of matrix products of one shape. So a key
meets the same instructions in the same lane whether it is committed or drafted, and a row's result has the same bits
whichever rows share the pass, wherever its ancestors lie, and before and after they are committed.

Splits below the last committed one are the same for all rows: a program takes BM (row, head) pairs of a key head, so
that keys are read once for them. The splits from there on differ from row to row: a program takes one row and
finds each position's slot in the row's path. A second kernel adds the splits in order.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass

import torch
import triton
import triton.language as tl

from mtpviz.kernels.device.launch import card, launch, next_power

_LOG2_E = 1.4426950408889634


@dataclass(frozen=True)
class Tiling:
    """(row, head) pairs and positions of a tile, positions of a split, warps and pipeline stages of a program."""

    pairs: int
    keys: int
    split: int
    warps: int
    stages: int


# By the padded head size. Splits must not depend on the context's length: they are part of the order of the sums.
_TABLE = {
    "sm_80": {64: Tiling(32, 64, 256, 4, 3), 128: Tiling(32, 64, 256, 4, 3), 256: Tiling(32, 32, 256, 4, 2)},
    "sm_90": {64: Tiling(64, 64, 256, 4, 3), 128: Tiling(64, 64, 256, 8, 3), 256: Tiling(64, 32, 256, 8, 2)},
    "sm_120": {64: Tiling(32, 64, 256, 4, 3), 128: Tiling(32, 32, 256, 4, 3), 256: Tiling(32, 32, 256, 8, 1)},
}


_trial: ContextVar[Tiling | None] = ContextVar("trial", default=None)


def tiling_of(head_dim: int) -> Tiling:
    """The tiling of a head size, up to 256, on the card at hand."""
    return _trial.get() or _TABLE[card()][max(next_power(head_dim), 64)]


@contextmanager
def trying(tiling: Tiling) -> Iterator[None]:
    """Within the block every head size takes `tiling`: to measure it before it is written into the table."""
    token = _trial.set(tiling)
    try:
        yield
    finally:
        _trial.reset(token)


@triton.jit(do_not_specialize=["rows", "first", "splits", "block_rows"])
def _attend(query_ptr, keys_ptr, values_ptr, lengths_ptr, path_ptr, depth_ptr, sums_ptr, stats_ptr, scale, rows, first,
            slots, splits, block_rows, GROUP: tl.constexpr, D: tl.constexpr, BD: tl.constexpr, BM: tl.constexpr,
            BN: tl.constexpr, SPLIT: tl.constexpr, PATH: tl.constexpr, TAIL: tl.constexpr):
    program = tl.program_id(0)
    kv = tl.program_id(1)
    batch = tl.program_id(2)
    KV = tl.num_programs(1)
    start = tl.load(lengths_ptr + batch)
    tiles = tl.cdiv(rows * GROUP, BM)
    common = program < splits * tiles
    tail = tl.maximum(program - splits * tiles, 0)
    row = tl.where(common, 0, tail // TAIL)
    split = tl.where(common, program // tiles, start // SPLIT + tail % TAIL)
    path_row = (batch * block_rows + first + row).to(tl.int64)
    last = start + tl.where(common, 0, tl.load(depth_ptr + path_row))
    if (common & (split >= start // SPLIT)) | (split * SPLIT >= last):
        return
    pair = tl.where(common, program % tiles * BM, row * GROUP) + tl.arange(0, BM)
    real = pair < tl.where(common, rows * GROUP, row * GROUP + GROUP)
    d = tl.arange(0, BD)
    head = ((batch * rows + pair // GROUP) * KV + kv) * GROUP + pair % GROUP
    q = tl.load(query_ptr + head.to(tl.int64)[:, None] * D + d[None, :], real[:, None] & (d[None, :] < D), 0.0)
    base = (batch * KV + kv).to(tl.int64) * slots
    top = tl.full((BM,), float("-inf"), tl.float32)
    total = tl.zeros((BM,), tl.float32)
    mixed = tl.zeros((BM, BD), tl.float32)
    end = tl.minimum(split * SPLIT + SPLIT, last)
    for tile in range(split * SPLIT, end, BN):
        position = tile + tl.arange(0, BN)
        seen = position < last
        node = tl.load(path_ptr + path_row * PATH + position - start, seen & (position >= start), 0)
        slot = base + tl.where(position < start, position, start + node)
        k = tl.load(keys_ptr + slot[None, :] * D + d[:, None], seen[None, :] & (d[:, None] < D), 0.0)
        scores = tl.dot(q, k, input_precision="ieee") * scale
        scores = tl.where(seen[None, :], scores, float("-inf"))
        higher = tl.maximum(top, tl.max(scores, 1))
        shrink = tl.exp2(top - higher)
        weights = tl.exp2(scores - higher[:, None])
        total = total * shrink + tl.sum(weights, 1)
        v = tl.load(values_ptr + slot[:, None] * D + d[None, :], seen[:, None] & (d[None, :] < D), 0.0)
        mixed = tl.dot(weights.to(v.dtype), v, mixed * shrink[:, None], input_precision="ieee")
        top = higher
    at = head.to(tl.int64) * splits + split
    tl.store(sums_ptr + at[:, None] * D + d[None, :], mixed, real[:, None] & (d[None, :] < D))
    tl.store(stats_ptr + at * 2, top, real)
    tl.store(stats_ptr + at * 2 + 1, total, real)


@triton.jit(do_not_specialize=["rows", "first", "splits", "block_rows"])
def _merge(sums_ptr, stats_ptr, out_ptr, lengths_ptr, depth_ptr, rows, first, splits, block_rows, HEADS: tl.constexpr,
           D: tl.constexpr, BD: tl.constexpr, SPLIT: tl.constexpr):
    """out = the splits of one (row, head), added in order of position."""
    row = tl.program_id(0)
    at = row.to(tl.int64) * HEADS + tl.program_id(1)
    batch = row // rows
    last = tl.load(lengths_ptr + batch) + tl.load(depth_ptr + batch * block_rows + first + row % rows)
    d = tl.arange(0, BD)
    top = -float("inf")
    total = 0.0
    mixed = tl.zeros((BD,), tl.float32)
    for split in range(tl.cdiv(last, SPLIT)):
        stats = stats_ptr + (at * splits + split) * 2
        higher = tl.maximum(top, tl.load(stats))
        shrink = tl.exp2(top - higher)
        grow = tl.exp2(tl.load(stats) - higher)
        total = total * shrink + tl.load(stats + 1) * grow
        mixed = mixed * shrink + tl.load(sums_ptr + (at * splits + split) * D + d, d < D, 0.0) * grow
        top = higher
    mixed = tl.where(last > 0, mixed / tl.where(last > 0, total, 1.0), 0.0)  # a padding row before any token
    tl.store(out_ptr + at * D + d, mixed.to(out_ptr.dtype.element_ty), d < D)


class Scratch:
    """The splits' partial sums; one per model, since launches of one stream may share it."""

    def __init__(self, device: torch.device | str, batch: int, rows: int, heads: int, head_dim: int, slots: int):
        splits = triton.cdiv(slots, tiling_of(head_dim).split)
        self.sums = torch.empty(batch * rows * heads * splits * head_dim, dtype=torch.float32, device=device)
        self.stats = torch.empty(batch * rows * heads * splits * 2, dtype=torch.float32, device=device)


def attention(query: torch.Tensor, keys: torch.Tensor, values: torch.Tensor, lengths: torch.Tensor,
              path: torch.Tensor, depth: torch.Tensor, out: torch.Tensor, scratch: Scratch, first: int = 0) -> None:
    """out = softmax(query keys^T / sqrt(head_dim)) values, each row over the committed slots and its own path.

    query: (batch * rows, heads, head_dim), not scaled. keys, values: (batch, kv, slots, head_dim) of one layer; head h
    reads key head h // (heads / kv). lengths: int32 (batch,), committed slots. path, depth: as `ancestry` makes them
    for the block's rows, of which the pass holds those from `first` on; block row b lies in slot lengths + b. out:
    (batch * rows, heads * head_dim).
    """
    total, heads, head_dim = query.shape
    batch, kv, slots, _ = keys.shape
    rows, block_rows, levels = total // batch, path.shape[1], path.shape[2]
    tiling, group = tiling_of(head_dim), heads // kv
    splits = triton.cdiv(slots, tiling.split)
    tail = (tiling.split - 1 + levels - 1) // tiling.split + 1  # splits that the last committed one and a path touch
    programs = splits * triton.cdiv(rows * group, tiling.pairs) + rows * tail
    padded = max(next_power(head_dim), 16)
    launch(_attend, (programs, kv, batch), query, keys, values, lengths, path, depth, scratch.sums, scratch.stats,
           head_dim**-0.5 * _LOG2_E, rows, first, slots, splits, block_rows, GROUP=group, D=head_dim, BD=padded,
           BM=tiling.pairs, BN=tiling.keys, SPLIT=tiling.split, PATH=levels, TAIL=tail, warps=tiling.warps,
           stages=tiling.stages)
    launch(_merge, (total, heads), scratch.sums, scratch.stats, out, lengths, depth, rows, first, splits, block_rows,
           HEADS=heads, D=head_dim, BD=padded, SPLIT=tiling.split, warps=1)


def attention_reference(query, keys, values, lengths, paths, first: int = 0) -> torch.Tensor:
    """`attention` in float64; paths as `ancestry_reference` lists them. Rows that see no key give zeros."""
    total, heads, head_dim = query.shape
    batch, kv = keys.shape[:2]
    out = torch.zeros(total, heads, head_dim, dtype=torch.float64)
    rows = total // batch
    for line in range(total):
        b = line // rows
        length = int(lengths[b])
        slots = [*range(length), *(length + node for node in paths[b][first + line % rows])]
        for head in range(heads if slots else 0):
            k, v = (t[b, head // (heads // kv), slots].double() for t in (keys, values))
            out[line, head] = (k @ query[line, head].double() * head_dim**-0.5).softmax(0) @ v
    return out.reshape(total, heads * head_dim)
