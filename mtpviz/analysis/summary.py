"""Lanes and races as JSON-ready documents: what the command line prints and the page's badges read."""

from __future__ import annotations

from collections.abc import Sequence

from mtpviz.analysis.acceptance import by_depth
from mtpviz.analysis.exactness import exactness
from mtpviz.analysis.lanes import BASELINE, baseline
from mtpviz.analysis.latency import latency
from mtpviz.analysis.speedup import speedup
from mtpviz.trace import Trace

LOOPING = 0.5  # distinct 4-grams below this share: the text repeats itself and inflates every acceptance figure


def lane_summary(trace: Trace, base: Trace | None) -> dict:
    """One lane's figures. `base` is the lane it is compared with (lanes.baseline), or None: then speedup and exact are
    None.

    text, token_ids: generated, without the prompt. tau: tokens per target pass, bonus included; None without a step.
    tokens_per_s: of the steps, without prefill. speedup, exact, first_divergence: against `base`. time_ms: total of
    each phase over the steps. drafted, accepted: nodes, None where a server does not tell. acceptance: rates from depth
    1 downwards, a conditional one None where nothing was offered. distinct_4grams, loops: share of distinct 4-grams,
    and whether it is below 0.5. server: of a server's lane, what Run.server tells of it.
    lossless: whether the rule keeps the target's distribution. end: why it ended, None while it runs.
    """
    exact, divergence = exactness(trace, base)
    rates = by_depth([trace])
    return {
        "strategy": trace.run.strategy, "title": trace.run.title, "text": trace.text, "token_ids": trace.token_ids,
        "tau": trace.tau if trace.steps else None, "tokens_per_s": trace.tokens_per_s,
        "speedup": speedup(trace, base), "exact": exact, "first_divergence": divergence,
        "time_ms": trace.phase_ms(), **latency(trace),
        "distinct_4grams": trace.distinct_4grams, "loops": trace.distinct_4grams < LOOPING,
        "steps": len(trace.steps), **_drafts(trace),
        "acceptance": {name: [None if value != value else value for value in rates[name].tolist()]
                       for name in ("prefix", "conditional")},
        "lossless": trace.run.lossless, "peer": trace.run.peer, "server": trace.run.server, "end": trace.end,
    }


def _drafts(trace: Trace) -> dict[str, int | None]:
    if all(step.told for step in trace.steps):
        return {"drafted": sum(len(step.nodes) for step in trace.steps),
                "accepted": sum(len(step.accepted) for step in trace.steps)}
    counts = (trace.run.server or {"counts": {}})["counts"]
    return {"drafted": counts.get("num_draft_tokens"), "accepted": counts.get("num_accepted_draft_tokens")}


def race_document(traces: Sequence[Trace]) -> dict:
    """All lanes of a race, and what they share: taken from the next-token lane, or the first where there is none.

    A trace names its device, settings and versions itself, so an export of mixed lanes keeps the truth in them.
    """
    base = baseline(traces)
    document: dict = {"lanes": [lane_summary(trace, baseline(traces, trace)) for trace in traces],
                      "baseline": BASELINE if base else None}
    if traces:
        run = (base or traces[0]).run
        document |= {name: getattr(run, name) for name in
                     ("device", "hardware", "dtype", "threads", "model", "prompt", "sampling", "seed", "versions",
                      "date")}
    return document
