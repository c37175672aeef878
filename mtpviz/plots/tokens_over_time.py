"""Tokens over time: the race as curves."""

from __future__ import annotations

import plotly.graph_objects as go

from mtpviz.analysis.tokens import tokens
from mtpviz.plots import _style
from mtpviz.trace import Trace

TITLE = "Tokens over time"
ORDER = 10
ABOUT = ("Each stair is one target pass on the lane's own clock, prefill included: its width is the time that the "
         "pass took, its height the tokens that it gave; the steeper the stairs, the faster the lane.")


def figure(traces: list[Trace], theme: str = "light") -> go.Figure:
    """Generated tokens (the prefill's first one included) against the lane's clock in seconds."""
    look = _style.theme_of(theme)
    table = tokens(traces)
    if table.empty:
        return _style.message("No token has arrived yet.", look)
    drawn = _style.blank(look)
    longest = max((entry.clock_ms for entry in traces), default=0.0)
    for number, lane in enumerate(_style.lanes(traces, look)):
        arrivals = table[table.lane == number].groupby("arrival_ms", sort=True)["index"].max()
        if arrivals.empty:
            continue
        x, y = [0.0, *(arrivals.index / 1000)], [0, *(arrivals + 1)]
        drawn.add_scatter(x=x, y=y, name=lane.name, mode="lines", hovertemplate="%{y} tokens at %{x:.3f} s",
                          line=dict(shape="hv", color=lane.color, dash=lane.dash, width=2.5))
        drawn.add_scatter(x=x[-1:], y=y[-1:], mode="markers", showlegend=False, hoverinfo="skip",
                          marker=dict(color=lane.color, symbol=lane.marker, size=10))
    drawn.update_xaxes(title_text="time (s)", range=[0, max(longest / 1000 * 1.03, 1e-3)])
    drawn.update_yaxes(title_text="tokens", rangemode="tozero")
    drawn.update_layout(hovermode="x unified")
    return _style.signed(drawn, traces, look)
