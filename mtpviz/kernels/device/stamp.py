"""The device's own clock: a mark between the phases of a step that no host waits for.

Events would do the same, but those of a captured graph are the graph's: the next replay overwrites them before the
host has read the last one's. A mark is a number in the step's results.
"""

from __future__ import annotations

import time

import torch
import triton
import triton.language as tl
from triton.language.extra.cuda import globaltimer

from mtpviz.kernels.device import interpreting
from mtpviz.kernels.device.launch import launch


@triton.jit
def _stamp(out_ptr, last_ptr, index):
    now = globaltimer()
    if index == 0:
        tl.store(out_ptr, tl.load(last_ptr))
        tl.store(out_ptr + 1, now)
    else:
        tl.store(out_ptr + 1 + index, now)
        tl.store(last_ptr, now)


def stamp(out: torch.Tensor, last: torch.Tensor, index: int) -> None:
    """out[1 + index] = now, in nanoseconds, once everything launched before has run; index 0 also puts into out[0] the
    moment of the stamp before it, whoever's it was.

    out: int64 (stamps + 1,). last: int64 (1,), shared by all who use the device. The interpreter has no such clock:
    there the host's stands in, whose operations are done when their launches return.
    """
    if not interpreting():
        launch(_stamp, (1,), out, last, index, warps=1)
        return
    now, marks, shared = time.perf_counter_ns(), out.numpy(), last.numpy()
    if index == 0:
        marks[0] = shared[0]
    marks[1 + index] = shared[0] = now
