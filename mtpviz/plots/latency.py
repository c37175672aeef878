"""What a reader waits for: the first token, and the gaps between tokens."""

from __future__ import annotations

import plotly.graph_objects as go
from plotly.subplots import make_subplots

from mtpviz.analysis.latency import latency
from mtpviz.plots import _style
from mtpviz.trace import Trace

TITLE = "Waiting for tokens"
ORDER = 70
ABOUT = ("Above, the time to the first token (the prompt's pass). Below, each stroke is one pass that delivered "
         "tokens, as tall as the number that came at once: speculation delivers in bursts, so the median gap between "
         "tokens is 0 where most arrive with another, and the 95th percentile is a whole pass.")
SHOWN = 40  # passes of each lane: more are a wall
HIGH = 0.56  # of the tallest stroke, in rows


def figure(traces: list[Trace], theme: str = "light") -> go.Figure:
    """A bar of the time to the first token a lane, and a row of bursts a lane on one axis of time."""
    look = _style.theme_of(theme)
    shown = [lane for lane in _style.lanes(traces, look) if lane.trace.steps and lane.trace.decode_ms > 0]
    if not shown:
        return _style.message("No lane has been timed yet.", look)
    first = 44 + 26 * len(shown)
    each = 78 * len(shown)
    drawn = make_subplots(rows=2, cols=1, row_heights=[first, each], vertical_spacing=70 / (first + each + 150))
    _style.finish(drawn, look, first + each + 150)
    names = [lane.name for lane in shown]
    prefill = [latency(lane.trace)["first_token_ms"] or 0.0 for lane in shown]
    drawn.add_bar(y=names, x=prefill, orientation="h", showlegend=False, row=1, col=1,
                  marker=dict(color=[_style.faded(lane.color, 0.8) for lane in shown]),
                  text=[f"{ms:.1f} ms" for ms in prefill], textposition="outside", cliponaxis=False,
                  hovertemplate="%{y}: first token after %{x:.2f} ms<extra></extra>")
    tallest = max(max(len(step.emitted) for step in lane.trace.steps) for lane in shown)
    for place, lane in enumerate(shown):
        _bursts(drawn, lane, look, len(shown) - 1 - place, tallest)
    window = max(_window(lane.trace) for lane in shown)
    drawn.update_xaxes(title_text="time to the first token (ms)", range=[0, max(prefill) * 1.25 + 1e-6], row=1, col=1)
    drawn.update_xaxes(title_text="time after the first token (ms)", range=[0, window], row=2, col=1)
    drawn.update_yaxes(autorange="reversed", showgrid=False, row=1, col=1)
    drawn.update_yaxes(showgrid=False, showticklabels=False, range=[-0.08, len(shown)], row=2, col=1)
    drawn.update_layout(bargap=0.35, margin_t=28)
    return _style.signed(drawn, traces, look)


def _bursts(drawn: go.Figure, lane: _style.Lane, look: _style.Theme, floor: int, tallest: int) -> None:
    """One lane's strokes, standing on `floor`; its quantiles above them."""
    start, x, y = lane.trace.run.prefill_ms, [], []
    for step in lane.trace.steps[:SHOWN]:
        height = floor + HIGH * len(step.emitted) / tallest
        x += [step.clock_ms - start] * 2 + [None]
        y += [floor, height, None]
    drawn.add_scatter(x=x, y=y, mode="lines", line=dict(color=lane.color, width=3), name=lane.name, showlegend=False,
                      hoverinfo="skip", row=2, col=1)
    tops = lane.trace.steps[:SHOWN]
    drawn.add_scatter(x=[step.clock_ms - start for step in tops], row=2, col=1, showlegend=False, name=lane.name,
                      y=[floor + HIGH * len(step.emitted) / tallest for step in tops], mode="markers",
                      marker=dict(color=lane.color, symbol=lane.marker, size=7),
                      customdata=[len(step.emitted) for step in tops],
                      hovertemplate="%{customdata} tokens at once, %{x:.2f} ms")
    gaps = latency(lane.trace)["inter_token_ms"]
    told = f"between tokens: median {gaps['p50']:.2f} ms, 95th percentile {gaps['p95']:.2f} ms"
    drawn.add_annotation(text=f"<b>{lane.name}</b>  {told}", x=0, xref="x2 domain", xanchor="left", yref="y2",
                         y=floor + HIGH + 0.04, yanchor="bottom", showarrow=False, font=dict(size=13, color=look.ink))


def _window(trace: Trace) -> float:
    """Milliseconds after the first token that hold the passes shown."""
    return (trace.steps[:SHOWN][-1].clock_ms - trace.run.prefill_ms) * 1.02
