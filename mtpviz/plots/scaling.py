"""Where drafting stops paying: the lanes' own acceptance at a large model's prices, over batch and over context."""

from __future__ import annotations

from dataclasses import replace

import plotly.graph_objects as go
from plotly.subplots import make_subplots

from mtpviz.analysis import scaling, whatif
from mtpviz.analysis.cards import CARDS
from mtpviz.plots import _style
from mtpviz.trace import Trace

TITLE = "Batch and context"
ORDER = 95
ABOUT = ("The speedup that these drafts would have at Llama-3.1-8B, over the sequences decoded at once and over the "
         "length of the text before. A chain as long as pays best, with the acceptance of this run. With more "
         "sequences a pass waits for arithmetic, and a checked draft costs as much as a token: there drafting stops "
         "paying.")
MODEL = "Llama-3.1-8B"
BATCHES, CONTEXTS = (1, 2, 4, 8, 16, 32, 64), (512, 1024, 2048, 4096, 8192, 16384, 32768)
AT_CONTEXT = 2048  # of the curves over the batch; those over the context are of one sequence


def figure(traces: list[Trace], theme: str = "light") -> go.Figure:
    """Two panels with a curve a lane that drafted, on a card that `bench scale` measured, else by its data sheet."""
    look = _style.theme_of(theme)
    told = [(lane, found) for lane in _style.lanes(traces, look) if (found := whatif.lane(lane.trace, traces))]
    if not told:
        return _style.message("No lane here has drafted beside a next-token lane.", look)
    card = next((card for card in CARDS if scaling.measured(card.name, MODEL)), CARDS[0])
    report = scaling.measured(card.name, MODEL)
    top = 1.0
    drawn = make_subplots(rows=1, cols=2, shared_yaxes=True, horizontal_spacing=0.06)
    _style.finish(drawn, look, 400)
    for column, (values, name) in enumerate(((BATCHES, "batch"), (CONTEXTS, "context")), 1):
        for lane, found in told:
            context = AT_CONTEXT if name == "batch" else 0
            points = [_best(found, card.name, *((value, context) if name == "batch" else (1, value)))
                      for value in values]
            top = max(top, *(point.speedup_low for point in points))
            drawn.add_scatter(x=list(values), y=[point.speedup_low for point in points], mode="lines+markers",
                              name=lane.name, showlegend=column == 1, row=1, col=column,
                              line=dict(color=lane.color, dash=lane.dash, width=2.5),
                              marker=dict(color=lane.color, symbol=lane.marker, size=9),
                              hovertemplate="%{x}: %{y:.2f}×")
        drawn.update_xaxes(type="log", row=1, col=column, tickvals=list(values),
                           ticktext=[_short(value) for value in values])
    drawn.add_hline(y=1.0, line=dict(color=look.ink, width=1, dash="dot"))
    drawn.update_xaxes(title_text="sequences at once, 2k positions each", row=1, col=1)
    drawn.update_xaxes(title_text="positions before, one sequence", row=1, col=2)
    drawn.update_yaxes(range=[0, 1.1 * top])
    drawn.update_yaxes(title_text="speedup (×)", row=1, col=1)
    how = f"passes measured on {report.hardware}, {report.date}" if report else f"predicted from {card.source}"
    drawn.add_annotation(text=f"{MODEL}: {how}", x=0.01, xref="paper", xanchor="left", y=1.0, yref="paper",
                         yanchor="bottom", showarrow=False, font=dict(size=13, color=look.muted))
    return _style.signed(drawn, traces, look)


def _best(told: whatif.Lane, card: str, batch: int, context: int) -> whatif.Prediction:
    """By the length of the chain that pays best; the careful reading of acceptance, since the chain is fixed."""
    lengths = range(1, min(8, 2 * len(told.ranks.rates)) + 1)
    at = replace(told, context=float(context))
    return max((whatif.predict(at, whatif.Choice(card, MODEL, batch, length, length)) for length in lengths),
               key=lambda found: found.speedup_low)


def _short(value: int) -> str:
    return f"{value / 1024:g}k" if value >= 512 else str(value)
