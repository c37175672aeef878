"""What a machine can do: its instructions, its memory, the price of a pass. For `doctor` and for every report."""

from __future__ import annotations

import datetime
import os
import platform
import time

import numpy as np

from mtpviz.bench.harness import decode
from mtpviz.engine.sampling import Sampling
from mtpviz.engine.session import Session
from mtpviz.kernels import compiler
from mtpviz.kernels.compiler import llvm, numba
from mtpviz.models.cpu import MAX_ROWS

_ISA = ("sse4.2", "avx2", "fma", "avx512f", "avx512bf16", "avx512vnni", "amx-bf16", "neon", "sve", "bf16")
_QUIET = 0.5  # load average below which a machine counts as idle


def environment(session: Session) -> dict:
    """What a reader needs to judge a figure. load: the machine's mean load of the last minute, None where unknown;
    disturbed: whether that was more than an idle machine has."""
    busy = load()
    return {"model": session.model_card, "device": session.device, "hardware": session.hardware,
            "threads": session.threads, "dtype": session.dtype_name, "isa": isa(), "system": platform.platform(),
            "versions": session.versions, "load": busy, "disturbed": busy is not None and busy > _QUIET,
            "date": datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds")}


def load() -> float | None:
    """Mean number of processes that ran in the last minute, this one among them."""
    return round(os.getloadavg()[0], 2) if hasattr(os, "getloadavg") else None


def isa() -> list[str]:
    """Those instruction sets of this CPU that matter here; none are known without llvmlite."""
    if not compiler.FOUND:
        return []
    features = llvm.get_host_cpu_features()
    return [name for name in _ISA if features.get(name)]


def speed_by_threads(session: Session, new_tokens: int = 48, repeats: int = 3) -> dict[int, float]:
    """Tokens per second of next-token prediction with one thread and with all that there are, in turns: medians. On a
    GPU there is one figure, for 0 threads."""
    chosen, counts = session.threads, [0] if session.gpu else sorted({1, numba.config.NUMBA_NUM_THREADS})
    speeds: dict[int, list[float]] = {count: [] for count in counts}
    try:
        for number in range(repeats + 1):
            for count in counts:
                session.target.threads = count
                trace = decode(session, "ntp", "1 2 3 4", Sampling(), new_tokens)
                if number:  # the first round warms up
                    speeds[count].append(trace.tokens_per_s)
    finally:
        session.target.threads = chosen
    return {count: float(np.median(found)) for count, found in speeds.items()}


def pass_ms(session: Session, rows: tuple[int, ...], repeats: int = 9, context: int = 256) -> dict[int, list[float]]:
    """Milliseconds of a target pass over a chain of so many rows on `context` positions, all sizes in turns."""
    model, context = session.target, min(context, session.context - MAX_ROWS)
    cache = model.new_cache(context + MAX_ROWS)  # one for all: a fresh one would be cold, which no decoding sees
    cache.length = context
    found: dict[int, list[float]] = {count: [] for count in rows}
    for number in range(repeats + 1):
        for count in rows:
            chain = np.arange(count)
            for again in range(12):  # on end, as in decoding: after another size it takes eight until caches are warm
                start = time.perf_counter()
                model.forward(cache, chain, chain - 1, context + chain)
                if number and again >= 8:  # the first round warms up too
                    found[count].append(1000 * (time.perf_counter() - start))
    return found
