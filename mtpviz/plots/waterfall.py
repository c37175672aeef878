"""Why is it not faster: from tau down to the measured speedup."""

from __future__ import annotations

import plotly.graph_objects as go
from plotly.subplots import make_subplots

from mtpviz.analysis.speedup import CHANGES, PARTS, Budget, budgets, helps_most
from mtpviz.plots import _style
from mtpviz.trace import Trace

TITLE = "Why is it not faster?"
ORDER = 60
ABOUT = ("τ, the tokens per target pass, would be the speedup if a pass over drafts cost no more than a plain one "
         "and nothing else cost anything; each bar takes away its share of the extra time, and what remains is the "
         "measured speedup.")

COLUMNS = 2


def figure(traces: list[Trace], theme: str = "light") -> go.Figure:
    """A waterfall per lane that drafts, at most two in a row, on one common speedup axis."""
    look = _style.theme_of(theme)
    found = budgets(traces)
    shown = [(lane, found[number]) for number, lane in enumerate(_style.lanes(traces, look)) if number in found]
    if not shown:
        return _style.message("The budget needs a next-token lane and another lane on the same device.", look)
    columns = min(COLUMNS, len(shown))
    rows = -(-len(shown) // columns)
    height = 60 + 320 * rows
    drawn = make_subplots(rows=rows, cols=columns, shared_yaxes="all", vertical_spacing=0.32 / rows,
                          horizontal_spacing=0.05)
    _style.finish(drawn, look, height)
    for place, (lane, entry) in enumerate(shown):
        row, column = place // columns + 1, place % columns + 1
        _waterfall(drawn, look, entry, row, column)
        axis = "" if place == 0 else str(place + 1)
        drawn.add_annotation(text=f"<b>{lane.name}</b><br>{_hint(entry)}", x=0, xref=f"x{axis} domain",
                             xanchor="left", y=1,
                             yref=f"y{axis} domain", yanchor="bottom", yshift=6, showarrow=False, align="left",
                             font=dict(size=13, color=look.muted))
    ceiling = max(max(entry.tau, entry.measured) for _, entry in shown)
    drawn.update_yaxes(range=[0, ceiling * 1.16])
    drawn.update_yaxes(title_text="speedup (×)", col=1)
    drawn.update_layout(showlegend=False, bargap=0.3, margin_t=64)
    return _style.signed(drawn, traces, look)


def _waterfall(drawn: go.Figure, look: _style.Theme, entry: Budget, row: int, column: int) -> None:
    """Bars from tau through each part that shows at two decimals to the measured speedup."""
    parts = [part for part in PARTS if part in ("draft", "verify") or abs(entry.lost[part]) >= 0.005]
    level, names, bases, heights, colors, labels = entry.tau, ["ideal τ"], [0.0], [entry.tau], [look.accepted], []
    labels.append(f"<b>{entry.tau:.2f}×</b>")
    for part in parts:
        loss = entry.lost[part]
        names.append(part)
        bases.append(min(level, level - loss))
        heights.append(abs(loss))
        colors.append(look.rejected if loss > 0 else look.accepted)
        labels.append(f"{-loss:+.2f}".replace("-", "−"))
        level -= loss
    names.append("measured")
    bases.append(0.0)
    heights.append(entry.measured)
    colors.append(look.bonus)
    labels.append(f"<b>{entry.measured:.2f}×</b>")
    drawn.add_bar(x=names, y=heights, base=bases, text=labels, textposition="outside", constraintext="none",
                  cliponaxis=False, row=row, col=column,
                  textfont=dict(size=14, color=look.ink), hovertemplate="%{x}: %{text}<extra></extra>",
                  marker=dict(color=[_style.faded(color, 0.9) for color in colors], line=dict(width=0)))


def _hint(entry: Budget) -> str:
    best = helps_most(entry)
    if best is None:
        return "no step costs more than a plain one"
    return f"{CHANGES[best[0]]}: {best[1]:.2f}×"
