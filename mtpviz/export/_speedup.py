"""Speedups as a picture: per lane a bar of what was measured, and after it what each cost took away from tau."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from mtpviz.analysis.lanes import BASELINE, baseline
from mtpviz.analysis.speedup import CHANGES, PARTS, Budget, budgets, helps_most, speedup
from mtpviz.export._glyphs import about_width, visible
from mtpviz.export._language import Language
from mtpviz.export._scene import Box, Line, Palette, Scene, Shape, Size, Text
from mtpviz.trace import Trace


@dataclass(frozen=True)
class _Axis:
    """The common speedup axis: where it starts, how far a speedup of 1 reaches, and the look of all rows."""

    left: float
    unit: float
    size: Size
    colors: Palette
    spoken: Language

    def at(self, value: float) -> float:
        return self.left + self.unit * value


def speedup_scene(traces: Sequence[Trace], size: Size, colors: Palette, spoken: Language) -> Scene:
    """A row per lane on one axis: measured (solid), the parts lost (dashed, named), tau (tick)."""
    text, base, found = size.text, baseline(traces), budgets(traces)
    names = [visible(name) for name in spoken.lanes(traces)]
    measured = [speedup(trace, base) for trace in traces]
    wide, count = bool(size.height), max(len(traces), 1)
    top = size.margin + (5.0 if wide else 4.2) * text
    below = 3.4 * text  # the axis' labels
    pitch = min((size.height - top - size.margin - below) / count, 8.0 * text) if wide else 4.4 * text
    height = size.height or top + pitch * count + below
    left = size.margin + (12.5 * text if wide else 0.0)
    ends = [entry.tau + sum(max(0.0, -loss) for loss in entry.lost.values()) for entry in found.values()]
    ceiling = max([1.0, *ends, *(value for value in measured if value)]) * 1.02
    axis = _Axis(left, (size.width - size.margin - 3.2 * text - left) / ceiling, size, colors, spoken)

    shapes = [*_heading(size, colors, spoken, base is not None), *_grid(axis, int(ceiling), top, top + pitch * count)]
    for lane, (trace, name, value) in enumerate(zip(traces, names, measured, strict=True)):
        tall = min(2.6 * text, pitch * 0.4)
        bar = top + lane * pitch + (pitch - tall) / 2 + (-0.4 if wide else 0.1) * text
        shapes += _name(axis, name, bar, tall, found.get(lane))
        if value is None:
            note = spoken.say("picture.speedup.alone") if base else \
                f"{trace.tokens_per_s:.0f} {spoken.say('lane.tokens')}"
            shapes.append(Text(left, bar + tall * 0.68, note, 0.85 * text, colors.muted))
        else:
            plain = trace.run.strategy == BASELINE
            shapes += _row(axis, value, found.get(lane), bar, tall, colors.muted if plain else colors.bonus)
    told = [f"{name}: {spoken.say('exact.unchecked') if value is None else f'{value:.2f}×'}"
            for name, value in zip(names, measured, strict=True)]
    return Scene(size.width, height, colors.paper, "; ".join(told) or spoken.say("picture.race.empty"), shapes,
                 size.millimetres, spoken.tag)


def _heading(size: Size, colors: Palette, spoken: Language, compared: bool) -> list[Shape]:
    text = size.text
    large = 1.5 * text if size.height else 1.1 * text
    words = spoken.say(f"picture.speedup.{'none' if not compared else 'slide' if size.height else 'paper'}")
    return [Text(size.margin, size.margin + large, spoken.say("speedup.why"), large, colors.ink, bold=True),
            Text(size.margin, size.margin + large + 1.4 * text, words, 0.88 * text, colors.muted)]


def _grid(axis: _Axis, last: int, top: float, bottom: float) -> list[Shape]:
    """Labels under the axis; on a slide, hairlines too, that of 1x (the baseline) dashed."""
    shapes: list[Shape] = []
    text, colors, wide = axis.size.text, axis.colors, bool(axis.size.height)
    for tick in range(last + 1):
        x, stroke = axis.at(tick), colors.muted if tick == 1 else colors.hairline
        if wide:
            shapes.append(Line(x, top - 0.4 * text, x, bottom, stroke, 0.05 * text, tick == 1))
        anchor = "middle" if wide or tick else "start"
        shapes.append(Text(x, bottom + 1.1 * text, f"{tick}×", 0.8 * text, colors.muted, anchor=anchor))
    return shapes


def _name(axis: _Axis, name: str, bar: float, tall: float, entry: Budget | None) -> list[Shape]:
    """The lane's name, left of its bar or above it; on a slide, below it the one change that would help most."""
    text, colors, x = axis.size.text, axis.colors, axis.size.margin
    if not axis.size.height:
        return [Text(x, bar - 0.45 * text, name, text, colors.ink, bold=True)]
    best = helps_most(entry) if entry else None
    shift = -0.2 if best else 0.35
    shapes: list[Shape] = [Text(x, bar + tall / 2 + shift * text, name, text, colors.ink, bold=True)]
    if best:
        words = f"{axis.spoken.word(CHANGES[best[0]])}: {best[1]:.2f}×"
        shapes.append(Text(x, bar + tall / 2 + 0.95 * text, words, 0.74 * text, colors.muted))
    return shapes


def _row(axis: _Axis, value: float, entry: Budget | None, bar: float, tall: float, fill: str) -> list[Shape]:
    """A bar, the parts lost behind it, and the tick of tau."""
    text, colors, end = axis.size.text, axis.colors, axis.at(value)
    shapes: list[Shape] = [Box(axis.left, bar, end - axis.left, tall, fill, radius=0.12 * text)]
    if entry:
        unnamed, x = [], end
        for part in PARTS:
            if (loss := entry.lost[part]) > 0.004:
                box, *name = _part(axis, part, loss, x, bar, tall)
                shapes += [box, *name]
                unnamed += [] if name else [f"{axis.spoken.say(f'phase.{part}')} −{loss:.2f}"]
                x += axis.unit * loss
        mark, tau = axis.at(entry.tau), f"τ {entry.tau:.2f}"
        shapes += [Line(mark, bar - 0.35 * text, mark, bar + tall + 0.35 * text, colors.accepted, 0.14 * text),
                   Text(mark, bar - 0.6 * text, tau, 0.85 * text, colors.accepted, bold=True, anchor="middle")]
        if unnamed:
            y, words = bar + tall + 1.15 * text, "  ".join(unnamed)
            shapes.append(Text(mark, y, words, 0.74 * text, colors.rejected, anchor="middle"))
        end = max(x, mark)
    y, words = bar + tall / 2 + 0.4 * text, f"{value:.2f}×"
    if axis.unit * value > 4.5 * text:
        shapes.append(Text(axis.at(value) - 0.4 * text, y, words, 1.1 * text, colors.paper, bold=True, anchor="end"))
    else:
        shapes.append(Text(end + 0.4 * text, y, words, 1.1 * text, colors.ink, bold=True))
    return shapes


def _part(axis: _Axis, part: str, loss: float, x: float, bar: float, tall: float) -> list[Shape]:
    """The dashed box of what a cost took, and its name where there is room for one."""
    text, stroke, width = axis.size.text, axis.colors.rejected, axis.unit * loss
    box = Box(x, bar, width, tall, None, stroke, max(0.06 * text, 0.5), 0.12 * text, True)
    name = axis.spoken.say(f"phase.{part}")
    for words in (f"{name} −{loss:.2f}", name):
        if about_width(words, 0.8 * text) < width - 0.5 * text:
            return [box, Text(x + width / 2, bar + tall / 2 + 0.28 * text, words, 0.8 * text, stroke, anchor="middle")]
    return [box]
