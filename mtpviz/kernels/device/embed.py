"""Token ids to the first residual stream."""

from __future__ import annotations

import torch
import triton
import triton.language as tl

from mtpviz.kernels.device.launch import launch, next_power


@triton.jit
def _embed(tokens_ptr, table_ptr, out_ptr, WIDTH: tl.constexpr, BLOCK: tl.constexpr):
    row = tl.program_id(0).to(tl.int64)
    i = tl.arange(0, BLOCK)
    token = tl.load(tokens_ptr + row).to(tl.int64)
    value = tl.load(table_ptr + token * WIDTH + i, i < WIDTH)
    tl.store(out_ptr + row * WIDTH + i, value.to(out_ptr.dtype.element_ty), i < WIDTH)


def embed(tokens: torch.Tensor, table: torch.Tensor, out: torch.Tensor) -> None:
    """out[r] = table[tokens[r]]. tokens: int32, `rows` of them. table: (vocab, width), out: (rows, width)."""
    rows, width = out.shape
    launch(_embed, (rows,), tokens, table, out, WIDTH=width, BLOCK=next_power(width), warps=4)


def embed_reference(tokens: torch.Tensor, table: torch.Tensor) -> torch.Tensor:
    """`embed` in torch."""
    return table[tokens.long()]
