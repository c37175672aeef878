"""The figures of `bench strategies`: of a lane against next-token prediction, over domains, along the text."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from mtpviz.analysis.acceptance import by_depth
from mtpviz.bench.harness import BASELINE, speedups, spread, step_ms, together
from mtpviz.trace import Trace

NATURAL = ("stories", "chat", "python", "zh")
BIN = 128  # positions
NOTE = ("tau: tokens per target pass, the bonus token included. prefix: share of drafting steps whose accepted path "
        "reaches depth k; conditional: share of the steps that offered depth k which accepted there. drafted: share of "
        "the steps that drafted. tokens/s: of the steps, without prefill. speedup: against next-token prediction in "
        "the same round, median and quartiles. ms: mean per step. predicted: tau / (verify(T)/verify(1) + "
        "draft/verify(1)), from times of the same rounds; ratio: measured speedup by predicted. distinct 4-grams: "
        "share in the texts.")


def figures(pairs: Sequence[tuple[Trace, Trace]]) -> dict:
    """The columns of a lane: over all runs of (lane, next-token lane) pairs."""
    traces = [trace for trace, _ in pairs]
    merged = together(traces)
    rates = by_depth([merged])
    steps = [step for trace in traces for step in trace.steps]
    predicted = predicted_speedup(traces, [base for _, base in pairs])
    measured = speedups(pairs)
    return {"runs": len(pairs), "tau": merged.tau, "prefix": _rates(rates["prefix"]),
            "conditional": _rates(rates["conditional"]),
            "drafted": sum(bool(step.nodes) for step in steps) / max(1, len(steps)),
            "nodes": sum(len(step.nodes) for step in steps) / max(1, len(steps)),
            "tokens/s": spread([t.tokens_per_s for t in traces]), "speedup": measured, **step_ms(traces),
            "predicted": predicted, "ratio": measured.median / predicted if measured and predicted else None,
            "distinct 4-grams": sum(t.distinct_4grams for t in traces) / len(traces)}


def predicted_speedup(traces: Sequence[Trace], bases: Sequence[Trace]) -> float | None:
    """tau / (verify(T)/verify(1) + draft/verify(1)), from mean milliseconds per step; None without a time."""
    lane, plain = step_ms(traces), step_ms(bases)["verify ms"]
    work = lane["verify ms"] + lane["draft ms"]
    emitted = sum(len(step.emitted) for trace in traces for step in trace.steps)
    steps = sum(len(trace.steps) for trace in traces)
    return emitted / steps * plain / work if steps and work > 0 else None


def means(rows: Sequence[dict]) -> list[dict]:
    """By temperature and strategy, means over the natural domains, which weigh equally, with tales apart."""
    found = []
    for temperature, strategy in dict.fromkeys((row["temperature"], row["strategy"]) for row in rows):
        own = {row["domain"]: row for row in rows
               if (row["temperature"], row["strategy"]) == (temperature, strategy)}
        natural = [own[domain] for domain in NATURAL if domain in own]
        tales = own.get("tales")
        found.append({
            "temperature": temperature, "strategy": strategy, "domains": [row["domain"] for row in natural],
            "tau": float(np.mean([row["tau"] for row in natural])) if natural else None,
            "speedup": float(np.mean([row["speedup"].median for row in natural])) if natural else None,
            "tau, tales": tales and tales["tau"], "speedup, tales": tales and tales["speedup"].median})
    return found


def auto_by_best(rows: Sequence[dict]) -> list[dict]:
    """Where a drafter was measured with `auto` and with other trees: auto's median speed by the best other's."""
    found = []
    for row in rows:
        name, _, settings = row["strategy"].partition(":")
        if settings not in ("", "tree=auto") or name == BASELINE:
            continue
        others = [other for other in rows if other["strategy"].startswith(f"{name}:tree=") and other is not row
                  and (other["temperature"], other["domain"]) == (row["temperature"], row["domain"])
                  and not other["strategy"].startswith(f"{name}:tree=auto")]
        if others:
            best = max(others, key=lambda other: other["speedup"].median)
            found.append({"temperature": row["temperature"], "domain": row["domain"], "strategy": name,
                          "auto": row["speedup"].median, "best tree": best["strategy"].partition(":")[2],
                          "its speedup": best["speedup"].median,
                          "auto by best": row["speedup"].median / best["speedup"].median})
    return found


def depths(rows: Sequence[dict]) -> list[dict]:
    """Acceptance by depth, a column each: the prefix rate, in brackets the conditional one."""
    deepest = max((len(row["prefix"]) for row in rows), default=0)

    def told(row: dict, depth: int) -> str | None:
        if depth >= len(row["prefix"]) or row["prefix"][depth] is None:
            return None
        conditional = row["conditional"][depth]
        return f"{row['prefix'][depth]:.2f}" + ("" if conditional is None else f" ({conditional:.2f})")

    return [{key: row[key] for key in ("strategy", "temperature", "domain")}
            | {f"depth {depth + 1}": told(row, depth) for depth in range(deepest)}
            for row in sorted(rows, key=lambda row: (row["strategy"], row["temperature"])) if row["prefix"]]


def tau_along(traces: Sequence[Trace], context: int) -> dict[str, float | None]:
    """tau by bins of positions of the passes' roots, up to the end of the context; None where no pass began."""
    steps = [step for trace in traces for step in trace.steps]
    columns = {}
    for first in range(0, context, BIN):
        here = [len(step.accepted) + 1 for step in steps if first <= step.position < first + BIN]
        columns[f"{first}-{min(first + BIN, context) - 1}"] = float(np.mean(here)) if here else None
    return columns


def _rates(column) -> list[float | None]:
    """Rates from depth 1 down to 8; deeper ones are too rare to tell."""
    return [None if rate != rate else round(rate, 3) for rate in column.tolist()[:8]]
