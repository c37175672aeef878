"""How fast a device reads its memory: the measured roof under which every decoding step stands."""

from __future__ import annotations

import time

import torch

_BYTES = 256 * 2**20  # more than any cache holds


def read_gb_s(device: str, threads: int, repeats: int = 5) -> float:
    """10^9 bytes a second of torch.sum over 256 MiB of fp32 on `device`, with so many CPU threads: the median of
    `repeats` after one that warms up."""
    before = torch.get_num_threads()
    torch.set_num_threads(max(1, threads))
    try:
        data = torch.ones(_BYTES // 4, device=device)
        times = []
        for _ in range(repeats + 1):
            start = time.perf_counter()
            data.sum().item()  # the value comes to the host: the sum is over when it is there
            times.append(time.perf_counter() - start)
    finally:
        torch.set_num_threads(before)
    return data.nbytes / sorted(times[1:])[repeats // 2] / 1e9
