"""Committing an accepted path: its keys and values move up behind the committed ones, its tokens join the text."""

from __future__ import annotations

import torch
import triton
import triton.language as tl

from mtpviz.kernels.device.launch import launch, next_power


@triton.jit
def _compact(keys_ptr, values_ptr, lengths_ptr, path_ptr, kept_ptr, slots, LEVELS: tl.constexpr, D: tl.constexpr,
             BD: tl.constexpr, CHUNK: tl.constexpr):
    """One key head of one layer. A chunk is read whole before any of it is written, and since path[i] >= i, no chunk
    writes where a later one reads: overlaps are safe."""
    layer = tl.program_id(0)
    kv = tl.program_id(1)
    batch = tl.program_id(2)
    base = ((layer * tl.num_programs(2) + batch) * tl.num_programs(1) + kv).to(tl.int64) * slots
    base += tl.load(lengths_ptr + batch)
    kept = tl.load(kept_ptr + batch)
    d = tl.arange(0, BD)[None, :]
    for first in range(0, kept, CHUNK):
        i = first + tl.arange(0, CHUNK)
        node = tl.load(path_ptr + batch * LEVELS + i, i < kept, 0)
        moved = (i < kept) & (node != i)
        inside = moved[:, None] & (d < D)
        source = (base + node)[:, None] * D + d
        target = (base + i)[:, None] * D + d
        keys = tl.load(keys_ptr + source, inside, 0.0)
        values = tl.load(values_ptr + source, inside, 0.0)
        tl.debug_barrier()
        tl.store(keys_ptr + target, keys, inside)
        tl.store(values_ptr + target, values, inside)
        tl.debug_barrier()


@triton.jit
def _advance(tokens_ptr, path_ptr, kept_ptr, bonus_ptr, lengths_ptr, text_ptr, root_ptr, ROWS: tl.constexpr,
             LEVELS: tl.constexpr, CONTEXT: tl.constexpr, BLOCK: tl.constexpr):
    batch = tl.program_id(0)
    length = tl.load(lengths_ptr + batch)
    kept = tl.load(kept_ptr + batch)
    i = tl.arange(0, BLOCK)
    node = tl.load(path_ptr + batch * LEVELS + i, i < kept, 0)
    token = tl.load(tokens_ptr + batch * ROWS + node, i < kept, 0)
    tl.store(text_ptr + batch * CONTEXT + length + i, token, (i < kept) & (length + i < CONTEXT))
    bonus = tl.load(bonus_ptr + batch)
    tl.store(text_ptr + batch * CONTEXT + length + kept, bonus, (kept > 0) & (length + kept < CONTEXT))
    tl.store(root_ptr + batch, bonus, kept > 0)
    tl.debug_barrier()
    tl.store(lengths_ptr + batch, length + kept)


def compact(keys: torch.Tensor, values: torch.Tensor, lengths: torch.Tensor, path: torch.Tensor,
            kept: torch.Tensor) -> None:
    """Move slot lengths + path[i] to lengths + i for i < kept, in all layers, in place.

    keys, values: (layers, batch, kv, slots, head_dim). lengths, kept: int32 (batch,). path: int32 (batch, levels),
    ascending.
    """
    layers, batch, kv, slots, head_dim = keys.shape
    launch(_compact, (layers, kv, batch), keys, values, lengths, path, kept, slots, LEVELS=path.shape[1], D=head_dim,
           BD=next_power(head_dim), CHUNK=16, warps=4)


def advance(tokens: torch.Tensor, path: torch.Tensor, kept: torch.Tensor, bonus: torch.Tensor, lengths: torch.Tensor,
            text: torch.Tensor, root: torch.Tensor) -> None:
    """Write the path's tokens and the bonus into the text, make the bonus the next root, lengths += kept. A sequence
    that kept nothing stays as it is.

    tokens: int32 (batch, rows) of the block. path, kept, bonus: as `walk` leaves them. text: int32 (batch, context),
    by position; the root's place is text[lengths]. root: int32 (batch,).
    """
    batch, rows = tokens.shape
    launch(_advance, (batch,), tokens, path, kept, bonus, lengths, text, root, ROWS=rows, LEVELS=path.shape[1],
           CONTEXT=text.shape[1], BLOCK=next_power(path.shape[1]), warps=1)


def compact_reference(cache: torch.Tensor, lengths: torch.Tensor, path: torch.Tensor,
                      kept: torch.Tensor) -> torch.Tensor:
    """keys or values after `compact`."""
    moved = cache.clone()
    for b, (length, count) in enumerate(zip(lengths.tolist(), kept.tolist(), strict=True)):
        moved[:, b, :, length : length + count] = cache[:, b, :, length + path[b, :count].long()]
    return moved
