"""tau along the text: does drafting get harder as the text goes on?"""

from __future__ import annotations

import plotly.graph_objects as go

from mtpviz.analysis.acceptance import tau_by_position
from mtpviz.analysis.lanes import BASELINE
from mtpviz.plots import _style
from mtpviz.trace import Trace

TITLE = "τ along the text"
ORDER = 80
ABOUT = ("Tokens per pass in each window of the text (the larger the marker, the more passes lie in it). A worked "
         "calculation that repeats its own numbers is drafted better the longer it gets; a story that turns is not.")
WINDOWS = 8  # about so many over the longest text, in powers of two of tokens


def figure(traces: list[Trace], theme: str = "light") -> go.Figure:
    """tau by position after the prompt, a line a lane; next-token prediction is the line at 1."""
    look = _style.theme_of(theme)
    longest = max((len(trace.token_ids) for trace in traces), default=0)
    window = max(8, 1 << max(0, (longest // WINDOWS - 1).bit_length()))
    table = tau_by_position(traces, window)
    table = table[table.strategy != BASELINE]
    if table.empty:
        return _style.message("No lane has drafted a token yet.", look)
    drawn = _style.blank(look)
    most = table.steps.max()
    for number, lane in enumerate(_style.lanes(traces, look)):
        rows = table[table.lane == number]
        if rows.empty:
            continue
        drawn.add_scatter(x=rows.start + window / 2, y=rows.tau, name=lane.name, mode="lines+markers",
                          line=dict(color=lane.color, dash=lane.dash, width=2.5), customdata=rows[["start", "steps"]],
                          marker=dict(symbol=lane.marker, color=lane.color, size=(6 + 8 * rows.steps / most).tolist()),
                          hovertemplate=f"from token %{{customdata[0]}}, {window} tokens: τ %{{y:.2f}} "
                                        "(%{customdata[1]} passes)")
    drawn.add_scatter(x=[0, longest], y=[1, 1], mode="lines", name="next-token prediction = 1", hoverinfo="skip",
                      line=dict(color=look.lanes[0], width=1.8, dash=_style.DASHES[0]))
    drawn.update_xaxes(title_text="tokens after the prompt", range=[0, max(longest, 1)])
    drawn.update_yaxes(title_text=f"τ, in windows of {window} tokens", rangemode="tozero")
    return _style.signed(drawn, traces, look)
