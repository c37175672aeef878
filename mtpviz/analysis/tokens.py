"""One row per generated token: when it arrived, what kind it is, who proposed it."""

from __future__ import annotations

from collections.abc import Sequence

import pandas as pd

from mtpviz.analysis.lanes import lane_names
from mtpviz.trace import Trace

COLUMNS = ("lane", "name", "strategy", "index", "position", "step", "token", "text", "kind", "depth", "source",
           "draft_prob", "target_prob", "arrival_ms", "gap_ms")


def tokens(traces: Sequence[Trace]) -> pd.DataFrame:
    """Generated tokens of all lanes, in the order of lanes and text.

    lane, name, strategy: number of the lane from 0, its label, its strategy. index: place in the generated text, from
    0 (the token that the prefill yields). position: absolute position, prompt included. step: the step that emitted
    it, -1 for the prefill. kind: "accepted", "bonus" or "target" (written by the target alone: no draft was offered).
    depth, source: of an accepted node; missing for other kinds. draft_prob, target_prob: of the token, where known.
    arrival_ms: the lane's clock when it arrived; tokens of one step arrive together. gap_ms: since the token before.
    """
    records = []
    for lane, (trace, name) in enumerate(zip(traces, lane_names(traces), strict=True)):
        head = (lane, name, trace.run.strategy)
        index, before = 0, 0.0
        if trace.run.begun:
            records.append((*head, 0, len(trace.run.prompt_tokens), -1, trace.run.first, trace.run.first_text,
                            "target", None, None, None, None, trace.run.prefill_ms, trace.run.prefill_ms))
            index, before = 1, trace.run.prefill_ms
        for step in trace.steps:
            depths = step.depths
            for place, (token, text, kind) in enumerate(zip(step.emitted, step.texts, step.kinds, strict=True)):
                if kind == "accepted":
                    node = step.nodes[step.accepted[place]]
                    told = (depths[step.accepted[place]], node.source, node.draft_prob, node.target_prob)
                else:
                    row = step.rows[step.accepted[-1] + 1 if step.accepted else 0]
                    told = (None, None, None, row.prob)
                records.append((*head, index, step.position + 1 + place, step.index, token, text, kind, *told,
                                step.clock_ms, step.clock_ms - before))
                index, before = index + 1, step.clock_ms
    frame = pd.DataFrame.from_records(records, columns=COLUMNS)
    whole = {name: "Int64" for name in ("depth", "source")}
    real = {name: "float64" for name in ("draft_prob", "target_prob", "arrival_ms", "gap_ms")}
    return frame.astype(whole | real)
