"""The views that can be drawn: which layout makes which."""

from __future__ import annotations

from collections.abc import Sequence

from mtpviz import discover
from mtpviz.analysis.lanes import lane_names
from mtpviz.errors import UserError
from mtpviz.export._figure import figure_scene
from mtpviz.export._language import language_of
from mtpviz.export._race import Race
from mtpviz.export._scene import Scene, palette, size_of
from mtpviz.export._speedup import speedup_scene
from mtpviz.export._tree import tree_scene
from mtpviz.trace import Step, Trace

VIEWS = ("race", "tree", "speedup")  # and every figure of mtpviz/plots


def views() -> tuple[str, ...]:
    """Everything that can be drawn, by name."""
    return (*VIEWS, *discover.plots())


def scene(traces: Sequence[Trace], view: str = "race", size: str = "slide", theme: str = "light",
          lane: str | None = None, step: int | None = None, rejected: bool = False, language: str = "en") -> Scene:
    """A view of the traces as a picture.

    view: "race", "tree" (of one step of one lane), "speedup", or the name of a figure of mtpviz/plots.
    size: "slide" (16:9) or "paper" (85 mm column).
    lane, step: of the tree; as for `pick_lane` and `pick_step`. rejected: whether a race's text shows the best
    rejected draft of each pass, before the bonus that the target wrote instead. language: "en" or "zh".
    """
    form, colors, spoken = size_of(size), palette(theme), language_of(language)
    if view == "race":
        return Race(traces, form, colors, spoken, rejected=rejected).scene()
    if view == "speedup":
        return speedup_scene(traces, form, colors, spoken)
    if view == "tree":
        number = pick_lane(traces, lane)
        trace = traces[number]
        return tree_scene(trace, pick_step(trace, step), form, colors, spoken, spoken.lanes(traces)[number])
    if view in discover.plots():
        return figure_scene(traces, discover.plots()[view], form, colors, theme, spoken)
    raise UserError(f"There is no view {view!r}; the known ones are {', '.join(views())}.")


def pick_lane(traces: Sequence[Trace], lane: str | None) -> int:
    """Number of the lane of that strategy or title; without one, the first lane that drafted, or the first of all."""
    if not traces:
        raise UserError("The trace has no lane to draw.")
    if lane is None:
        return next((i for i, trace in enumerate(traces) if any(step.nodes for step in trace.steps)), 0)
    for number, (trace, name) in enumerate(zip(traces, lane_names(traces), strict=True)):
        if lane in (trace.run.strategy, trace.run.title, name):
            return number
    raise UserError(f"There is no lane {lane!r}; the lanes are {', '.join(lane_names(traces))}.")


def pick_step(trace: Trace, step: int | None) -> Step:
    """The step of that number; without one, the first of those with the longest accepted path."""
    if not trace.steps:
        raise UserError("This lane has no step, so it has no tree.")
    if step is None:
        return max(trace.steps, key=lambda entry: (len(entry.accepted), len(entry.nodes)))
    if not 0 <= step < len(trace.steps):
        raise UserError(f"There is no step {step}; this lane has steps 0 to {len(trace.steps) - 1}.")
    return trace.steps[step]
