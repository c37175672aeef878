"""Linear layer for a few rows: y = x W^T at the speed at which W can be read.

One matrix tile of 16 rows serves every row count: up to four of them share each tile of W, and more rows are further
programs. So a row meets the same instructions in the same order whoever shares its pass. The order of k, and whether
k is cut into several programs, follow from the weight's shape alone; partial sums are added in order of k by
whichever program comes last.
"""

from __future__ import annotations

import torch
import triton
import triton.language as tl

from mtpviz.kernels.device.launch import launch
from mtpviz.kernels.device.tiles import tile_of

ROWS = tl.constexpr(16)


@triton.jit
def load_rows(x_ptr, first, rows, ks, K, EVEN: tl.constexpr):
    """x[first : first + 16, ks]; rows past the end and k past K are zero."""
    row = (first + tl.arange(0, ROWS))[:, None]
    inside = row < rows
    if not EVEN:
        inside = inside & (ks[None, :] < K)
    return tl.load(x_ptr + row * K + ks[None, :], inside, 0.0)


@triton.jit
def product(x_ptr, w_ptr, first, rows, start, stop, columns, N, K, BN: tl.constexpr, BK: tl.constexpr,
            EVEN: tl.constexpr, TILES: tl.constexpr):
    """Four sums, fp32 (16, BN), of x[first + 16 i :][:16] W[columns]^T over the k of the blocks start..stop-1; the
    last 4 - TILES are zero."""
    a0 = tl.zeros((ROWS, BN), tl.float32)
    a1 = a0
    a2 = a0
    a3 = a0
    for block in range(start, stop):
        ks = block * BK + tl.arange(0, BK)
        inside = columns[None, :] < N
        if not EVEN:
            inside = inside & (ks[:, None] < K)
        at = columns[None, :].to(tl.int64) * K + ks[:, None]
        w = tl.load(w_ptr + at, inside, 0.0, eviction_policy="evict_first")
        a0 = tl.dot(load_rows(x_ptr, first, rows, ks, K, EVEN), w, a0, input_precision="ieee")
        if TILES > 1:
            a1 = tl.dot(load_rows(x_ptr, first + 16, rows, ks, K, EVEN), w, a1, input_precision="ieee")
        if TILES > 2:
            a2 = tl.dot(load_rows(x_ptr, first + 32, rows, ks, K, EVEN), w, a2, input_precision="ieee")
            a3 = tl.dot(load_rows(x_ptr, first + 48, rows, ks, K, EVEN), w, a3, input_precision="ieee")
    return a0, a1, a2, a3


@triton.jit
def _finish(acc, first, rows, columns, N, out_ptr, bias_ptr, residual_ptr, EPILOGUE: tl.constexpr, BN: tl.constexpr):
    """Bias, activation, residual and the store of one (16, BN) sum."""
    row = (first + tl.arange(0, ROWS))[:, None]
    if bias_ptr is not None:
        acc += tl.load(bias_ptr + columns, columns < N, 0.0).to(tl.float32)[None, :]
    if EPILOGUE == "swiglu":  # the outputs are gate 0, up 0, gate 1, up 1, ...: neighbours lie in one thread
        gate, up = tl.split(tl.reshape(acc, (ROWS, BN // 2, 2)))
        acc = gate / (1.0 + tl.exp(-gate)) * up
        column = (tl.program_id(0) * (BN // 2) + tl.arange(0, BN // 2))[None, :]
        width = N // 2
    else:
        column = columns[None, :]
        width = N
        if EPILOGUE == "silu":
            acc = acc / (1.0 + tl.exp(-acc))
    at = row.to(tl.int64) * width + column
    inside = (row < rows) & (column < width)
    if residual_ptr is not None:
        acc += tl.load(residual_ptr + at, inside, 0.0).to(tl.float32)
    tl.store(out_ptr + at, acc.to(out_ptr.dtype.element_ty), inside)


@triton.jit
def _share(partial_ptr, split, tile: tl.constexpr, SPLIT: tl.constexpr, TILES: tl.constexpr, BN: tl.constexpr):
    """Where a part of k belongs: partial sums lie by program, row tile, part of k."""
    program = (tl.program_id(2) * tl.num_programs(0) + tl.program_id(0)).to(tl.int64)
    at = ((program * TILES + tile) * SPLIT + split) * (16 * BN)
    return partial_ptr + at + tl.arange(0, ROWS)[:, None] * BN + tl.arange(0, BN)[None, :]


@triton.jit
def _gather(partial_ptr, tile: tl.constexpr, SPLIT: tl.constexpr, TILES: tl.constexpr, BN: tl.constexpr):
    """The parts of one row tile, added in order of k. They were written by other multiprocessors: skip L1."""
    total = tl.zeros((ROWS, BN), tl.float32)
    for split in tl.static_range(SPLIT):
        total += tl.load(_share(partial_ptr, split, tile, SPLIT, TILES, BN), cache_modifier=".cg")
    return total


@triton.jit(do_not_specialize=["rows"])
def _linear(x_ptr, w_ptr, out_ptr, bias_ptr, residual_ptr, partial_ptr, arrived_ptr, rows, N, K,
            BN: tl.constexpr, BK: tl.constexpr, SPLIT: tl.constexpr, EVEN: tl.constexpr, TILES: tl.constexpr,
            EPILOGUE: tl.constexpr):
    columns = tl.program_id(0) * BN + tl.arange(0, BN)
    split = tl.program_id(1)
    first = tl.program_id(2) * (16 * TILES)
    blocks = tl.cdiv(K, BK)
    each = tl.cdiv(blocks, SPLIT)
    a0, a1, a2, a3 = product(x_ptr, w_ptr, first, rows, split * each, tl.minimum(split * each + each, blocks), columns,
                             N, K, BN, BK, EVEN, TILES)
    last = True
    if SPLIT > 1:
        tl.store(_share(partial_ptr, split, 0, SPLIT, TILES, BN), a0)
        if TILES > 1:
            tl.store(_share(partial_ptr, split, 1, SPLIT, TILES, BN), a1)
        if TILES > 2:
            tl.store(_share(partial_ptr, split, 2, SPLIT, TILES, BN), a2)
            tl.store(_share(partial_ptr, split, 3, SPLIT, TILES, BN), a3)
        tl.debug_barrier()  # all of the block's stores come before its arrival
        counter = arrived_ptr + tl.program_id(2) * tl.num_programs(0) + tl.program_id(0)
        last = tl.atomic_add(counter, 1, sem="acq_rel") == SPLIT - 1
        if last:
            tl.store(counter, 0)  # ready for the next launch
            tl.debug_barrier()
            a0 = _gather(partial_ptr, 0, SPLIT, TILES, BN)
            if TILES > 1:
                a1 = _gather(partial_ptr, 1, SPLIT, TILES, BN)
            if TILES > 2:
                a2 = _gather(partial_ptr, 2, SPLIT, TILES, BN)
                a3 = _gather(partial_ptr, 3, SPLIT, TILES, BN)
    if last:
        _finish(a0, first, rows, columns, N, out_ptr, bias_ptr, residual_ptr, EPILOGUE, BN)
        if TILES > 1:
            _finish(a1, first + 16, rows, columns, N, out_ptr, bias_ptr, residual_ptr, EPILOGUE, BN)
        if TILES > 2:
            _finish(a2, first + 32, rows, columns, N, out_ptr, bias_ptr, residual_ptr, EPILOGUE, BN)
            _finish(a3, first + 48, rows, columns, N, out_ptr, bias_ptr, residual_ptr, EPILOGUE, BN)


class Workspace:
    """Partial sums and arrival counters of split products, for all launches of one stream. rows: most rows of a pass;
    shapes: (outputs, k) of the weights."""

    def __init__(self, device: torch.device | str, rows: int, shapes: list[tuple[int, int]]):
        sizes, programs = [0], [0]
        for n, k in shapes:
            tile, groups = tile_of(n, k), triton.cdiv(max(rows, 64), 64)
            programs.append(triton.cdiv(n, tile.n) * groups * 4)
            sizes.append(programs[-1] * 16 * tile.n * tile.split * (tile.split > 1))
        self.partial = torch.empty(max(sizes), dtype=torch.float32, device=device)
        self.arrived = torch.zeros(max(programs), dtype=torch.int32, device=device)


def linear(x: torch.Tensor, weight: torch.Tensor, out: torch.Tensor, workspace: Workspace,
           bias: torch.Tensor | None = None, residual: torch.Tensor | None = None, epilogue: str = "none") -> None:
    """out = epilogue(x W^T + bias) + residual, summed in fp32.

    x: (rows, k), weight: (outputs, k), both bf16, fp16 or fp32, contiguous. bias: (outputs,). residual: like out,
    and may be out itself. epilogue: "none"; "silu", as in Medusa's ResBlock (Cai et al. 2024, section 2.1); "swiglu"
    for weights whose rows are gate 0, up 0, gate 1, up 1, ... (`interleave`). out: (rows, outputs), half as wide
    after swiglu, of any float dtype.
    """
    (rows, k), outputs = x.shape, weight.shape[0]
    tile = tile_of(outputs, k)
    tiles = 1 if rows <= 16 else 2 if rows <= 32 else 4
    grid = (triton.cdiv(outputs, tile.n), tile.split, triton.cdiv(rows, 16 * tiles))
    launch(_linear, grid, x, weight, out, bias, residual, workspace.partial, workspace.arrived, rows, outputs, k,
           BN=tile.n, BK=tile.k, SPLIT=tile.split, EVEN=k % tile.k == 0, TILES=tiles, EPILOGUE=epilogue,
           warps=tile.warps, stages=tile.stages)


def interleave(gate: torch.Tensor, up: torch.Tensor) -> torch.Tensor:
    """gate and up, (inner, k) each, as the (2 inner, k) weight of the swiglu epilogue."""
    return torch.stack([gate, up], 1).reshape(-1, gate.shape[1])


def linear_reference(x, weight, bias=None, residual=None, epilogue="none") -> torch.Tensor:
    """`linear` in float64."""
    y = x.double() @ weight.double().T + (0 if bias is None else bias.double())
    if epilogue == "silu":
        y = torch.nn.functional.silu(y)
    elif epilogue == "swiglu":
        y = torch.nn.functional.silu(y[:, ::2]) * y[:, 1::2]
    return y if residual is None else y + residual.double()
