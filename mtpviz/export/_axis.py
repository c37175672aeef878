"""One axis of a drawn figure: its range, its ticks, and where a value lies."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass, field

from mtpviz.export._glyphs import about_width
from mtpviz.export._scene import Line, Palette, Shape, Text

LABEL = 13.0  # pixels of a tick's label
TITLE = 14.0
_STEPS = (1, 2, 2.5, 5, 10)
_PREFIXES = ((1e12, "T"), (1e9, "G"), (1e6, "M"), (1e3, "k"))


@dataclass
class Axis:
    """An axis as plotly describes it (`spec`), with the values of its traces. low, high: its range, logarithms on a
    logarithmic axis, places on a category axis. start, end: where they lie, in pixels."""

    letter: str
    spec: dict
    anchor: str
    low: float = 0.0
    high: float = 1.0
    categories: list[str] = field(default_factory=list)
    start: float = 0.0
    end: float = 0.0

    @classmethod
    def read(cls, letter: str, spec: dict, traces: list[dict], layout: dict, name: str) -> Axis:
        """An axis for these traces."""
        axis = cls(letter, spec, spec.get("anchor", ("y" if letter == "x" else "x") + name[1:]))
        values = [value for trace in traces for value in extent(trace, letter, traces, layout)]
        axis.categories = list(dict.fromkeys(value for value in values if isinstance(value, str)))
        if axis.categories:
            axis.low, axis.high = -0.5, len(axis.categories) - 0.5
        else:
            axis._fit([axis._scaled(value) for value in values], any(t["type"] == "bar" for t in traces), traces)
        if spec.get("range") is not None:
            axis.low, axis.high = (float(value) for value in spec["range"])
        if spec.get("autorange") == "reversed":
            axis.low, axis.high = axis.high, axis.low
        return axis

    @property
    def log(self) -> bool:
        """Whether it is logarithmic."""
        return self.spec.get("type") == "log"

    @property
    def title(self) -> str:
        """What it measures."""
        title = self.spec.get("title") or {}
        return title.get("text") or "" if isinstance(title, dict) else str(title)

    def _fit(self, values: list[float], has_bars: bool, traces: list[dict]) -> None:
        values = [value for value in values if math.isfinite(value)]
        low, high = min(values, default=0.0), max(values, default=1.0)
        along = has_bars and all((t.get("orientation") == "h") == (self.letter == "y") for t in traces
                                 if t["type"] == "bar")
        if along:  # the bars' own places
            self.low, self.high = low - 0.5, high + 0.5
            return
        pad = 0.05 * (high - low or 1.0)
        self.low = min(0.0, low) if has_bars or self.spec.get("rangemode") == "tozero" else low - pad
        self.high = high + pad

    def _scaled(self, value) -> float:
        if value is None or isinstance(value, str):
            return math.nan
        return math.log10(value) if self.log and value > 0 else math.nan if self.log else float(value)

    def span(self, start: float, end: float) -> None:
        """Take its domain of the pixels from `start` to `end`."""
        low, high = self.spec.get("domain") or (0.0, 1.0)
        self.start, self.end = start + (end - start) * low, start + (end - start) * high

    def at(self, value) -> float:
        """The pixel of a value; not a number where the value is none or cannot be shown."""
        place = self.categories.index(value) if isinstance(value, str) and value in self.categories else None
        scaled = float(place) if place is not None else self._scaled(value)
        return self.start + (self.end - self.start) * (scaled - self.low) / ((self.high - self.low) or 1.0)

    def ticks(self) -> list[tuple[object, str]]:
        """(value, label) of each tick."""
        if self.spec.get("visible") is False:
            return []
        if self.categories:
            return [(name, name) for name in self.categories]
        low, high = sorted((self.low, self.high))
        if self.log:
            return [(10.0**k, self._label(10.0**k)) for k in range(math.ceil(low), math.floor(high) + 1)]
        step = self.spec.get("dtick") or _nice((high - low) / max(2.0, abs(self.end - self.start) / 90))
        while (high - low) / step > 14:
            step *= 2
        first = math.ceil(low / step - 1e-9)
        return [(k * step, self._label(k * step)) for k in range(first, math.floor(high / step + 1e-9) + 1)]

    def _label(self, value: float) -> str:
        form = self.spec.get("tickformat", "")
        if form.endswith("%"):
            return f"{100 * value:.0f} %"
        if form == "~s":
            scale, sign = next(((s, p) for s, p in _PREFIXES if value >= s), (1.0, ""))
            return f"{value / scale:g}{sign}"
        return f"{value:.6g}".replace("-", "−")

    def label_width(self) -> float:
        """Width of the widest label, in pixels; 0 where none is shown."""
        if self.spec.get("showticklabels") is False or (self.spec.get("domain") or [0.0])[0] > 0.01 \
                and self.letter == "y" and self.anchor != "x" and self.spec.get("matches"):
            return 0.0
        return max((about_width(label, LABEL) for _, label in self.ticks()), default=0.0)

    def frame(self, other: Axis, colors: Palette) -> list[Shape]:
        """Grid, line, ticks, labels and title, against the axis it is anchored to."""
        if self.spec.get("visible") is False:
            return []
        shapes: list[Shape] = []
        flat = self.letter == "x"
        low, high = sorted((self.start, self.end))
        edge, ticks = other.start, self.ticks()
        widest = max((about_width(label, LABEL) for _, label in ticks), default=0.0)
        size = LABEL * min(1.0, max(0.66, 0.94 * (high - low) / len(ticks) / widest)) if flat and widest else LABEL
        for value, label in ticks:
            at = self.at(value)
            if not low - 0.5 <= at <= high + 0.5:
                continue
            if self.spec.get("showgrid"):
                shapes.append(Line(at, other.start, at, other.end, colors.hairline) if flat
                              else Line(other.start, at, other.end, at, colors.hairline))
            if self.spec.get("showticklabels") is False:
                continue
            if flat:
                shapes += [Line(at, edge, at, edge + 4, colors.hairline),
                           Text(at, edge + 19, label, size, colors.ink, anchor="middle")]
            else:
                shapes.append(Text(edge - 8, at + 0.34 * LABEL, label, LABEL, colors.ink, anchor="end"))
        if self.spec.get("showline"):
            shapes.append(Line(low, edge, high, edge, colors.hairline) if flat
                          else Line(edge, low, edge, high, colors.hairline))
        if self.title and flat:
            shapes.append(Text((low + high) / 2, edge + 42, self.title, TITLE, colors.muted, anchor="middle"))
        elif self.title:
            shapes.append(Text(14, (low + high) / 2, self.title, TITLE, colors.muted, anchor="middle", turned=True))
        return shapes


def values(trace: dict, letter: str) -> list:
    """A trace's values along an axis, with None for what is missing."""
    return [None if isinstance(value, float) and math.isnan(value) else value for value in trace.get(letter) or ()]


def extent(trace: dict, letter: str, traces: list[dict], layout: dict) -> Iterable:
    """The values that an axis must have room for: of stacked bars their sums, of others with errors their ends."""
    own = values(trace, letter)
    if trace["type"] != "bar" or (trace.get("orientation") == "h") != (letter == "x"):
        return own
    if layout.get("barmode") == "stack":
        stacked = [values(t, letter) for t in traces if t["type"] == "bar"]
        return [sum(value or 0 for value in column) for column in zip(*stacked, strict=False)]
    base, errors = trace.get("base"), trace.get("error_y") or {}
    if base is not None:
        return [low + high for low, high in zip(base, own, strict=True)]
    return own if errors.get("array") is None else [
        value + error for value, error in zip(own, errors["array"], strict=True) if value is not None]


def _nice(step: float) -> float:
    """The round number nearest above a step."""
    power = 10.0 ** math.floor(math.log10(step)) if step > 0 else 1.0
    return next(power * factor for factor in _STEPS if power * factor >= step * 0.999)
