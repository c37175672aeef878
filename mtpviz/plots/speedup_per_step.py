"""Speedup step by step, and what it adds up to."""

from __future__ import annotations

import plotly.graph_objects as go

from mtpviz.analysis.lanes import BASELINE
from mtpviz.analysis.speedup import per_step
from mtpviz.plots import _style
from mtpviz.trace import Trace

TITLE = "Speedup step by step"
ORDER = 20
ABOUT = ("Each point is one target pass: the tokens it gave times the next-token lane's mean time per token, over "
         "its own time; the line is the same for all passes so far, so its end is the lane's speedup.")


def figure(traces: list[Trace], theme: str = "light") -> go.Figure:
    """Speedup of each step (points) and so far (line) over the tokens generated, against this race's next-token
    lane."""
    look = _style.theme_of(theme)
    table = per_step(traces)
    shown = table[table.strategy != BASELINE]
    if shown.empty:
        return _style.message("A speedup needs a next-token lane and another lane on the same device.", look)
    drawn, ends = _style.blank(look), []
    for number, lane in enumerate(_style.lanes(traces, look)):
        rows = shown[shown.lane == number]
        if rows.empty:
            continue
        drawn.add_scatter(x=rows.token, y=rows.speedup, mode="markers", showlegend=False, legendgroup=str(number),
                          marker=dict(color=_style.faded(lane.color, 0.4), symbol=lane.marker, size=7),
                          customdata=rows[["step", "emitted"]].to_numpy(), name=lane.name,
                          hovertemplate="step %{customdata[0]}: %{customdata[1]} tokens, %{y:.2f}×")
        drawn.add_scatter(x=rows.token, y=rows.cumulative, mode="lines", name=lane.name, legendgroup=str(number),
                          line=dict(color=lane.color, dash=lane.dash, width=2.5), hovertemplate="so far %{y:.2f}×")
        if rows.cumulative.notna().any():
            last = rows.dropna(subset=["cumulative"]).iloc[-1]
            ends.append((last.cumulative, last.token, lane.color))
    top = shown[["speedup", "cumulative"]].max().max()
    floor = float("-inf")
    for value, token, color in sorted(ends):
        floor = max(value, floor + 0.075 * top)  # labels of lanes that end level stand one above the other
        drawn.add_annotation(x=token, y=floor, text=f"<b>{value:.2f}×</b>", xanchor="left", xshift=6, showarrow=False,
                             font=dict(color=color, size=15))
    longest = max(shown.token.max(), 1)
    drawn.add_scatter(x=[0, longest * 1.02], y=[1, 1], mode="lines", name="next-token prediction = 1×",
                      hoverinfo="skip",
                      line=dict(color=look.lanes[0], width=1.8, dash=_style.DASHES[0]))
    drawn.update_xaxes(title_text="tokens generated", range=[0, longest * 1.1])
    drawn.update_yaxes(title_text="speedup (×)", rangemode="tozero")
    return _style.signed(drawn, traces, look)
