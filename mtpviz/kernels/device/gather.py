"""Rows of the accepted path, from where the pass left them to where a drafter reads them."""

from __future__ import annotations

import torch
import triton
import triton.language as tl

from mtpviz.kernels.device.launch import launch, next_power


@triton.jit(do_not_specialize=["rows", "levels"])
def _gather(x_ptr, path_ptr, kept_ptr, out_ptr, rows, levels, path_stride, LAST: tl.constexpr, WIDTH: tl.constexpr,
            BLOCK: tl.constexpr):
    batch = tl.program_id(0)
    kept = tl.load(kept_ptr + batch)
    level = tl.program_id(1)
    target = (batch * levels + level).to(tl.int64)
    if LAST:
        level = kept - 1
    real = (level < kept) & (level >= 0)
    row = tl.load(path_ptr + batch * path_stride + level, real, 0)
    i = tl.arange(0, BLOCK)
    inside = i < tl.where(real, WIDTH, 0)
    value = tl.load(x_ptr + (batch * rows + row).to(tl.int64) * WIDTH + i, inside, 0.0)
    tl.store(out_ptr + target * WIDTH + i, value.to(out_ptr.dtype.element_ty), inside)


def gather(x: torch.Tensor, path: torch.Tensor, kept: torch.Tensor, out: torch.Tensor) -> None:
    """out[b, i] = x[b, path[b, i]] for i < kept[b]; the rest of out stays as it is.

    x: (batch * rows, width), out: (batch * levels, width), of any float dtype each. path: int32 (batch, >= levels);
    kept: int32 (batch,), at most levels.
    """
    _rows(x, path, kept, out, False)


def gather_last(x: torch.Tensor, path: torch.Tensor, kept: torch.Tensor, out: torch.Tensor) -> None:
    """out[b] = x[b, path[b, kept[b] - 1]], the path's last row; a batch entry that kept nothing stays as it is.

    x, path, kept: as for `gather`. out: (batch, width).
    """
    _rows(x, path, kept, out, True)


def _rows(x, path, kept, out, last: bool) -> None:
    batch, width = len(kept), x.shape[1]
    launch(_gather, (batch, len(out) // batch), x, path, kept, out, len(x) // batch, len(out) // batch,
           path.stride(0), LAST=last, WIDTH=width, BLOCK=next_power(width), warps=4)


def gather_reference(x: torch.Tensor, path: torch.Tensor, kept: torch.Tensor) -> list[torch.Tensor]:
    """The rows of each batch entry's path."""
    split = x.unflatten(0, (len(kept), -1))
    return [split[b, path[b, :count].long()] for b, count in enumerate(kept.tolist())]
