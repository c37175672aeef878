"""Rows of the accepted path, from where the pass left them to where a drafter reads them."""

from __future__ import annotations

import torch
import triton
import triton.language as tl

from mtpviz.kernels.device.launch import launch, next_power


@triton.jit(do_not_specialize=["rows", "levels"])
def _gather(x_ptr, path_ptr, kept_ptr, first_ptr, out_ptr, rows, levels, path_stride, tap_stride, LAST: tl.constexpr,
            WIDTH: tl.constexpr, BLOCK: tl.constexpr):
    batch = tl.program_id(0)
    tap = tl.program_id(2)
    kept = tl.load(kept_ptr + batch)
    level = tl.program_id(1)
    place = level
    if first_ptr is not None:
        place += tl.load(first_ptr + batch)
    if LAST:
        level = kept - 1
    real = (level < kept) & (level >= 0) & (place < levels)
    row = tl.load(path_ptr + batch * path_stride + level, real, 0)
    i = tl.arange(0, BLOCK)
    inside = i < tl.where(real, WIDTH, 0)
    source = x_ptr + tap.to(tl.int64) * tap_stride + (batch * rows + row).to(tl.int64) * WIDTH
    value = tl.load(source + i, inside, 0.0)
    target = ((batch * levels + place).to(tl.int64) * tl.num_programs(2) + tap) * WIDTH
    tl.store(out_ptr + target + i, value.to(out_ptr.dtype.element_ty), inside)


@triton.jit(do_not_specialize=["rows", "first", "block_rows"])
def _lift(x_ptr, last_ptr, parents_ptr, out_ptr, rows, first, block_rows, WIDTH: tl.constexpr, BLOCK: tl.constexpr):
    row = tl.program_id(0)
    batch = row // rows
    parent = tl.load(parents_ptr + batch * block_rows + first + row % rows)
    i = tl.arange(0, BLOCK)
    drafted = i < tl.where(parent >= 0, WIDTH, 0)
    value = tl.load(last_ptr + batch.to(tl.int64) * WIDTH + i, i < tl.where(parent < 0, WIDTH, 0), 0.0)
    above = (batch * block_rows + tl.maximum(parent, 0)).to(tl.int64) * WIDTH
    value = tl.where(drafted, tl.load(x_ptr + above + i, drafted, 0.0), value)
    tl.store(out_ptr + row.to(tl.int64) * WIDTH + i, value.to(out_ptr.dtype.element_ty), i < WIDTH)


def gather(x: torch.Tensor, path: torch.Tensor, kept: torch.Tensor, out: torch.Tensor,
           first: torch.Tensor | None = None) -> None:
    """out[b, first[b] + i] = x[b, path[b, i]] for i < kept[b], first being 0 where it is not given; the rest of out
    stays as it is, and what would lie behind its end is left out.

    x: (batch * rows, width), out: (batch * levels, width), of any float dtype each; or x (taps, batch * rows, width),
    whose rows are laid side by side, out (batch * levels, taps * width). path: int32 (batch, any), kept, first: int32
    (batch,).
    """
    levels = len(out) // len(kept)
    _rows(x, path, kept, first, out, min(levels, path.shape[1]), False)


def gather_last(x: torch.Tensor, path: torch.Tensor, kept: torch.Tensor, out: torch.Tensor) -> None:
    """out[b] = x[b, path[b, kept[b] - 1]], the path's last row; a batch entry that kept nothing stays as it is.

    x, path, kept: as for `gather`. out: (batch, width).
    """
    _rows(x, path, kept, None, out, 1, True)


def _rows(x, path, kept, first, out, count: int, last: bool) -> None:
    batch, width = len(kept), x.shape[-1]
    taps, tap_stride = (len(x), x.stride(0)) if x.dim() == 3 else (1, 0)
    launch(_gather, (batch, count, taps), x, path, kept, first, out, x.shape[-2] // batch, len(out) // batch,
           path.stride(0), tap_stride, LAST=last, WIDTH=width, BLOCK=next_power(width), warps=4)


def lift(x: torch.Tensor, last: torch.Tensor, parents: torch.Tensor, out: torch.Tensor, first: int = 0) -> None:
    """out[b, i] = x[b, parents[b, first + i]], what the parent of each row of a block left; for a row without a parent
    in the block last[b].

    x: (batch, block rows, width), last: (batch, width), of one float dtype. parents: int32 (batch, block rows). out:
    (batch * rows, width), of any float dtype: the block's rows from `first` on.
    """
    batch, block_rows, width = x.shape
    launch(_lift, (len(out),), x, last, parents, out, len(out) // batch, first, block_rows, WIDTH=width,
           BLOCK=next_power(width), warps=4)


def gather_reference(x: torch.Tensor, path: torch.Tensor, kept: torch.Tensor) -> list[torch.Tensor]:
    """The rows of each batch entry's path."""
    split = x.unflatten(0, (len(kept), -1))
    return [split[b, path[b, :count].long()] for b, count in enumerate(kept.tolist())]


def lift_reference(x: torch.Tensor, last: torch.Tensor, parents: torch.Tensor, first: int = 0) -> torch.Tensor:
    """`lift` in torch, (batch * rows, width)."""
    rows = [last[b] if parent < 0 else x[b, parent] for b, line in enumerate(parents.tolist())
            for parent in line[first:]]
    return torch.stack(rows)
