"""The figures' visual language: colours, type and grids shared by all; the same kinds and colours as the page.

Colours are told apart by colour-blind readers and never stand alone: lanes differ by dash and marker too, kinds by
pattern or label. Text contrasts at least 4.5:1 with the page's background in both themes.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from mtpviz.analysis.lanes import BASELINE, lane_names
from mtpviz.analysis.summary import LOOPING
from mtpviz.errors import UserError
from mtpviz.trace import UNKNOWN, Trace

if TYPE_CHECKING:
    import plotly.graph_objects as go

FONT = 'system-ui, -apple-system, "Segoe UI", Roboto, "Noto Sans", "DejaVu Sans", sans-serif'
DASHES = ("dot", "solid", "dash", "dashdot", "longdash", "longdashdot", "8px,3px,2px,3px,2px,3px", "14px,3px,3px,3px")
MARKERS = ("circle", "diamond", "square", "triangle-up", "cross", "x", "pentagon", "star")
PATTERNS = {"draft": "/", "verify": "", "commit": "x", "host": "."}


@dataclass(frozen=True)
class Theme:
    """Colours of one theme. lanes: the first is the baseline's."""

    ink: str
    muted: str
    hairline: str
    paper: str
    accepted: str
    bonus: str
    rejected: str
    lanes: tuple[str, ...]

    def phase(self, name: str) -> str:
        """The colour of a phase: drafting costs, verifying is the target's own work, the rest is overhead."""
        return {"draft": self.rejected, "verify": self.bonus, "commit": self.accepted, "host": self.muted}[name]


THEMES = {
    "light": Theme("#171A20", "#5A6170", "#DFDCD2", "#FBFAF7", "#00664B", "#005A8C", "#A23E00",
                   ("#6B7280", "#005A8C", "#B4470B", "#00775A", "#8A3FA0", "#806000", "#B8245E", "#3F47A8")),
    "dark": Theme("#E8EAED", "#9AA3B2", "#2A303A", "#0E1116", "#3DDBA8", "#7CC8F5", "#FF9A5C",
                  ("#9AA3B2", "#7CC8F5", "#FF9A5C", "#3DDBA8", "#D6A0F0", "#E8C34A", "#FF8FB3", "#A8B4FF")),
}


@dataclass(frozen=True)
class Lane:
    """How one lane is drawn in every figure."""

    name: str
    trace: Trace
    color: str
    dash: str
    marker: str


def theme_of(name: str) -> Theme:
    """The theme called "light" or "dark"."""
    if name not in THEMES:
        raise UserError(f"There is no theme {name!r}; the known ones are {', '.join(THEMES)}.")
    return THEMES[name]


def lanes(traces: Sequence[Trace], theme: Theme) -> list[Lane]:
    """Lane styles: next-token lanes take the baseline's grey, the others one colour, dash and marker each in turn."""
    drawn, turn = [], 0
    for trace, name in zip(traces, lane_names(traces), strict=True):
        turn += trace.run.strategy != BASELINE
        place = 0 if trace.run.strategy == BASELINE else 1 + (turn - 1) % (len(theme.lanes) - 1)
        drawn.append(Lane(label(name), trace, theme.lanes[place], DASHES[place], MARKERS[place]))
    return drawn


def label(text: str) -> str:
    """A text as plotly shall show it: its pseudo-HTML tags escaped, so that a title is never taken for markup."""
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def blank(theme: Theme, height: int = 360) -> go.Figure:
    """An empty figure in the shared style."""
    import plotly.graph_objects as go  # the themes are read where it is not installed

    figure = go.Figure()
    finish(figure, theme, height)
    return figure


def finish(figure: go.Figure, theme: Theme, height: int = 360) -> go.Figure:
    """Give a figure the shared type, grid, legend and margins."""
    figure.update_layout(
        template="none", height=height, autosize=True, paper_bgcolor="rgba(0,0,0,0)", plot_bgcolor="rgba(0,0,0,0)",
        font=dict(family=FONT, size=14, color=theme.ink), margin=dict(l=64, r=24, t=44, b=76),
        legend=dict(orientation="h", x=0, xanchor="left", y=1.02, yanchor="bottom", font=dict(size=14)),
        hoverlabel=dict(bgcolor=theme.paper, bordercolor=theme.hairline, font=dict(color=theme.ink, size=13)),
        colorway=list(theme.lanes), bargap=0.28, bargroupgap=0.06)
    figure.update_xaxes(showgrid=False, zeroline=False, ticks="outside", ticklen=4, tickcolor=theme.hairline,
                        showline=True, linecolor=theme.hairline, automargin=True,
                        title=dict(font=dict(size=14, color=theme.muted), standoff=10))
    figure.update_yaxes(showgrid=True, gridcolor=theme.hairline, gridwidth=1, zeroline=False, showline=False,
                        automargin=True, title=dict(font=dict(size=14, color=theme.muted), standoff=10))
    return figure


def message(text: str, theme: Theme, height: int = 360) -> go.Figure:
    """A figure that says in one sentence why there is nothing to draw."""
    figure = blank(theme, height)
    figure.update_xaxes(visible=False)
    figure.update_yaxes(visible=False)
    figure.add_annotation(text=text, x=0.5, y=0.5, xref="paper", yref="paper", showarrow=False,
                          font=dict(size=15, color=theme.muted))
    return figure


def signed(figure: go.Figure, traces: Sequence[Trace], theme: Theme) -> go.Figure:
    """Tell below a figure how much its texts repeat themselves, since loops flatter every drafter."""
    shares = {name: f"{100 * trace.distinct_4grams:.0f} %" + (" (loops)" if trace.distinct_4grams < LOOPING else "")
              for trace, name in zip(traces, lane_names(traces), strict=True)
              if trace.steps and set(trace.token_ids) != {UNKNOWN}}
    if shares:
        alike = len(set(shares.values())) == 1
        told = next(iter(shares.values())) if alike else ", ".join(f"{label(name)} {s}" for name, s in shares.items())
        figure.add_annotation(text=f"distinct 4-grams of the text{'' if alike else 's'}: {told}", x=0, xref="paper",
                              xanchor="left", y=0, yref="paper", yanchor="top", yshift=-58, showarrow=False,
                              font=dict(size=12, color=theme.muted))
    return figure


def faded(color: str, share: float) -> str:
    """A #RRGGBB colour with an opacity, as rgba()."""
    red, green, blue = (int(color[i : i + 2], 16) for i in (1, 3, 5))
    return f"rgba({red},{green},{blue},{share})"
