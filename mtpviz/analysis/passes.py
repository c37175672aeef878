"""What a target pass moves and computes, from the model's shape: the bytes and operations behind its time.

A decoder with RMSNorm, grouped queries and SwiGLU, as every model here. A pass reads each weight once, whatever its
number of rows; so a pass over few rows waits for memory, and one over many for arithmetic.
"""

from __future__ import annotations

from collections.abc import Sequence

from mtpviz.analysis.lanes import baseline
from mtpviz.trace import Run, Trace

DTYPE_BYTES = {"bf16": 2, "fp16": 2, "fp32": 4}
# Published shapes (the models' config.json), for "what if it were this model".
MODELS = {
    "Qwen3-0.6B": dict(vocab=151936, hidden=1024, layers=28, heads=16, kv_heads=8, head_dim=128, inner=3072, tied=True),
    "Llama-3.2-1B": dict(vocab=128256, hidden=2048, layers=16, heads=32, kv_heads=8, head_dim=64, inner=8192,
                         tied=True),
    "Llama-3.1-8B": dict(vocab=128256, hidden=4096, layers=32, heads=32, kv_heads=8, head_dim=128, inner=14336,
                         tied=False),
    "Llama-3.3-70B": dict(vocab=128256, hidden=8192, layers=80, heads=64, kv_heads=8, head_dim=128, inner=28672,
                          tied=False),
}


def shape_of(run: Run) -> dict:
    """The model's shape as the trace tells it; {"parameters"} alone where it tells no more."""
    return run.model.get("shape") or {"parameters": run.model.get("parameters", 0)}


def read_weights(shape: dict) -> int:
    """Weights that a pass reads: the layers and the unembedding. Of the input embedding it reads a few rows, which do
    not count; where only the number of parameters is known, all of them count."""
    if "layers" not in shape:
        return int(shape.get("parameters", 0))
    attention = 2 * shape["hidden"] * shape["head_dim"] * (shape["heads"] + shape["kv_heads"])
    return shape["layers"] * (attention + 3 * shape["hidden"] * shape["inner"]) + shape["vocab"] * shape["hidden"]


def stored_weights(shape: dict) -> int:
    """Weights that must lie in memory: those read, and an input embedding of its own."""
    own = 0 if shape.get("tied", True) else shape["vocab"] * shape["hidden"]
    return read_weights(shape) + own


def cache_bytes(shape: dict, width: int) -> int:
    """Bytes of one position's keys and values in all layers, `width` bytes a number; 0 where the shape is unknown."""
    return 2 * shape["layers"] * shape["kv_heads"] * shape["head_dim"] * width if "layers" in shape else 0


def pass_bytes(shape: dict, width: int, batch: int = 1, context: float = 0.0) -> float:
    """Bytes that a pass reads: the weights once, and each sequence's cache of `context` positions."""
    return read_weights(shape) * width + batch * context * cache_bytes(shape, width)


def pass_flops(shape: dict, rows: float, context: float = 0.0) -> float:
    """Operations of a pass over `rows` rows in all: 2 a weight and row, and 4 for each query, key and channel of the
    attention over `context` positions."""
    attention = 4 * shape["layers"] * shape["heads"] * shape["head_dim"] * context if "layers" in shape else 0.0
    return rows * (2.0 * read_weights(shape) + attention)


def width_of(run: Run) -> int:
    """Bytes of a weight in the run's dtype; 2 where it is none of those known."""
    return DTYPE_BYTES.get(run.dtype, 2)


def context_of(trace: Trace) -> float:
    """Mean number of positions before the root of a step."""
    return sum(step.position for step in trace.steps) / len(trace.steps) if trace.steps else 0.0


def rows_of(trace: Trace) -> float:
    """Mean number of rows of a pass: the root and the drafts."""
    return 1.0 + sum(len(step.nodes) for step in trace.steps) / len(trace.steps) if trace.steps else 1.0


def measured_passes(traces: Sequence[Trace], without: Trace | None = None) -> list[tuple[float, float]]:
    """(rows, milliseconds) of a target pass as the lanes of a race measured it, by rows: means of `verify` over all
    steps of that many rows, times made non-decreasing. Lanes on another machine than the next-token lane's, peers and
    `without` are left out. Counts of fewer than 3 steps are noise and left out too."""
    base = baseline(traces)
    found: dict[int, list[float]] = {}
    for trace in traces:
        if trace is without or trace.run.peer or base is None or not _same_machine(trace.run, base.run):
            continue
        for step in trace.steps:
            if ms := step.time_ms.get("verify", 0.0):
                found.setdefault(1 + len(step.nodes), []).append(ms)
    points, floor = [], 0.0
    for rows, times in sorted(found.items()):
        if len(times) >= 3:
            floor = max(floor, sum(times) / len(times))
            points.append((float(rows), floor))
    return points


def _same_machine(one: Run, other: Run) -> bool:
    return (one.model.get("name"), one.hardware, one.dtype) == (other.model.get("name"), other.hardware, other.dtype)
