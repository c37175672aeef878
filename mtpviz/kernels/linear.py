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

import contextlib
import mmap

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
    prefetch_ir,
    splat_ir,
)

PANEL = 2 * LANES  # outputs of a panel
_HUGE = 1 << 21  # bytes of a huge page
_AHEAD = 128  # steps of k, of 128 bytes each, between what is multiplied and what is asked for


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
    """A C-contiguous copy that starts on a cache line, so that no vector load straddles two; a large one on huge pages
    where the system has them: a pass reads every weight, and 4 KB pages of them are more than the CPU keeps track of.
    """
    if array.nbytes >= _HUGE and hasattr(mmap, "MADV_HUGEPAGE"):
        memory = mmap.mmap(-1, array.nbytes + _HUGE, mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS)
        with contextlib.suppress(OSError):  # a kernel without them
            memory.madvise(mmap.MADV_HUGEPAGE)
        raw, boundary = np.frombuffer(memory, np.uint8), _HUGE
    else:
        raw, boundary = np.empty(array.nbytes + 64, np.uint8), 64
    start = -raw.ctypes.data % boundary
    copy = raw[start : start + array.nbytes].view(array.dtype).reshape(array.shape)
    copy[...] = array
    return copy


@intrinsic
def fetch(typing, w, panel):
    """fetch(w, panel): ask for the first lines of panel number `panel` of packed matrices, before others are waited
    for: what `multiply` starts with."""
    if not isinstance(w, types.Array):
        return None

    def codegen(context, builder, sig, args):
        steps, elements = _steps(context, builder, sig.args[0], args[0])
        first = element_pointer(context, builder, sig.args[0], args[0],
                                builder.mul(args[1], builder.mul(steps, elements)))
        with cgutils.for_range(builder, ir.Constant(I64, 2 * _AHEAD)) as loop:
            prefetch_ir(builder, builder.gep(builder.bitcast(first, VECTOR.as_pointer()), [loop.index]))
        return context.get_dummy_value()

    return types.void(w, types.intp), codegen


def _steps(context, builder, w_type, w):
    """Steps of k of a panel, and its elements a step."""
    wide = w_type.dtype == types.float32  # one k a step; otherwise two
    shape = context.make_array(w_type)(context, builder, w).shape
    return builder.extract_value(shape, w_type.ndim - (2 if wide else 3)), ir.Constant(I64, (1 if wide else 2) * PANEL)


def _tile(rows: int):
    """Emit the inner kernel: `rows` rows of x against one panel, all sums in registers.

    tile(x, row, w, panel, out, column, add): out[row + i, column : column + 32] = x[row + i] @ panel^T, or += where
    `add`.
    """

    @intrinsic
    def tile(typing, x, row, w, panel, out, column, add):
        if not (x.dtype in (types.uint16, types.float32) and w.dtype in (types.uint16, types.float32)):
            return None

        def codegen(context, builder, sig, args):
            x_type, _, w_type, _, out_type, *_ = sig.args
            xs, row, ws, panel, outs, column, add = args
            wide = w_type.dtype == types.float32

            def flat(value):
                return ir.Constant(I64, value)

            def size(array_type, array, axis):
                struct = context.make_array(array_type)(context, builder, array)
                return builder.extract_value(struct.shape, axis)

            def vector(pointer):
                return load_ir(builder, pointer, VECTOR if wide else INT_VECTOR)

            steps, step_elements = _steps(context, builder, w_type, ws)
            width, stride = size(x_type, xs, 1), size(out_type, outs, 1)
            weights = element_pointer(context, builder, w_type, ws,
                                      builder.mul(panel, builder.mul(steps, step_elements)))
            inputs = [
                element_pointer(context, builder, x_type, xs, builder.mul(builder.add(row, flat(i)), width))
                for i in range(rows)]
            sums = [[cgutils.alloca_once(builder, VECTOR) for _ in range(2)] for _ in range(rows)]
            for pointer in (p for line in sums for p in line):
                builder.store(ir.Constant(VECTOR, [0.0] * LANES), pointer)

            half = flat(LANES if wide else 2 * LANES)
            with cgutils.for_range(builder, steps) as loop:
                here = builder.gep(weights, [builder.mul(loop.index, step_elements)])
                ahead = builder.gep(here, [builder.mul(step_elements, flat(_AHEAD))])
                halves = []
                for k in (flat(0), half):
                    prefetch_ir(builder, builder.gep(ahead, [k]))
                    halves.append(vector(builder.gep(here, [k])))
                for i in range(rows):
                    products = _products(builder, x_type.dtype, wide, inputs[i], loop.index, halves)
                    for pointer, product in zip(sums[i], products, strict=True):
                        builder.store(product(builder.load(pointer)), pointer)

            for i in range(rows):
                offset = builder.add(builder.mul(builder.add(row, flat(i)), stride), column)
                for j, pointer in enumerate(sums[i]):
                    target = element_pointer(
                        context, builder, out_type, outs, builder.add(offset, flat(j * LANES)))
                    total = builder.load(pointer)
                    both = builder.fadd(load_ir(builder, target), total)
                    total = builder.select(builder.trunc(add, ir.IntType(1)), both, total)
                    builder.store(total, builder.bitcast(target, VECTOR.as_pointer()), align=4)
            return context.get_dummy_value()

        signature = types.void(x, types.intp, w, types.intp, out, types.intp, types.boolean)
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


TILE = 12  # rows at most: their sums and a step's weights fill the 32 vector registers
_tile1, _tile2, _tile3, _tile4, _tile5, _tile6, \
    _tile7, _tile8, _tile9, _tile10, _tile11, _tile12 = (_tile(rows) for rows in range(1, TILE + 1))


@numba.njit(cache=True, nogil=True)
def multiply(x, w, start, begin, end, out, rows, add):
    """out[:rows, 32 begin : 32 end] = x[:rows] @ W^T, or += where `add`, of the panels begin..end-1 of a matrix whose
    first panel is number `start` of w.

    Rows go in as few tiles as will do, as equal as can be: each reads the panel, and one of few rows waits for its own
    sums. The split does not touch any sum.
    """
    tiles = (rows + TILE - 1) // TILE
    for panel in range(begin, end):
        for tile in range(tiles):
            row = rows * tile // tiles
            _rows(x, row, rows * (tile + 1) // tiles - row, w, start + panel, out, panel * PANEL, add)


@numba.njit(cache=True, nogil=True)
def _rows(x, row, size, w, panel, out, column, add):
    if size == 1:
        _tile1(x, row, w, panel, out, column, add)
    elif size == 2:
        _tile2(x, row, w, panel, out, column, add)
    elif size == 3:
        _tile3(x, row, w, panel, out, column, add)
    elif size == 4:
        _tile4(x, row, w, panel, out, column, add)
    elif size == 5:
        _tile5(x, row, w, panel, out, column, add)
    elif size == 6:
        _tile6(x, row, w, panel, out, column, add)
    elif size == 7:
        _tile7(x, row, w, panel, out, column, add)
    elif size == 8:
        _tile8(x, row, w, panel, out, column, add)
    elif size == 9:
        _tile9(x, row, w, panel, out, column, add)
    elif size == 10:
        _tile10(x, row, w, panel, out, column, add)
    elif size == 11:
        _tile11(x, row, w, panel, out, column, add)
    elif size == 12:
        _tile12(x, row, w, panel, out, column, add)


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
    multiply(rows, panels, 0, 0, panels.shape[0], out, rows.shape[0], False)
