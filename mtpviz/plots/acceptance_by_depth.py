"""Acceptance by depth, in both definitions."""

from __future__ import annotations

import plotly.graph_objects as go
from plotly.subplots import make_subplots

from mtpviz.analysis.acceptance import by_depth
from mtpviz.plots import _style
from mtpviz.trace import Trace

TITLE = "Acceptance by depth"
ORDER = 30
ABOUT = ("The prefix rate at depth k is the share of drafting steps whose accepted path is at least k tokens long "
         "(their sum is τ − 1); the conditional rate counts only the steps that got as far as a draft at depth k; "
         "whiskers are 95 % Wilson intervals.")

_PANELS = (("prefix", "drafted", "<b>prefix rate</b>  first k drafts all accepted / steps that drafted", ""),
           ("conditional", "offered", "<b>conditional rate</b>  accepted at k / steps that reached a draft at k", "/"))


def figure(traces: list[Trace], theme: str = "light") -> go.Figure:
    """Two panels over one depth axis: prefix rate (solid bars) and conditional rate (hatched bars), a bar per lane."""
    look = _style.theme_of(theme)
    table = by_depth(traces)
    if table.empty:
        return _style.message("No lane has drafted a token, so there is nothing to accept.", look, 520)
    drawn = make_subplots(rows=2, cols=1, shared_xaxes=True, vertical_spacing=0.16)
    for row, (rate, trials, _, pattern) in enumerate(_PANELS, 1):
        for number, lane in enumerate(_style.lanes(traces, look)):
            rows = table[table.lane == number].dropna(subset=[rate])
            if rows.empty:
                continue
            whiskers = dict(type="data", symmetric=False, color=look.ink, thickness=1.3, width=4,
                            array=rows[f"{rate}_high"] - rows[rate], arrayminus=rows[rate] - rows[f"{rate}_low"])
            fill = dict(color=_style.faded(lane.color, 0.18 if pattern else 0.75), line=dict(color=lane.color,
                                                                                             width=1.5),
                        pattern=dict(shape=pattern, fgcolor=lane.color, size=6))
            drawn.add_bar(x=rows.depth, y=rows[rate], name=lane.name, legendgroup=str(number), showlegend=row == 1,
                          marker=fill, error_y=whiskers, row=row, col=1, customdata=rows[["accepted",
                                                                                          trials]].to_numpy(),
                          hovertemplate="depth %{x}: %{y:.1%} (%{customdata[0]} of n = %{customdata[1]})")
    _style.finish(drawn, look, 520)
    for row, (_, _, caption, _) in enumerate(_PANELS, 1):
        drawn.add_annotation(text=caption, x=0, xref="paper", xanchor="left", y=1.0,
                             yref=f"y{row if row > 1 else ''} domain",
                             yanchor="bottom", yshift=4, showarrow=False, font=dict(size=13, color=look.ink))
    drawn.update_yaxes(range=[0, 1.04], tickformat=".0%", dtick=0.25, title_text="accepted")
    drawn.update_xaxes(dtick=1, showticklabels=True)
    drawn.update_xaxes(title_text="depth k of the drafted token", row=2, col=1)
    drawn.update_layout(barmode="group", margin_t=76, legend_y=1.075)
    return _style.signed(drawn, traces, look)
