"""A figure of mtpviz/plots as a picture: plotly's description of it, drawn without plotly, so that it needs no browser.

Drawn is what those figures use: scatter and bar traces on linear, logarithmic and category axes, in one or several
panels, with legend, annotations and error bars. Anything else raises, and a test draws every figure.
"""

from __future__ import annotations

import base64
import html
import re
from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np

from mtpviz.export._axis import Axis
from mtpviz.export._glyphs import about_width
from mtpviz.export._language import Language
from mtpviz.export._marks import bars, swatch, trail
from mtpviz.export._scene import Palette, Scene, Shape, Size, Text, moved
from mtpviz.trace import Trace

PIXELS = 14.0  # the type size of the figures' own layout, which everything in it is measured by
_BOLD = re.compile(r"<b>(.*?)</b>(.*)", re.DOTALL)


@dataclass
class Chart:
    """A figure being drawn, in the pixels of its own layout. shapes: so far."""

    data: list[dict]
    layout: dict
    width: float
    height: float
    colors: Palette
    axes: dict[str, Axis] = field(default_factory=dict)
    shapes: list[Shape] = field(default_factory=list)


def figure_scene(traces: Sequence[Trace], module, size: Size, colors: Palette, theme: str, spoken: Language) -> Scene:
    """A figure under its title, as large as a slide or as wide as a column."""
    plain, words = spoken.figure(module.figure(list(traces), theme).to_plotly_json()), spoken.word(module.TITLE)
    scale = size.text / PIXELS * (0.95 if size.height else 0.8)
    head = 3.4 * PIXELS
    width = (size.width - 2 * size.margin) / scale
    asked = plain["layout"].get("height", 360)
    height = (size.height - 2 * size.margin) / scale - head if size.height else asked * min(1.0, width / 520 + 0.25)
    drawn = draw(plain, width, height, colors)
    shapes = [moved(shape, size.margin, size.margin + head * scale, scale) for shape in drawn]
    title = Text(size.margin, size.margin + 1.5 * PIXELS * scale, words, 1.5 * PIXELS * scale, colors.ink, bold=True)
    tall = size.height or size.margin * 2 + (head + height) * scale
    return Scene(size.width, tall, colors.paper, words, [title, *shapes], size.millimetres, spoken.tag)


def plain_scene(plain: dict, width: float, colors: Palette, title: str, tag: str = "en-GB") -> Scene:
    """A figure (as `go.Figure.to_plotly_json` has it) alone, `width` pixels wide and as high as its layout asks."""
    height = plain["layout"].get("height", 360)
    return Scene(width, height, "none", title, draw(plain, width, height, colors), tag=tag)


def draw(plain: dict, width: float, height: float, colors: Palette) -> list[Shape]:
    """The shapes of a figure (as `go.Figure.to_plotly_json` has it)."""
    chart = Chart(_listed(plain["data"]), _listed(plain["layout"]), width, height, colors)
    legend = _legend(chart)
    _place(chart, legend[1])
    for axis in chart.axes.values():
        chart.shapes += axis.frame(chart.axes[axis.anchor], colors)
    for x, y in dict.fromkeys((trace.get("xaxis", "x"), trace.get("yaxis", "y")) for trace in chart.data):
        mine = [t for t in chart.data if (t.get("xaxis", "x"), t.get("yaxis", "y")) == (x, y)]
        chart.shapes += bars([t for t in mine if t["type"] == "bar"], chart.layout, chart.axes[x], chart.axes[y])
        for trace in mine:
            if trace["type"] == "scatter":
                chart.shapes += trail(trace, chart.axes[x], chart.axes[y])
            elif trace["type"] != "bar":
                raise NotImplementedError(f"a figure with a {trace['type']} trace cannot be drawn yet")
    chart.shapes += legend[0]
    for note in chart.layout.get("annotations", ()):
        chart.shapes += _annotation(chart, note)
    return chart.shapes


def _listed(value):
    """Plotly's arrays, which it packs as {"dtype", "bdata"}, as lists, everywhere in a value."""
    if isinstance(value, dict) and "bdata" in value:
        flat = np.frombuffer(base64.b64decode(value["bdata"]), value["dtype"])
        return (flat.reshape([int(n) for n in value["shape"].split(",")]) if "shape" in value else flat).tolist()
    if isinstance(value, dict):
        return {name: _listed(entry) for name, entry in value.items()}
    if isinstance(value, list | tuple):
        return [_listed(entry) for entry in value]
    return value.tolist() if isinstance(value, np.ndarray) else value


def _place(chart: Chart, legend: float) -> None:
    """Make the axes and give each its stretch of the picture. legend: height of the legend above the panels."""
    margin = chart.layout.get("margin", {})
    names = [name for name in chart.layout if re.fullmatch(r"[xy]axis\d*", name)]
    for name in names:
        short = name[0] + name[5:]
        mine = [t for t in chart.data if t.get(f"{name[0]}axis", name[0]) == short]
        linked = [t for t in chart.data for other in names if other[0] == name[0]
                  and chart.layout[other].get("matches") == short
                  and t.get(f"{name[0]}axis", name[0]) == other[0] + other[5:]]
        chart.axes[short] = Axis.read(name[0], chart.layout[name], mine + linked, chart.layout, short)
    for axis in chart.axes.values():
        if axis.spec.get("matches") in chart.axes:
            other = chart.axes[axis.spec["matches"]]
            axis.low, axis.high = other.low, other.high
    wide = max([axis.label_width() for axis in chart.axes.values() if axis.letter == "y"], default=0.0)
    left = wide * 1.06 + (36 if any(a.title for a in chart.axes.values() if a.letter == "y") else 12)
    right, top, bottom = margin.get("r", 24), max(margin.get("t", 44) * 0.45, 6) + legend, margin.get("b", 56)
    over = [note for note in chart.layout.get("annotations", ())
            if note.get("yref", "").endswith("domain") and note.get("y") == 1]
    top += 18 * max((note["text"].count("<br>") + 1 for note in over), default=0)
    for axis in chart.axes.values():
        if axis.letter == "x":
            axis.span(left, chart.width - right)
        else:
            axis.span(chart.height - bottom, top)


def _legend(chart: Chart) -> tuple[list[Shape], float]:
    """The legend's shapes at the top, and its height."""
    shapes: list[Shape] = []
    entries = [t for t in chart.data if t.get("showlegend") is not False and t.get("name")]
    if chart.layout.get("showlegend") is False or len(entries) < 2:
        return shapes, 0.0
    x, y = 0.0, 16.0
    for trace in {t["name"]: t for t in entries}.values():
        name = html.unescape(trace["name"])
        wide = 30 + about_width(name, PIXELS) + 22
        if x and x + wide > chart.width:
            x, y = 0.0, y + 22
        shapes += [*swatch(trace, x, y - 5), Text(x + 30, y, name, PIXELS, chart.colors.ink)]
        x += wide
    return shapes, y + 6


def _annotation(chart: Chart, note: dict) -> list[Shape]:
    """A text at a place of the panel, of an axis or of the paper; its first part may be bold."""
    size = note.get("font", {}).get("size", PIXELS - 1)
    fill = note.get("font", {}).get("color", chart.colors.ink)
    x = _where(chart, note, "x") + note.get("xshift", 0)
    y = _where(chart, note, "y") - note.get("yshift", 0)
    lines = note["text"].split("<br>")
    if note.get("yanchor") == "top":
        y += size
    elif note.get("yanchor") == "bottom":
        y -= 4 + (len(lines) - 1) * size * 1.25
    else:
        y += size * 0.35
    anchor = {"left": "start", "right": "end"}.get(note.get("xanchor"), "middle")
    shapes: list[Shape] = []
    for number, line in enumerate(lines):
        bold = _BOLD.match(line)
        first, rest = (bold[1], bold[2]) if bold else ("", line)
        at = y + number * size * 1.25
        if first:
            shapes.append(Text(x, at, html.unescape(first), size, fill, bold=True, anchor=anchor))
        if rest:
            past = about_width(html.unescape(first), size, bold=True) * 1.1 if first else 0.0
            shapes.append(Text(x + past, at, html.unescape(rest), size, fill, anchor=anchor))
    return shapes


def _where(chart: Chart, note: dict, letter: str) -> float:
    ref, value = note.get(f"{letter}ref", letter), note[letter]
    if ref == "paper":
        spans = [axis for axis in chart.axes.values() if axis.letter == letter]
        low, high = min(a.start for a in spans), max(a.end for a in spans)
        if letter == "y":
            low, high = max(a.start for a in spans), min(a.end for a in spans)
        return low + (high - low) * value
    if ref.endswith(" domain"):
        axis = chart.axes[ref.removesuffix(" domain")]
        return axis.start + (axis.end - axis.start) * value
    return chart.axes[ref].at(value)
