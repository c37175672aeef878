"""A tree whose shape was fixed beforehand: each of its places takes the candidate of its rank (engine/static.py)."""

from __future__ import annotations

import torch
import triton
import triton.language as tl

from mtpviz.kernels.device.launch import launch, next_power


@triton.jit
def _seat(ids_ptr, probs_ptr, source_ptr, inner_ptr, tokens_ptr, own_ptr, draft_ptr, count, stride, first,
          ROWS: tl.constexpr, DRAFT_ROWS: tl.constexpr, BLOCK: tl.constexpr):
    batch = tl.program_id(0)
    i = tl.arange(0, BLOCK)
    inside = i < count
    at = batch * stride + tl.load(source_ptr + i, inside, 0)
    token = tl.load(ids_ptr + at, inside, 0)
    tl.store(tokens_ptr + batch * ROWS + first + i, token, inside)
    tl.store(own_ptr + batch * ROWS + first + i, tl.load(probs_ptr + at, inside, 0.0), inside)
    if draft_ptr is not None:
        row = tl.load(inner_ptr + i, inside, -1)
        tl.store(draft_ptr + batch * DRAFT_ROWS + row, token, row >= 0)


def seat(ids: torch.Tensor, probs: torch.Tensor, source: torch.Tensor, tokens: torch.Tensor, own: torch.Tensor,
         first: int, inner: torch.Tensor | None = None, draft: torch.Tensor | None = None) -> None:
    """tokens[b, first + i] = ids[b, source[i]], own[b, first + i] = probs[b, source[i]]: one level of the tree; and
    draft[b, inner[i]] = ids[b, source[i]] where inner[i] >= 0: the nodes that the draft runs next.

    ids: int32, probs: fp32, (batch, ...), the candidates after each node of the level above, numbered through. source,
    inner: int32 (nodes of the level,). tokens: int32, own: fp32, (batch, rows). draft: int32 (batch, rows of the
    draft's own block).
    """
    batch, rows = tokens.shape
    launch(_seat, (batch,), ids, probs, source, inner, tokens, own, draft, len(source), ids.stride(0), first, ROWS=rows,
           DRAFT_ROWS=1 if draft is None else draft.shape[1], BLOCK=next_power(len(source)), warps=1)


def seat_reference(ids: torch.Tensor, probs: torch.Tensor, source: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    """Tokens and probabilities of the level's nodes, (batch, nodes) each."""
    return ids.flatten(1)[:, source.long()], probs.flatten(1)[:, source.long()]
