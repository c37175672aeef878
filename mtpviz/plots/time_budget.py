"""Where the time of a token goes."""

from __future__ import annotations

import plotly.graph_objects as go

from mtpviz.plots import _style
from mtpviz.trace import PHASES, Trace

TITLE = "Time per token"
ORDER = 50
ABOUT = ("Milliseconds that each generated token cost, by phase: drafting, the target's pass that verifies, "
         "committing the accepted path to the cache, and the host; prefill is not counted.")


def figure(traces: list[Trace], theme: str = "light") -> go.Figure:
    """Stacked bars, a lane each: total time of a phase over the tokens of the lane's steps."""
    look = _style.theme_of(theme)
    shown = [(lane, sum(len(step.emitted) for step in lane.trace.steps)) for lane in _style.lanes(traces, look)]
    shown = [(lane, count) for lane, count in shown if count]
    if not shown:
        return _style.message("No step has been taken yet.", look)
    drawn = _style.blank(look, max(260, 116 + 52 * len(shown)))
    names = [lane.name for lane, _ in shown]
    for phase in PHASES:
        times = [lane.trace.phase_ms()[phase] / count for lane, count in shown]
        color = look.phase(phase)
        drawn.add_bar(y=names, x=times, name=phase, orientation="h", hovertemplate="%{y}: " + phase + " %{x:.3f} ms",
                      marker=dict(color=color, line=dict(color=look.paper, width=1.5),
                                  pattern=dict(shape=_style.PATTERNS[phase], fillmode="overlay", bgcolor=color,
                                               fgcolor=look.paper, size=7, solidity=0.2)))
    totals = [sum(lane.trace.phase_ms().values()) / count for lane, count in shown]
    for name, total in zip(names, totals, strict=True):
        drawn.add_annotation(y=name, x=total, text=f"{total:.2f} ms", showarrow=False, xanchor="left", xshift=6,
                             font=dict(size=14, color=look.ink))
    drawn.update_layout(barmode="stack", bargap=0.4, legend_traceorder="normal")
    drawn.update_xaxes(title_text="time per token (ms)", range=[0, max(max(totals) * 1.14, 1e-6)])
    drawn.update_yaxes(autorange="reversed", showgrid=False, ticks="")
    return _style.signed(drawn, traces, look)

