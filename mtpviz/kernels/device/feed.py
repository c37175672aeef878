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


def feed_reference(text: torch.Tensor, seen: torch.Tensor, lengths: torch.Tensor, rows: int,
                   root: bool) -> list[list[int]]:
    """The tokens of each chain."""
    return [line[min(first, last) : min(last + root, min(first, last) + rows)]
            for line, first, last in zip(text.tolist(), seen.tolist(), lengths.tolist(), strict=True)]
