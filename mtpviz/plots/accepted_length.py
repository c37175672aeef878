"""How many drafts a step accepts: a histogram."""

from __future__ import annotations

import plotly.graph_objects as go

from mtpviz.analysis.acceptance import lengths
from mtpviz.plots import _style
from mtpviz.trace import Trace

TITLE = "Accepted length"
ORDER = 40
ABOUT = ("The share of target passes that accepted exactly this many drafted tokens; the bonus token comes on top, "
         "so a lane's mean plus one is its τ.")


def figure(traces: list[Trace], theme: str = "light") -> go.Figure:
    """Share of steps by accepted length, a bar per lane; lanes that drafted nothing are left out."""
    look = _style.theme_of(theme)
    table = lengths(traces)
    shown = [(number, lane) for number, lane in enumerate(_style.lanes(traces, look))
             if any(step.nodes for step in lane.trace.steps)]
    if not shown:
        return _style.message("No lane has drafted a token, so there is nothing to accept.", look)
    drawn = _style.blank(look)
    for number, lane in shown:
        rows = table[table.lane == number]
        drawn.add_bar(x=rows.length, y=rows.share, name=f"{lane.name}  τ {lane.trace.tau:.2f}",
                      marker=dict(color=_style.faded(lane.color, 0.85), line=dict(color=lane.color, width=1.5)),
                      customdata=rows.steps, hovertemplate="%{x} accepted: %{y:.1%} of steps (n = %{customdata})")
    drawn.update_xaxes(title_text="drafted tokens accepted in one pass", dtick=1)
    drawn.update_yaxes(title_text="share of passes", tickformat=".0%", rangemode="tozero")
    drawn.update_layout(barmode="group")
    return _style.signed(drawn, traces, look)
