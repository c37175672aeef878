"""The packed linear layers of a pass and nothing else: the floor that a step is compared with."""

from __future__ import annotations

import time
from collections.abc import Callable

import numpy as np

from mtpviz.kernels.compiler import numba
from mtpviz.kernels.linear import PANEL, aligned_copy, fetch, multiply
from mtpviz.kernels.team import wait
from mtpviz.models.cpu import CpuModel

_ONE_BF16 = 0x3F80  # 1.0


def linears_alone(model: CpuModel, rows: int = 1) -> Callable[[], float]:
    """A function that multiplies `rows` rows with every packed matrix of `model`, one after the other, by the kernel
    and the threads of its pass, and returns the milliseconds that took."""
    packed, threads = model.packed, model.threads
    stacks = (packed.qkv, packed.o, packed.gate_up, packed.down)
    inputs = tuple(_ones(model, rows, matrix) for matrix in (*(stack[0] for stack in stacks), packed.head))
    outputs = tuple(aligned_copy(np.zeros((rows, panels * PANEL), np.float32))
                    for panels in (*(stack.shape[1] for stack in stacks), len(packed.head)))
    arrivals = np.zeros(1, np.int64)

    def run() -> float:
        numba.set_num_threads(threads)
        start = time.perf_counter()
        _linears(arrivals, threads, inputs, outputs, stacks, packed.head, rows)
        return 1000 * (time.perf_counter() - start)

    run()  # compiles
    return run


def _ones(model: CpuModel, rows: int, packed: np.ndarray) -> np.ndarray:
    """Rows of ones as wide as a packed matrix (panels, steps of k, ...); bf16 panels hold two k a step."""
    width = packed.shape[1] * (2 if packed.dtype == np.uint16 else 1)
    return aligned_copy(np.full((rows, width), _ONE_BF16 if model.act_dtype == np.uint16 else 1, model.act_dtype))


@numba.njit(cache=True, nogil=True, parallel=True)
def _linears(arrivals, threads, inputs, outputs, stacks, head, rows):
    arrivals[0] = 0
    for thread in numba.prange(threads):
        _share(arrivals, thread, threads, inputs, outputs, stacks, head, rows)


@numba.njit(cache=True, nogil=True)
def _share(arrivals, thread, threads, inputs, outputs, stacks, head, rows):
    """One thread's panels of every matrix. The team waits behind each, as it must where the next reads the result."""
    qkv, o, gate_up, down = stacks
    layers = qkv.shape[0]
    for layer in range(layers):
        _panels(inputs[0], qkv, layer, qkv.shape[1], outputs[0], rows, thread, threads)
        _ask(o, layer, o.shape[1], thread, threads)
        wait(arrivals, threads)
        _panels(inputs[1], o, layer, o.shape[1], outputs[1], rows, thread, threads)
        _ask(gate_up, layer, gate_up.shape[1], thread, threads)
        wait(arrivals, threads)
        _panels(inputs[2], gate_up, layer, gate_up.shape[1], outputs[2], rows, thread, threads)
        _ask(down, layer, down.shape[1], thread, threads)
        wait(arrivals, threads)
        _panels(inputs[3], down, layer, down.shape[1], outputs[3], rows, thread, threads)
        if layer + 1 < layers:
            _ask(qkv, layer + 1, qkv.shape[1], thread, threads)
        else:
            _ask(head, 0, head.shape[0], thread, threads)
        wait(arrivals, threads)
    _panels(inputs[4], head, 0, head.shape[0], outputs[4], rows, thread, threads)


@numba.njit(cache=True, nogil=True)
def _panels(x, w, layer, panels, out, rows, thread, threads):
    """This thread's share of a matrix."""
    multiply(x, w, layer * panels, panels * thread // threads, panels * (thread + 1) // threads, out, rows, False)


@numba.njit(cache=True, nogil=True)
def _ask(w, layer, panels, thread, threads):
    """Ask for the start of this thread's share of what comes next, as the pass does."""
    fetch(w, layer * panels + panels * thread // threads)
