"""What a draft module reads of a row: the token's embedding and a feature side by side, each normed or as it is.

[embedding ; feature] goes into EAGLE's fc (Li et al. 2024), normed by halves into an MTP module's projection
(DeepSeek-AI 2024, "DeepSeek-V3", section 2.2; Cai et al. 2025, "FastMTP"), and into q, k and v of EAGLE-3 (Li et al.
2025).
"""

from __future__ import annotations

import torch
import triton
import triton.language as tl

from mtpviz.kernels.device.launch import launch, next_power


@triton.jit
def _normed(value, weight_ptr, i, eps, WIDTH: tl.constexpr):
    scale = 1.0 / tl.sqrt(tl.sum(value * value) / WIDTH + eps)
    return value * scale * tl.load(weight_ptr + i, i < WIDTH, 0.0).to(tl.float32)


@triton.jit(do_not_specialize=["rows", "first", "block_rows"])
def _pair(tokens_ptr, table_ptr, token_norm_ptr, x_ptr, x_norm_ptr, out_ptr, eps, rows, first, block_rows,
          WIDTH: tl.constexpr, BLOCK: tl.constexpr):
    row = tl.program_id(0)
    i = tl.arange(0, BLOCK)
    target = out_ptr + row.to(tl.int64) * (2 * WIDTH) + i
    if tl.program_id(1) == 0:
        token = tl.load(tokens_ptr + row // rows * block_rows + first + row % rows).to(tl.int64)
        value = tl.load(table_ptr + token * WIDTH + i, i < WIDTH, 0.0).to(tl.float32)
        if token_norm_ptr is not None:
            value = _normed(value, token_norm_ptr, i, eps, WIDTH)
        tl.store(target, value.to(out_ptr.dtype.element_ty), i < WIDTH)
    else:
        value = tl.load(x_ptr + row.to(tl.int64) * WIDTH + i, i < WIDTH, 0.0).to(tl.float32)
        if x_norm_ptr is not None:
            value = _normed(value, x_norm_ptr, i, eps, WIDTH)
        tl.store(target + WIDTH, value.to(out_ptr.dtype.element_ty), i < WIDTH)


def pair(tokens: torch.Tensor, table: torch.Tensor, x: torch.Tensor, out: torch.Tensor, eps: float,
         token_norm: torch.Tensor | None = None, x_norm: torch.Tensor | None = None, first: int = 0) -> None:
    """out[r] = [RMSNorm(table[token of r]) ; RMSNorm(x[r])] for the block's rows from `first` on; a half without a
    weight of its norm is taken as it is.

    tokens: int32 (batch, rows of the block). table: (vocab, width), x: (batch * rows, width), out: (batch * rows,
    2 width), token_norm, x_norm: (width,), of any float dtype each; sums are fp32.
    """
    total, width = x.shape
    batch, block_rows = tokens.shape
    launch(_pair, (total, 2), tokens, table, token_norm, x, x_norm, out, float(eps), total // batch, first, block_rows,
           WIDTH=width, BLOCK=next_power(width), warps=4)


def pair_reference(tokens: torch.Tensor, table: torch.Tensor, x: torch.Tensor, eps: float,
                   token_norm: torch.Tensor | None = None, x_norm: torch.Tensor | None = None) -> torch.Tensor:
    """`pair` in float64; tokens (rows,)."""
    halves = []
    for half, weight in ((table[tokens.long()].double(), token_norm), (x.double(), x_norm)):
        scale = torch.rsqrt(half.square().mean(-1, keepdim=True) + eps)
        halves.append(half if weight is None else half * scale * weight.double())
    return torch.cat(halves, -1)
