"""How much of the drafts the target accepts: by depth, by length, over the text.

Trees count by their accepted path: at depth k a step has accepted when its path holds at least k nodes, whatever the
number of siblings tried there. So the figures of a tree are those of "the best of what was offered", and with more
siblings they rise without the drafter being better; compare chains with chains.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import pandas as pd

from mtpviz.analysis.lanes import lane_names
from mtpviz.trace import Step, Trace

Z95 = 1.959963984540054  # the normal distribution's 97.5 % quantile
COLUMNS = ("lane", "name", "strategy", "depth", "accepted", "drafted", "offered",
           "prefix", "prefix_low", "prefix_high", "conditional", "conditional_low", "conditional_high")


def wilson(successes: int, trials: int, z: float = Z95) -> tuple[float, float]:
    """Wilson score interval of a proportion (Wilson 1927, JASA 22, eq. for p at both bounds); (0, 1) for no trial.

    It treats the steps as independent. Steps of one text are not quite, so the true interval is somewhat wider.
    """
    if trials == 0:
        return 0.0, 1.0
    share, spread = successes / trials, z * z / trials
    centre = (share + spread / 2) / (1 + spread)
    half = z / (1 + spread) * math.sqrt(share * (1 - share) / trials + spread / (4 * trials))
    return (0.0 if successes == 0 else centre - half), (1.0 if successes == trials else centre + half)


def by_depth(traces: Sequence[Trace]) -> pd.DataFrame:
    """Acceptance of each lane at each depth from 1 to the deepest that was drafted; lanes that never drafted have none,
    nor do steps of which a server does not tell it (Step.told).

    accepted: steps whose accepted path holds at least k nodes.
    drafted: steps that drafted at all. prefix = accepted / drafted is the prefix (unconditional) rate r_k. The sum of
        r_k over all depths is the mean accepted length, i.e. tau - 1, both taken over the steps that drafted.
    offered: steps that reached depth k with a draft there: their path holds at least k - 1 nodes, and the last of these
        (or the root) has a child in the tree. conditional = accepted / offered is the conditional rate alpha_k.
        Where all drafts are equally deep, alpha_k = r_k / r_(k-1); where they end early, r_k counts the missing
        offer as a miss and alpha_k does not. Missing where nothing was offered.
    *_low, *_high: the Wilson 95 % interval of either.
    """
    records = []
    for lane, (trace, name) in enumerate(zip(traces, lane_names(traces), strict=True)):
        drafted = [step for step in trace.steps if step.nodes and step.told]
        deepest = max((max(step.depths) for step in drafted), default=0)
        lengths = [len(step.accepted) for step in drafted]
        limits = [_offered_depth(step) for step in drafted]
        for depth in range(1, deepest + 1):
            accepted = sum(length >= depth for length in lengths)
            offered = sum(limit >= depth for limit in limits)
            conditional = ((accepted / offered, *wilson(accepted, offered)) if offered else (None, None, None))
            records.append((lane, name, trace.run.strategy, depth, accepted, len(drafted), offered,
                            accepted / len(drafted), *wilson(accepted, len(drafted)), *conditional))
    frame = pd.DataFrame.from_records(records, columns=COLUMNS)
    return frame.astype({name: "float64" for name in COLUMNS[7:]})


def _offered_depth(step: Step) -> int:
    """Depth of the last offer that this step reached: one below the accepted path if its end has a child there."""
    end = step.accepted[-1] if step.accepted else -1
    return len(step.accepted) + any(node.parent == end for node in step.nodes)


def lengths(traces: Sequence[Trace]) -> pd.DataFrame:
    """Histogram of accepted lengths: per lane one row for each length from 0 to its longest, over all its steps.

    steps: how many steps accepted exactly `length` nodes; share: of all steps of the lane. A step without a draft
    counts as length 0, so the mean of (length + 1) is tau.
    """
    records = []
    for lane, (trace, name) in enumerate(zip(traces, lane_names(traces), strict=True)):
        found = [len(step.accepted) for step in trace.steps]
        for length in range(max(found, default=-1) + 1):
            count = found.count(length)
            records.append((lane, name, trace.run.strategy, length, count, count / len(found)))
    return pd.DataFrame.from_records(records, columns=("lane", "name", "strategy", "length", "steps", "share"))


def tau_by_position(traces: Sequence[Trace], window: int = 64) -> pd.DataFrame:
    """tau along the text: per lane one row for each `window` tokens of position after the prompt that has a step.

    start: first position of the window, counted from the prompt's end. tau: mean of accepted length + 1 over the
    `steps` whose root lies in the window.
    """
    records = []
    for lane, (trace, name) in enumerate(zip(traces, lane_names(traces), strict=True)):
        bins: dict[int, list[int]] = {}
        for step in trace.steps:
            place = max(0, step.position - len(trace.run.prompt_tokens)) // window
            bins.setdefault(place, []).append(len(step.accepted) + 1)
        for place, taus in sorted(bins.items()):
            records.append((lane, name, trace.run.strategy, place * window, sum(taus) / len(taus), len(taus)))
    return pd.DataFrame.from_records(records, columns=("lane", "name", "strategy", "start", "tau", "steps"))
