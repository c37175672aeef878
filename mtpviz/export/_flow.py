"""Token text set in lines, each token marked by its kind: the page's grammar, for pictures.

Accepted draft: green tint, solid underline. Bonus: blue tint, underline and a dot. Rejected: dashed box, struck
through. Written by the target alone: plain.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

from mtpviz.export._glyphs import label, visible
from mtpviz.export._language import Language
from mtpviz.export._scene import Box, Dot, Line, Palette, Shape, Text
from mtpviz.trace import Step, Trace

LEADING = 1.56  # line height in type sizes
Measure = Callable[[str, float], float]


@dataclass
class Placed:
    """One token (or ghost of a rejected one) in its place: the shapes to draw once `arrival_ms` has come."""

    arrival_ms: float
    right: float
    baseline: float
    shapes: list[Shape] = field(default_factory=list)


def flow(trace: Trace, palette: Palette, measure: Measure, x: float, y: float, width: float, size: float,
         lines: int, rejected: bool, spoken: Language, until_ms: float = float("inf")) -> tuple[list[Placed], int]:
    """Set the generated tokens that arrived by `until_ms` in at most `lines` lines of a column.

    Returns the placed tokens and how many tokens found no room; a note of their number stands in the last line then.
    """
    items = [item for item in _items(trace, rejected) if item[0] <= until_ms]
    for reserve in (0.0, 8.5 * size):  # room for the note is only kept where it is needed
        pen = _Pen(palette, measure, x, y, width, size, lines, reserve)
        done = next((number for number, item in enumerate(items) if not pen.put(*item)), None)
        if done is None:
            return pen.placed, 0
    left = sum(item[1] != "rejected" for item in items[done:])
    pen.note(spoken.say("picture.more" if left > 1 else "picture.more.one", n=left))
    return pen.placed, left


def sample(kind: str, words: str, palette: Palette, measure: Measure, x: float, y: float, size: float) -> Placed:
    """One token of a kind on its own, for a legend."""
    pen = _Pen(palette, measure, x, y, 40 * size, size, 1, 0.0)
    pen.put(0.0, kind, words)
    return pen.placed[0]


def _items(trace: Trace, rejected: bool) -> list[tuple[float, str, str]]:
    """(arrival, kind, text) of every token, with the best rejected draft of each step before the bonus."""
    items = [(trace.run.prefill_ms, "target", trace.run.first_text)] if trace.run.begun else []
    for step in trace.steps:
        for kind, text in zip(step.kinds, step.texts, strict=True):
            ghost = best_rejected(step) if rejected and kind == "bonus" else None
            if ghost is not None:
                items.append((step.clock_ms, "rejected", trace.run.pieces.get(ghost, str(ghost))))
            items.append((step.clock_ms, kind, text))
    return items


def best_rejected(step: Step) -> int | None:
    """Token of the most probable draft that was offered where the accepted path ended; None where none was."""
    end = step.accepted[-1] if step.accepted else -1
    offered = [node for node in step.nodes if node.parent == end]
    return max(offered, key=lambda node: node.draft_prob or 0.0).token if offered else None


@dataclass
class _Pen:
    palette: Palette
    measure: Measure
    x: float
    y: float
    width: float
    size: float
    lines: int
    reserve: float
    at: float = 0.0
    line: int = 0
    placed: list[Placed] = field(default_factory=list)

    def put(self, arrival: float, kind: str, text: str) -> bool:
        """Place one token; False where no line is left for it."""
        shown = label(text, 24) if kind == "rejected" else visible(text)
        wide, pad = self._extent(kind, shown)
        last = self.line == self.lines - 1
        room = self.width - (self.reserve if last else 0.0)
        hang = 0.7 * self.size if len(shown) <= 2 and not any(map(str.isalnum, shown)) else 0.0  # a comma may stand out
        if self.at and self.at + wide > room + hang:
            if last:
                return False
            self.line, self.at = self.line + 1, 0.0
        if not self.at and shown.strip(" "):  # as in any text, a space does not begin a line
            shown = shown.lstrip(" ")
            wide, pad = self._extent(kind, shown)
        self.at += 0.2 * self.size if kind == "rejected" and self.at else 0.0
        left, baseline = self.x + self.at, self.y + (self.line * LEADING + 1.0) * self.size
        gap = self.size * 0.06
        self.placed.append(Placed(arrival, left + wide, baseline, self._shapes(kind, shown, left, baseline, wide, pad)))
        self.at += wide + gap + (gap * 3 if kind == "rejected" else 0.0)
        if text.endswith("\n") and self.line < self.lines - 1:
            self.line, self.at = self.line + 1, 0.0
        return True

    def _extent(self, kind: str, shown: str) -> tuple[float, float]:
        """(width, padding) of a token: a ghost has a box around it, a bonus room for its dot."""
        pad = self.size * {"rejected": 0.32, "bonus": 0.2}.get(kind, 0.0)
        return min(max(self.measure(shown, self.size) + pad, 0.22 * self.size), self.width), pad

    def note(self, text: str) -> None:
        """Say what found no room, at the end of the last line."""
        baseline = self.y + (self.line * LEADING + 1.0) * self.size
        shape = Text(self.x + self.at + 0.3 * self.size, baseline, text, self.size * 0.85, self.palette.muted)
        self.placed.append(Placed(self.placed[-1].arrival_ms if self.placed else 0.0, shape.x, baseline, [shape]))

    def _shapes(self, kind: str, text: str, left: float, baseline: float, wide: float, pad: float) -> list[Shape]:
        size, colors = self.size, self.palette
        top, tall, thick = baseline - 0.96 * size, 1.28 * size, max(size * 0.075, 0.6)
        if kind == "rejected":
            return [Box(left, top + 0.06 * size, wide, tall - 0.1 * size, None, colors.rejected, thick * 0.7,
                        0.12 * size, True),
                    Text(left + pad / 2, baseline, text, size * 0.92, colors.rejected, fit=wide - pad, struck=True)]
        word = [Text(left, baseline, text, size, colors.ink, fit=wide - pad, token=True)] if text else []
        if kind == "target":
            return word
        tint, line = ((colors.accepted_tint, colors.accepted) if kind == "accepted" else (colors.bonus_tint,
                                                                                          colors.bonus))
        marks: list[Shape] = [Box(left, top, wide, tall, tint, radius=0.1 * size),
                              Line(left, top + tall - thick / 2, left + wide, top + tall - thick / 2, line, thick)]
        dot = [Dot(left + wide - 0.15 * size, top + 0.2 * size, 0.09 * size, line)] if kind == "bonus" else []
        return marks + word + dot
