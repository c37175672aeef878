"""The roofline: how far each lane's passes are from what memory and arithmetic allow."""

from __future__ import annotations

from dataclasses import dataclass

import plotly.graph_objects as go

from mtpviz.analysis import passes
from mtpviz.analysis.cards import card_of
from mtpviz.analysis.lanes import baseline
from mtpviz.plots import _style
from mtpviz.trace import Run, Trace

TITLE = "Roofline"
ORDER = 90
ABOUT = ("A pass reads all weights once and computes each row with them: more rows do more operations on the same "
         "bytes, and as long as a point lies under the slope, extra rows cost little. That is why checking drafts is "
         "cheap (Williams, Waterman, Patterson 2009).")


@dataclass(frozen=True)
class _Roof:
    """bandwidth: bytes/s of the slope. flops: operations/s of the flat part, None where unknown. how: their source."""

    bandwidth: float
    flops: float | None
    how: str


def figure(traces: list[Trace], theme: str = "light") -> go.Figure:
    """Operations a second over operations a byte, both logarithmic: a point a lane, from its verify passes."""
    look = _style.theme_of(theme)
    points = [(lane, *_point(lane.trace)) for lane in _style.lanes(traces, look) if _point(lane.trace)]
    base = baseline(traces)
    if not points or base is None:
        return _style.message("The roofline needs a timed next-token lane and a model whose size is known.", look)
    roof = _roof(base.run, traces)
    drawn = _style.blank(look, 400)
    table = [_of_pass(base, rows, ms) for rows, ms in base.run.machine.get("pass_ms", []) if ms > 0]
    if table:
        drawn.add_scatter(x=[x for x, _ in table], y=[y for _, y in table], mode="lines+markers", hoverinfo="skip",
                          name="1 to 64 rows", line=dict(color=look.muted, width=1),
                          marker=dict(color=look.muted, size=4))
    for lane, x, y in points:
        drawn.add_scatter(x=[x], y=[y], mode="markers", name=lane.name,
                          marker=dict(color=lane.color, symbol=lane.marker, size=15,
                                      line=dict(color=look.paper, width=1.5)),
                          hovertemplate="%{x:.1f} operations a byte, %{y:.3s}op/s<br>"
                                        f"{100 * y / (x * roof.bandwidth):.0f} % of what the memory allows")
    low, high = min(x for _, x, _ in points) / 2, max([x for _, x, _ in points] + [x for x, _ in table]) * 1.6
    if roof.flops:
        high = max(high, 2 * roof.flops / roof.bandwidth)
        corner = roof.flops / roof.bandwidth
        x, y = [low, corner, high], [low * roof.bandwidth, roof.flops, roof.flops]
    else:
        x, y = [low, high], [low * roof.bandwidth, high * roof.bandwidth]
    drawn.add_scatter(x=x, y=y, mode="lines", showlegend=False, hoverinfo="skip",
                      line=dict(color=look.ink, width=2.5))
    drawn.add_annotation(text=roof.how, x=0.01, xref="paper", xanchor="left", y=0.99, yref="paper", yanchor="top",
                         showarrow=False, align="left", font=dict(size=13, color=look.muted))
    drawn.update_xaxes(type="log", title_text="operations a byte read", showgrid=True, gridcolor=look.hairline, dtick=1)
    drawn.update_yaxes(type="log", title_text="operations a second", tickformat="~s", dtick=1)
    return _style.signed(drawn, traces, look)


def _point(trace: Trace) -> tuple[float, float] | None:
    """(operations a byte, operations a second) of a lane's mean verify pass; None where it was not timed."""
    ms = trace.phase_ms()["verify"]
    if ms <= 0 or trace.run.peer or not passes.read_weights(passes.shape_of(trace.run)):
        return None
    return _of_pass(trace, passes.rows_of(trace), ms / len(trace.steps))


def _of_pass(trace: Trace, rows: float, ms: float) -> tuple[float, float]:
    shape, context = passes.shape_of(trace.run), passes.context_of(trace)
    flops = passes.pass_flops(shape, rows, context)
    return flops / passes.pass_bytes(shape, passes.width_of(trace.run), 1, context), 1000.0 * flops / ms


def _roof(run: Run, traces: list[Trace]) -> _Roof:
    """The data sheet's where the card is known, what was measured where the trace tells it, else the fastest lane's."""
    if card := card_of(run):
        return _Roof(card.bandwidth, card.flops, f"roof: {card.source}")
    if measured := run.machine.get("read_gb_s"):
        return _Roof(1e9 * measured, None, f"slope: {measured:.0f} GB/s, memory read as measured on this machine;<br>"
                     "a point above it reads its weights from a cache")
    best = max(point[1] / point[0] for trace in traces if (point := _point(trace)))
    return _Roof(best, None, "slope: the fastest lane's own reading rate, a lower bound:<br>"
                             "this trace does not tell the machine's")
