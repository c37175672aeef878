"""Recording a program's launches as a CUDA graph, where there is a GPU to record them on."""

from __future__ import annotations

from collections.abc import Callable

import torch

from mtpviz.kernels.device import interpreting


def captured(launches: Callable[[], None]) -> Callable[[], None]:
    """What replays `launches` as one graph. They run once here, so that every kernel is compiled and loaded before it
    is recorded; the caller sees to it that this changes nothing. In the interpreter: the launches themselves."""
    if interpreting():
        return launches
    torch.cuda.synchronize()
    launches()
    torch.cuda.synchronize()
    graph = torch.cuda.CUDAGraph()
    with torch.cuda.graph(graph):
        launches()
    return graph.replay


def milliseconds(launches: Callable[[], None], repeats: int) -> float:
    """Of one replay of `launches`, the mean of `repeats` on end, by the device's events; in the interpreter by the
    host's clock."""
    if interpreting():
        import time

        start = time.perf_counter()
        launches()
        return 1000 * (time.perf_counter() - start)
    start, end = (torch.cuda.Event(enable_timing=True) for _ in range(2))
    launches()
    start.record()
    for _ in range(repeats):
        launches()
    end.record()
    end.synchronize()
    return start.elapsed_time(end) / repeats
