"""One row per pass of the target: what was drafted, what was accepted, where the time went."""

from __future__ import annotations

from collections.abc import Sequence

import pandas as pd

from mtpviz.analysis.lanes import lane_names
from mtpviz.trace import PHASES, Trace

COLUMNS = ("lane", "name", "strategy", "index", "position", "drafted", "depth", "accepted", "emitted",
           *(f"{phase}_ms" for phase in PHASES), "step_ms", "clock_ms")


def steps(traces: Sequence[Trace]) -> pd.DataFrame:
    """Steps of all lanes, in the order of lanes and time.

    lane, name, strategy: as in `tokens`. index: number of the step in its lane. position: absolute position of its
    root. drafted: nodes of its tree. depth: deepest node, 0 without a draft. accepted: length of the accepted path.
    emitted: tokens added to the text. draft_ms ... host_ms: the phases' times. step_ms: growth of the lane's clock in
    this step, which is the sum of the phases up to what was measured outside them. clock_ms: the clock at its end.
    """
    records = []
    for lane, (trace, name) in enumerate(zip(traces, lane_names(traces), strict=True)):
        before = trace.run.prefill_ms
        for step in trace.steps:
            phases = (step.time_ms.get(phase, 0.0) for phase in PHASES)
            records.append((lane, name, trace.run.strategy, step.index, step.position, len(step.nodes),
                            max(step.depths, default=0), len(step.accepted), len(step.emitted), *phases,
                            step.clock_ms - before, step.clock_ms))
            before = step.clock_ms
    frame = pd.DataFrame.from_records(records, columns=COLUMNS)
    return frame.astype({name: "float64" for name in COLUMNS if name.endswith("_ms")})
