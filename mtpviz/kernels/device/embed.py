"""Token ids to the first residual stream."""

from __future__ import annotations

import torch
import triton
import triton.language as tl

from mtpviz.kernels.device.launch import launch, next_power


@triton.jit(do_not_specialize=["rows", "first", "block_rows"])
def _embed(tokens_ptr, table_ptr, out_ptr, rows, first, block_rows, WIDTH: tl.constexpr, BLOCK: tl.constexpr):
    row = tl.program_id(0)
    i = tl.arange(0, BLOCK)
    token = tl.load(tokens_ptr + row // rows * block_rows + first + row % rows).to(tl.int64)
    value = tl.load(table_ptr + token * WIDTH + i, i < WIDTH)
    tl.store(out_ptr + row.to(tl.int64) * WIDTH + i, value.to(out_ptr.dtype.element_ty), i < WIDTH)


def embed(tokens: torch.Tensor, table: torch.Tensor, out: torch.Tensor, first: int = 0) -> None:
    """The block's rows from `first` on. tokens: int32 (batch, rows of the block). table: (vocab, width), out: (batch *
    rows, width)."""
    total, width = out.shape
    batch, block_rows = tokens.shape
    launch(_embed, (total,), tokens, table, out, total // batch, first, block_rows, WIDTH=width,
           BLOCK=next_power(width), warps=4)


def embed_reference(tokens: torch.Tensor, table: torch.Tensor) -> torch.Tensor:
    """`embed` of a whole block in torch."""
    return table[tokens.long()].flatten(0, 1)
