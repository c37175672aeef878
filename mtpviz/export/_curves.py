"""Training curves as a picture: the loss of every head that was trained side by side, and its held-out tau."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from mtpviz.export._scene import Dot, Line, Palette, Scene, Shape, Size, Text
from mtpviz.plots._style import THEMES

Curve = Sequence[tuple[float, float]]


def curves_scene(records: Sequence[Mapping], size: Size, colors: Palette, theme: str = "light") -> Scene:
    """Two panels over the tokens trained on. records: lines of a training's log.jsonl, {"tokens", "loss": by head} and
    {"tokens", "head", "tau"}."""
    losses: dict[str, list] = {}
    taus: dict[str, list] = {}
    for record in records:
        for head, loss in (record.get("loss") or {}).items():
            losses.setdefault(head, []).append((record["tokens"], loss))
        if "head" in record:
            taus.setdefault(record["head"], []).append((record["tokens"], record["tau"]))
    heads = list(dict.fromkeys([*taus, *losses]))
    lanes = THEMES[theme].lanes[1:]
    strokes = {head: lanes[i % len(lanes)] for i, head in enumerate(heads)}
    text, wide = size.text, bool(size.height)
    width = (size.width - 2 * size.margin) / (2 if wide else 1)
    height = (size.height - 2 * size.margin) if wide else 22 * text
    panels = [
        _Panel("loss, in nats (log scale)", size.margin, size.margin, width, height, losses, True),
        _Panel("held-out τ of a chain of 3", size.margin + (width if wide else 0),
               size.margin + (0 if wide else height), width, height, taus, False)]
    shapes = [shape for panel in panels for shape in panel.draw(text, colors, strokes)]
    told = "; ".join(f"{head}: held-out tau {curve[-1][1]:.2f}" for head, curve in taus.items())
    return Scene(size.width, size.height or 2 * height + 2 * size.margin, colors.paper, told or "No head was judged",
                 shapes, size.millimetres)


@dataclass(frozen=True)
class _Panel:
    """One chart in a box of the picture. curves: (tokens, value) by head. log: whether values lie on a log scale."""

    title: str
    left: float
    top: float
    width: float
    height: float
    curves: Mapping[str, Curve]
    log: bool

    def draw(self, text: float, colors: Palette, strokes: Mapping[str, str]) -> list[Shape]:
        """Title, grid and curves, each named at its end."""
        shapes: list[Shape] = [Text(self.left, self.top + 1.2 * text, self.title, 1.1 * text, colors.ink, bold=True)]
        values = [value for curve in self.curves.values() for _, value in curve if value > 0 or not self.log]
        last = max((tokens for curve in self.curves.values() for tokens, _ in curve), default=0)
        if not values or not last:
            return [*shapes, Text(self.left, self.top + 3 * text, "nothing was logged", text, colors.muted)]
        low, high = min(values), max(values)
        high = high if high > low else low + 1
        left, right = self.left + 3.2 * text, self.left + self.width - 7 * text
        top, bottom = self.top + 2.6 * text, self.top + self.height - 3 * text

        def at(tokens: float, value: float) -> tuple[float, float]:
            share = math.log(value / low) / math.log(high / low) if self.log else (value - low) / (high - low)
            return left + (right - left) * tokens / last, bottom - (bottom - top) * share

        for i in range(5):
            value = low * (high / low) ** (i / 4) if self.log else low + (high - low) * i / 4
            y = at(0, value)[1]
            shapes += [Line(left, y, right, y, colors.hairline, 0.05 * text),
                       Text(left - 0.5 * text, y + 0.3 * text, f"{value:.3g}", 0.8 * text, colors.muted, anchor="end")]
        for share in (0, 0.5, 1):
            shapes.append(Text(left + (right - left) * share, bottom + 1.4 * text, _thousands(share * last), 0.8 * text,
                               colors.muted, anchor="middle"))
        shapes.append(Text((left + right) / 2, bottom + 2.6 * text, "tokens trained on", 0.8 * text, colors.muted,
                           anchor="middle"))
        ends = []
        for head, curve in self.curves.items():
            points = [at(tokens, value) for tokens, value in curve if value > 0 or not self.log]
            shapes += [Line(*a, *b, strokes[head], 0.1 * text) for a, b in zip(points[:-1], points[1:], strict=True)]
            shapes += [Dot(*points[-1], 0.22 * text, strokes[head])] if points else []
            ends += [(points[-1][1], head, points[-1][0])] if points else []
        return shapes + _names(ends, right, text, strokes)


def _names(ends: list[tuple[float, str, float]], right: float, text: float, strokes: Mapping[str, str]) -> list[Shape]:
    """The heads' names beside the ends of their curves, moved apart where these lie close."""
    shapes, y = [], -math.inf
    for end, head, _ in sorted(ends):
        y = max(end + 0.3 * text, y + 1.05 * text)
        shapes.append(Text(right + 0.6 * text, y, head, 0.85 * text, strokes[head], bold=True))
    return shapes


def _thousands(tokens: float) -> str:
    return f"{tokens / 1e6:.2f} M" if tokens >= 1e6 else f"{tokens / 1e3:.0f} k" if tokens >= 1e4 else f"{tokens:.0f}"
