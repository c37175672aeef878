"""The hidden states of the last few committed rows, for heads that look backward (Liu et al. 2025, "L-MTP")."""

from __future__ import annotations

import torch
import triton
import triton.language as tl

from mtpviz.kernels.device.launch import launch, next_power


@triton.jit(do_not_specialize=["rows"])
def _recent(x_ptr, path_ptr, kept_ptr, lengths_ptr, out_ptr, rows, path_stride, COUNT: tl.constexpr,
            WIDTH: tl.constexpr, BLOCK: tl.constexpr):
    """From the oldest on, so that a row is read before a newer one is written over it."""
    batch = tl.program_id(0)
    kept = tl.load(kept_ptr + batch)
    oldest = tl.load(lengths_ptr + batch) - 1
    i = tl.arange(0, BLOCK)
    inside = i < tl.where(kept > 0, WIDTH, 0)
    for at in tl.static_range(COUNT):
        back = tl.minimum(COUNT - 1 - at, oldest)
        new = kept > back
        row = tl.load(path_ptr + batch * path_stride + kept - 1 - back, new, 0)
        before = (at * 0 + COUNT - 1 - (back - kept)) * tl.num_programs(0) + batch
        value = tl.load(out_ptr + before.to(tl.int64) * WIDTH + i, i < tl.where(new | (kept == 0), 0, WIDTH), 0.0)
        fresh = tl.load(x_ptr + (batch * rows + row).to(tl.int64) * WIDTH + i, i < tl.where(new, WIDTH, 0), 0.0)
        value = tl.where(new, fresh.to(out_ptr.dtype.element_ty), value)
        tl.store(out_ptr + (at * tl.num_programs(0) + batch).to(tl.int64) * WIDTH + i, value, inside)


def recent(x: torch.Tensor, path: torch.Tensor, kept: torch.Tensor, lengths: torch.Tensor, out: torch.Tensor) -> None:
    """Shift the rows that were just committed into the memory of the last ones.

    x: (batch * rows, width) of a pass, any float dtype. path: int32 (batch, any), kept: int32 (batch,): the rows of it
    that were committed; lengths: int32 (batch,), all committed rows, these counted in. out: (count, batch, width), the
    oldest first, the last one out[count - 1]; before `count` rows were committed the first of all stands for what is
    missing. A sequence that kept nothing stays as it is.
    """
    count, batch, width = out.shape
    launch(_recent, (batch,), x, path, kept, lengths, out, len(x) // batch, path.stride(0), COUNT=count, WIDTH=width,
           BLOCK=next_power(width), warps=4)


def recent_reference(known: list[torch.Tensor], count: int) -> torch.Tensor:
    """(count, width): the last of all rows committed so far, in order, known[0] standing for what is missing."""
    return torch.stack([known[max(len(known) - 1 - back, 0)] for back in reversed(range(count))])
