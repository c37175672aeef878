"""SwiGLU gate (Shazeer 2020): silu(gate) * up."""

from __future__ import annotations

import numpy as np

from mtpviz.kernels.compiler import numba
from mtpviz.kernels.simd import exp, load, splat, store_as


@numba.njit(cache=True, nogil=True)
def swiglu_panel(gate_up, panel, out, rows):
    """out[:rows, 16 panel : 16 panel + 16] = silu(gate) * up, in out's dtype.

    gate_up: fp32 (>= rows, 32 panels), each panel of 32 columns holding 16 gates and then their 16 ups: that is how
    the two projections are packed, so that the thread that made a panel can finish it while it is in its cache.
    """
    one = splat(np.float32(1.0))
    zero = splat(np.float32(0.0))
    for row in range(rows):
        at = row * gate_up.shape[1] + panel * 32
        gate, up = load(gate_up, at), load(gate_up, at + 16)
        store_as(out, row * out.shape[1] + panel * 16, gate * up / (one + exp(zero - gate)))
