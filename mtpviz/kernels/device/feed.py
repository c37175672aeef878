"""Committed tokens as the block that a drafter with a cache of its own must run before it drafts."""

from __future__ import annotations

import torch
import triton
import triton.language as tl

from mtpviz.kernels.device.launch import launch, next_power


@triton.jit
def _feed(text_ptr, seen_ptr, lengths_ptr, tokens_ptr, parents_ptr, counts_ptr, after_ptr, extra, CONTEXT: tl.constexpr,
          ROWS: tl.constexpr, BLOCK: tl.constexpr):
    batch = tl.program_id(0)
    length = tl.load(lengths_ptr + batch)
    seen = tl.minimum(tl.load(seen_ptr + batch), length)
    count = tl.minimum(length + extra - seen, ROWS)
    i = tl.arange(0, BLOCK)
    inside = i < ROWS
    known = (i < count) & (seen + i < CONTEXT)
    at = batch * ROWS + i
    tl.store(tokens_ptr + at, tl.load(text_ptr + batch * CONTEXT + seen + i, known, 0), inside)
    tl.store(parents_ptr + at, i - 1, inside)
    tl.store(counts_ptr + batch, count)
    if after_ptr is not None:
        tl.store(after_ptr + batch, seen + count)


@triton.jit
def _follow(text_ptr, kept_ptr, lengths_ptr, tokens_ptr, counts_ptr, base_ptr, fresh, CONTEXT: tl.constexpr,
            ROWS: tl.constexpr, BLOCK: tl.constexpr):
    batch = tl.program_id(0)
    kept = tl.load(kept_ptr + batch)
    if kept > 0:
        count = tl.minimum(kept + tl.load(counts_ptr + batch) * (1 - fresh), ROWS)
        base = tl.load(lengths_ptr + batch) - count
        i = tl.arange(0, BLOCK)
        known = (i < count) & (base + 1 + i < CONTEXT)
        token = tl.load(text_ptr + batch * CONTEXT + base + 1 + i, known, 0)
        tl.debug_barrier()  # the count is read before it is written
        tl.store(tokens_ptr + batch * ROWS + i, token, i < count)
        tl.store(counts_ptr + batch, count)
        tl.store(base_ptr + batch, base)


def feed(text: torch.Tensor, seen: torch.Tensor, lengths: torch.Tensor, tokens: torch.Tensor, parents: torch.Tensor,
         counts: torch.Tensor, root: bool, after: torch.Tensor | None = None) -> None:
    """A chain of the tokens at positions seen, seen + 1, ... up to the last committed one, with `root` one more.

    text: int32 (batch, context), by position. seen: positions that have been run; lengths: committed ones, int32
    (batch,). tokens, parents: int32 (batch, rows); counts: int32 (batch,), real rows, at most all: what a pass takes.
    after: int32 (batch,), positions that have been run once the chain has. A root that has been run already is run
    again: its keys are the same.
    """
    batch, rows = tokens.shape
    launch(_feed, (batch,), text, seen, lengths, tokens, parents, counts, after, int(root),
           CONTEXT=text.shape[1], ROWS=rows, BLOCK=next_power(rows), warps=1)


def follow(text: torch.Tensor, kept: torch.Tensor, lengths: torch.Tensor, tokens: torch.Tensor, counts: torch.Tensor,
           base: torch.Tensor, fresh: bool) -> None:
    """The committed rows that a drafter has still to run, each with the token that follows it in the text.

    text: int32 (batch, context), by position. kept: rows that were just committed; lengths: committed ones, these
    counted in, int32 (batch,). tokens: int32 (batch, rows); counts: int32 (batch,), rows to run: those kept now behind
    those that waited, or with `fresh` those kept now alone. base: int32 (batch,), the first one's position. A sequence
    that kept nothing stays as it is.
    """
    batch, rows = tokens.shape
    launch(_follow, (batch,), text, kept, lengths, tokens, counts, base, int(fresh), CONTEXT=text.shape[1], ROWS=rows,
           BLOCK=next_power(rows), warps=1)


def feed_reference(text: torch.Tensor, seen: torch.Tensor, lengths: torch.Tensor, rows: int,
                   root: bool) -> list[list[int]]:
    """The tokens of each chain."""
    return [line[min(first, last) : min(last + root, min(first, last) + rows)]
            for line, first, last in zip(text.tolist(), seen.tolist(), lengths.tolist(), strict=True)]


def follow_reference(text: torch.Tensor, kept: torch.Tensor, lengths: torch.Tensor, counts: torch.Tensor,
                     fresh: bool) -> list[list[int]]:
    """The tokens of each sequence that kept something; [] of the others."""
    return [line[last - (new + (0 if fresh else old)) + 1 : last + 1] if new else []
            for line, new, last, old in zip(text.tolist(), kept.tolist(), lengths.tolist(), counts.tolist(),
                                            strict=True)]
