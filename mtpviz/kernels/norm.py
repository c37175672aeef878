"""RMSNorm (Zhang and Sennrich 2019): y = x / sqrt(mean(x^2) + eps) * weight, row by row."""

from __future__ import annotations

import numpy as np

from mtpviz.kernels.compiler import numba
from mtpviz.kernels.simd import fma, lane_sum, load, splat, store_as


@numba.njit(cache=True, nogil=True)
def rms_norm_rows(x, weight, weight_at, eps, width, out, rows, column=0):
    """out[:rows, column : column + width] = RMSNorm(x[:rows, :width]) in out's dtype (fp32, or bf16 held in uint16).

    x: fp32 (>= rows, >= width), width a multiple of 16; weight: flat fp32 that starts at index weight_at. The sum of
    squares runs over sixteen lanes and folds them: one order for every row.
    """
    for row in range(rows):
        source, target = row * x.shape[1], row * out.shape[1] + column
        squares = splat(np.float32(0.0))
        for i in range(0, width, 16):
            value = load(x, source + i)
            squares = fma(value, value, squares)
        mean = lane_sum(squares) / np.float32(width)
        scale = splat(np.float32(1.0) / np.sqrt(mean + np.float32(eps)))
        for i in range(0, width, 16):
            store_as(out, target + i, load(x, source + i) * scale * load(weight, weight_at + i))


@numba.njit(cache=True, nogil=True)
def copy_rows(x, width, out, rows, column=0):
    """out[:rows, column : column + width] = x[:rows, :width] in out's dtype: what stands where a layer has no norm."""
    for row in range(rows):
        for i in range(0, width, 16):
            store_as(out, row * out.shape[1] + column + i, load(x, row * x.shape[1] + i))
