"""Linear layer for a few rows: y = x W^T with the weights read once, at the speed of the memory.

One decoding pass has 1 to 64 rows, so it is bound by reading W. The weights are packed into panels of 32 outputs,
stored in the order in which they are read. Every output is one chain of fused multiply-adds over k = 0, 1, 2, ...
in a lane of its own: its bits depend on its row of x and its row of W only, not on how many rows share the pass.

Weights are bf16 or fp32, sums fp32. Three forms of the same product, chosen by dtype and CPU:
  x bf16, W bf16   `vdpbf16ps` on a CPU with avx512_bf16: two products a lane and instruction
  x fp32, W bf16   any CPU: the weights are widened in registers, so memory traffic stays that of bf16
  x fp32, W fp32   any CPU
"""

from __future__ import annotations

import numpy as np
import torch

from mtpviz.kernels.compiler import cgutils, intrinsic, ir, numba, types
from mtpviz.kernels.simd import (
    I32,
    I64,
    INT_VECTOR,
    LANES,
    VECTOR,
    BFloats,
    element_pointer,
    fma_ir,
    load_ir,
    splat_ir,
)

PANEL = 2 * LANES  # outputs of a panel
_PREFETCH = 16  # steps of k ahead of the read position, about 2 KB


def pack(weight: torch.Tensor) -> np.ndarray:
    """Pack W (N, K) into panels; N is padded with zero rows to a multiple of 32, K to an even number.

    bf16 -> uint16 (N/32, K/2, 32, 2): of each output two neighbouring k, as `vdpbf16ps` wants them.
    fp32 -> float32 (N/32, K, 32).
    """
    n, k = weight.shape
    padded = torch.zeros((-n % PANEL + n, k % 2 + k), dtype=weight.dtype)
    padded[:n, :k] = weight
    if weight.dtype == torch.bfloat16:
        panels = padded.view(torch.int16).numpy().view(np.uint16)
        panels = panels.reshape(-1, PANEL, padded.shape[1] // 2, 2).transpose(0, 2, 1, 3)
    elif weight.dtype == torch.float32:
        panels = padded.numpy().reshape(-1, PANEL, padded.shape[1]).transpose(0, 2, 1)
    else:
        raise TypeError(f"weights are bf16 or fp32, not {weight.dtype}")
    return aligned_copy(panels)


def aligned_copy(array: np.ndarray) -> np.ndarray:
    """A C-contiguous copy that starts on a cache line, so that no vector load straddles two."""
    raw = np.empty(array.nbytes + 64, np.uint8)
    start = -raw.ctypes.data % 64
    copy = raw[start : start + array.nbytes].view(array.dtype).reshape(array.shape)
    copy[...] = array
    return copy


def _tile(rows: int, add: bool):
    """Emit the inner kernel: `rows` rows of x against one panel, all sums in registers.

    tile(x, row, w, panel, out, column): out[row + i, column : column + 32] (+)= x[row + i] @ panel^T.
    """

    @intrinsic
    def tile(typing, x, row, w, panel, out, column):
        if not (x.dtype in (types.uint16, types.float32) and w.dtype in (types.uint16, types.float32)):
            return None

        def codegen(context, builder, sig, args):
            x_type, _, w_type, _, out_type, _ = sig.args
            xs, row, ws, panel, outs, column = args
            wide = w_type.dtype == types.float32  # one k a step; otherwise two

            def flat(value):
                return ir.Constant(I64, value)

            def size(array_type, array, axis):
                struct = context.make_array(array_type)(context, builder, array)
                return builder.extract_value(struct.shape, axis)

            def vector(pointer):
                return load_ir(builder, pointer, VECTOR if wide else INT_VECTOR)

            steps = size(w_type, ws, 1)
            width, stride = size(x_type, xs, 1), size(out_type, outs, 1)
            step_elements = flat(PANEL if wide else 2 * PANEL)
            weights = element_pointer(
                context, builder, w_type, ws, builder.mul(panel, builder.mul(steps, step_elements)))
            inputs = [
                element_pointer(context, builder, x_type, xs, builder.mul(builder.add(row, flat(i)), width))
                for i in range(rows)]
            sums = [[cgutils.alloca_once(builder, VECTOR) for _ in range(2)] for _ in range(rows)]
            for pointer in (p for pair in sums for p in pair):
                builder.store(ir.Constant(VECTOR, [0.0] * LANES), pointer)

            with cgutils.for_range(builder, steps) as loop:
                here = builder.gep(weights, [builder.mul(loop.index, step_elements)])
                half = flat(LANES if wide else 2 * LANES)
                _prefetch(builder, here, step_elements, wide)
                panels = [vector(here), vector(builder.gep(here, [half]))]
                for i in range(rows):
                    products = _products(builder, x_type.dtype, wide, inputs[i], loop.index, panels)
                    for pointer, product in zip(sums[i], products, strict=True):
                        builder.store(product(builder.load(pointer)), pointer)

            for i in range(rows):
                offset = builder.add(builder.mul(builder.add(row, flat(i)), stride), column)
                for half in range(2):
                    target = element_pointer(
                        context, builder, out_type, outs, builder.add(offset, flat(half * LANES)))
                    total = builder.load(sums[i][half])
                    if add:
                        total = builder.fadd(load_ir(builder, target), total)
                    builder.store(total, builder.bitcast(target, VECTOR.as_pointer()), align=4)
            return context.get_dummy_value()

        signature = types.void(x, types.intp, w, types.intp, out, types.intp)
        return signature, codegen

    return tile


def _products(builder, x_dtype, wide, x_row, k, panels):
    """For each half of the panel the function sum -> sum + (this step's products) for one row of x."""
    if x_dtype == types.uint16:
        pair = builder.load(builder.gep(builder.bitcast(x_row, I32.as_pointer()), [k]), align=2)
        dot = cgutils.get_or_insert_function(
            builder.module, ir.FunctionType(VECTOR, [VECTOR, BFloats(32), BFloats(32)]),
            "llvm.x86.avx512bf16.dpbf16ps.512")
        x = builder.bitcast(splat_ir(builder, pair, INT_VECTOR), BFloats(32))
        halves = [builder.bitcast(panel, BFloats(32)) for panel in panels]
        return [lambda total, w=w: builder.call(dot, [total, w, x]) for w in halves]
    if wide:
        x = splat_ir(builder, builder.load(builder.gep(x_row, [k]), align=4))
        return [lambda total, w=w: fma_ir(builder, w, x, total) for w in panels]
    first = builder.gep(x_row, [builder.shl(k, ir.Constant(I64, 1))])
    even = splat_ir(builder, builder.load(first, align=4))
    odd = splat_ir(builder, builder.load(builder.gep(first, [ir.Constant(I64, 1)]), align=4))

    def add_pair(total, w):
        low = builder.bitcast(builder.shl(w, ir.Constant(INT_VECTOR, [16] * LANES)), VECTOR)
        high = builder.bitcast(builder.and_(w, ir.Constant(INT_VECTOR, [0xFFFF0000] * LANES)), VECTOR)
        return fma_ir(builder, high, odd, fma_ir(builder, low, even, total))

    return [lambda total, w=w: add_pair(total, w) for w in panels]


def _prefetch(builder, here, step_elements, wide):
    """Ask for the panel's lines ahead of their use: with 8 rows the sums would otherwise wait for the memory."""
    byte = ir.IntType(8).as_pointer()
    prefetch = cgutils.get_or_insert_function(
        builder.module, ir.FunctionType(ir.VoidType(), [byte, I32, I32, I32]), "llvm.prefetch.p0")
    ahead = builder.gep(here, [builder.mul(step_elements, ir.Constant(I64, _PREFETCH))])
    for line in range(2):
        elements = line * (LANES if wide else 2 * LANES)
        pointer = builder.bitcast(builder.gep(ahead, [ir.Constant(I64, elements)]), byte)
        builder.call(prefetch, [pointer, ir.Constant(I32, 0), ir.Constant(I32, 3), ir.Constant(I32, 1)])


TILE = 12  # rows at most: their sums and a step's weights fill the 32 vector registers
_set1, _set2, _set3, _set4, _set5, _set6, \
    _set7, _set8, _set9, _set10, _set11, _set12 = (_tile(rows, add=False) for rows in range(1, TILE + 1))
_add1, _add2, _add3, _add4, _add5, _add6, \
    _add7, _add8, _add9, _add10, _add11, _add12 = (_tile(rows, add=True) for rows in range(1, TILE + 1))


@numba.njit(cache=True, nogil=True)
def set_panel(x, w, panel, out, column, rows):
    """out[:rows, column : column + 32] = x[:rows] @ panel^T, in as few tiles as will do, as equal as can be: each reads
    the panel, and one of few rows waits for its own sums. The split of the rows does not touch any sum."""
    tiles = (rows + TILE - 1) // TILE
    for tile in range(tiles):
        row = rows * tile // tiles
        size = rows * (tile + 1) // tiles - row
        if size == 1:
            _set1(x, row, w, panel, out, column)
        elif size == 2:
            _set2(x, row, w, panel, out, column)
        elif size == 3:
            _set3(x, row, w, panel, out, column)
        elif size == 4:
            _set4(x, row, w, panel, out, column)
        elif size == 5:
            _set5(x, row, w, panel, out, column)
        elif size == 6:
            _set6(x, row, w, panel, out, column)
        elif size == 7:
            _set7(x, row, w, panel, out, column)
        elif size == 8:
            _set8(x, row, w, panel, out, column)
        elif size == 9:
            _set9(x, row, w, panel, out, column)
        elif size == 10:
            _set10(x, row, w, panel, out, column)
        elif size == 11:
            _set11(x, row, w, panel, out, column)
        elif size == 12:
            _set12(x, row, w, panel, out, column)


@numba.njit(cache=True, nogil=True)
def add_panel(x, w, panel, out, column, rows):
    """out[:rows, column : column + 32] += x[:rows] @ panel^T: the residual stream takes the product as it is made."""
    tiles = (rows + TILE - 1) // TILE
    for tile in range(tiles):
        row = rows * tile // tiles
        size = rows * (tile + 1) // tiles - row
        if size == 1:
            _add1(x, row, w, panel, out, column)
        elif size == 2:
            _add2(x, row, w, panel, out, column)
        elif size == 3:
            _add3(x, row, w, panel, out, column)
        elif size == 4:
            _add4(x, row, w, panel, out, column)
        elif size == 5:
            _add5(x, row, w, panel, out, column)
        elif size == 6:
            _add6(x, row, w, panel, out, column)
        elif size == 7:
            _add7(x, row, w, panel, out, column)
        elif size == 8:
            _add8(x, row, w, panel, out, column)
        elif size == 9:
            _add9(x, row, w, panel, out, column)
        elif size == 10:
            _add10(x, row, w, panel, out, column)
        elif size == 11:
            _add11(x, row, w, panel, out, column)
        elif size == 12:
            _add12(x, row, w, panel, out, column)


class Matrix:
    """A small matrix (N, K) of a draft head, bf16 or fp32, multiplied with fp32 rows by the calling thread alone.

    numpy's product would wake BLAS's own threads, which go on spinning for milliseconds on the cores that the next pass
    needs: a draft of 0.1 ms took 4 ms that way on two cores. weight: as it is stored, for those who multiply elsewhere.
    """

    def __init__(self, weight: torch.Tensor):
        self.weight, self.outputs = weight, len(weight)
        self.panels = pack(weight if weight.dtype == torch.bfloat16 else weight.float())

    def __call__(self, rows: np.ndarray) -> np.ndarray:
        """rows fp32 (n, K) -> rows @ weight^T, (n, N)."""
        out = np.empty((len(rows), len(self.panels) * PANEL), np.float32)
        _multiply(np.ascontiguousarray(rows, np.float32), self.panels, out)
        return out[:, : self.outputs]


@numba.njit(cache=True, nogil=True)
def _multiply(rows, panels, out):
    for panel in range(panels.shape[0]):
        set_panel(rows, panels, panel, out, panel * PANEL, rows.shape[0])
