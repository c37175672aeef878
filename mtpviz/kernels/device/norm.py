"""RMSNorm (Zhang and Sennrich 2019): y = x / sqrt(mean(x^2) + eps) * weight, row by row, in fp32."""

from __future__ import annotations

import torch
import triton
import triton.language as tl

from mtpviz.kernels.device.launch import launch, next_power


@triton.jit
def _rms_norm(x_ptr, delta_ptr, weight_ptr, out_ptr, eps, WIDTH: tl.constexpr, BLOCK: tl.constexpr):
    row = tl.program_id(0).to(tl.int64)
    i = tl.arange(0, BLOCK)
    inside = i < WIDTH
    x = tl.load(x_ptr + row * WIDTH + i, inside, 0.0).to(tl.float32)
    if delta_ptr is not None:
        x += tl.load(delta_ptr + row * WIDTH + i, inside, 0.0).to(tl.float32)
        x = x.to(x_ptr.dtype.element_ty).to(tl.float32)  # the norm is that of the stream as it is kept
        tl.store(x_ptr + row * WIDTH + i, x.to(x_ptr.dtype.element_ty), inside)
    scale = 1.0 / tl.sqrt(tl.sum(x * x) / WIDTH + eps)
    y = x * scale * tl.load(weight_ptr + i, inside, 0.0).to(tl.float32)
    tl.store(out_ptr + row * WIDTH + i, y.to(out_ptr.dtype.element_ty), inside)


def rms_norm(x: torch.Tensor, weight: torch.Tensor, out: torch.Tensor, eps: float,
             delta: torch.Tensor | None = None) -> None:
    """out = RMSNorm(x), or with delta x += delta first, in place.

    x, delta, out: (rows, width), weight: (width,), contiguous, of any float dtype each; out may be x itself.
    """
    rows, width = x.shape
    launch(_rms_norm, (rows,), x, delta, weight, out, float(eps), WIDTH=width, BLOCK=next_power(width),
           warps=4 if width <= 2048 else 8)


def rms_norm_reference(x: torch.Tensor, weight: torch.Tensor, eps: float) -> torch.Tensor:
    """`rms_norm` in float64."""
    x = x.double()
    return x * torch.rsqrt(x.square().mean(-1, keepdim=True) + eps) * weight.double()
