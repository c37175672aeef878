"""The marks of a drawn figure: bars with their hatching, labels and whiskers; lines with their dashes; points."""

from __future__ import annotations

import math
from itertools import pairwise

from mtpviz.export._axis import Axis, values
from mtpviz.export._glyphs import about_width
from mtpviz.export._scene import Box, Dot, Line, Path, Shape, Text

_DASHES = {"dot": (1.2, 2.4), "dash": (4.0, 3.0), "longdash": (8.0, 3.0), "dashdot": (4.0, 2.4, 1.2, 2.4),
           "longdashdot": (8.0, 2.4, 1.2, 2.4)}  # in line widths
_SIDES = {"diamond": (4, 0.0), "square": (4, 45.0), "triangle-up": (3, 0.0), "pentagon": (5, 0.0)}
HATCH = 7.0  # pixels between two strokes


def trail(trace: dict, x: Axis, y: Axis) -> list[Shape]:
    """A scatter trace: its line, broken where a value is missing, and its points."""
    spots = [(x.at(a), y.at(b)) for a, b in zip(values(trace, "x"), values(trace, "y"), strict=True)]
    shapes: list[Shape] = []
    mode, line, marker = trace.get("mode", "lines"), trace.get("line") or {}, trace.get("marker") or {}
    if "lines" in mode:
        for piece in _pieces(spots):
            points = _stairs(piece) if line.get("shape") == "hv" else piece
            shapes.append(Path(tuple(points), line.get("color"), line.get("width", 2), dash(line)))
    if "markers" in mode:
        low, high = sorted((y.start, y.end))
        sizes = marker.get("size", 6)
        for number, spot in enumerate(spots):
            size = sizes[number] if isinstance(sizes, list | tuple) else sizes
            if not math.isnan(sum(spot)) and low - 1 <= spot[1] <= high + 1:
                shapes.append(point(marker.get("symbol", "circle"), *spot, size / 2, marker.get("color")))
    return shapes


def bars(traces: list[dict], layout: dict, x: Axis, y: Axis) -> list[Shape]:
    """All bar traces of a panel, side by side or stacked."""
    shapes: list[Shape] = []
    stacked, room = layout.get("barmode") == "stack", 1.0 - layout.get("bargap", 0.2)
    floors: dict[object, float] = {}
    for number, trace in enumerate(traces):
        lying = trace.get("orientation") == "h"
        place, value = (y, x) if lying else (x, y)
        share = room if stacked else room / len(traces)
        offset = 0.0 if stacked else (number - (len(traces) - 1) / 2) * share
        inner = share * (1.0 if stacked else 1.0 - layout.get("bargroupgap", 0.0))
        unit = abs(place.at(place.categories[1]) - place.at(place.categories[0])) if len(place.categories) > 1 else abs(
            place.end - place.start) / max(1.0, abs(place.high - place.low))
        columns = zip(values(trace, place.letter), values(trace, value.letter), strict=True)
        for index, (where, amount) in enumerate(columns):
            if amount is None:
                continue
            base = floors.get(where, 0.0) if stacked else _item(trace.get("base"), index) or 0.0
            floors[where] = base + amount
            middle = place.at(where) + offset * unit * (1 if place.end > place.start or not place.categories else -1)
            thick, ends = inner * unit, sorted((value.at(base), value.at(base + amount)))
            area = (ends[0], middle - thick / 2, ends[1] - ends[0], thick) if lying else (
                middle - thick / 2, ends[0], thick, ends[1] - ends[0])
            shapes += _bar(trace, index, area)
            if trace.get("text") is not None:
                shapes.append(_label(trace, index, area, lying))
            shapes += _whisker(trace, index, middle, amount, value)
    return shapes


def _bar(trace: dict, index: int, area: tuple[float, float, float, float]) -> list[Shape]:
    marker = trace.get("marker") or {}
    edge, pattern = marker.get("line") or {}, marker.get("pattern") or {}
    fill = _item(marker.get("color"), index)
    shapes: list[Shape] = [Box(*area, fill, edge.get("color") if edge.get("width") else None, edge.get("width") or 1.0)]
    strokes = {"/": (1,), "x": (1, -1)}.get(pattern.get("shape"), ())
    ink = pattern.get("fgcolor") or fill
    for way in strokes:
        shapes += [Line(*piece, ink, 1.2) for piece in _hatch(area, way)]
    if pattern.get("shape") == ".":
        left, top, wide, high = area
        shapes += [Dot(left + (i + 0.5) * HATCH, top + (j + 0.5) * HATCH, 1.1, ink)
                   for i in range(int(wide / HATCH)) for j in range(int(high / HATCH))]
    return shapes


def _hatch(area: tuple[float, float, float, float], way: int) -> list[tuple[float, float, float, float]]:
    """Strokes at 45 degrees, rising (1) or falling (-1), cut to the area."""
    left, top, wide, high = area
    found = []
    for k in range(1, int((wide + high) / HATCH) + 1):
        c = k * HATCH
        x1, x2 = max(0.0, c - high), min(wide, c)
        if x2 - x1 > 0.5:
            y1, y2 = c - x1, c - x2
            flip = (lambda y: y) if way > 0 else (lambda y: high - y)
            found.append((left + x1, top + flip(y1), left + x2, top + flip(y2)))
    return found


def _label(trace: dict, index: int, area: tuple[float, float, float, float], lying: bool) -> Text:
    left, top, wide, high = area
    text, font = str(_item(trace["text"], index)), trace.get("textfont") or {}
    bold, size, fill = "<b>" in text, font.get("size", 13), font.get("color") or "currentColor"
    text = text.replace("<b>", "").replace("</b>", "")
    if lying:
        return Text(left + wide + 6, top + high / 2 + 0.35 * size, text, size, fill, bold=bold)
    size *= min(1.0, max(0.6, 1.25 * wide / about_width(text, size)))
    return Text(left + wide / 2, top - 6, text, size, fill, bold=bold, anchor="middle")


def _whisker(trace: dict, index: int, middle: float, amount: float, axis: Axis) -> list[Shape]:
    errors = trace.get("error_y") or {}
    if errors.get("array") is None:
        return []
    up, down = (_item(errors[name], index) for name in ("array", "arrayminus"))
    top, bottom, cap = axis.at(amount + up), axis.at(amount - down), errors.get("width", 4)
    color, thick = errors.get("color"), errors.get("thickness", 1.3)
    return [Line(middle, top, middle, bottom, color, thick),
            *(Line(middle - cap, end, middle + cap, end, color, thick) for end in (top, bottom))]


def swatch(trace: dict, x: float, y: float) -> list[Shape]:
    """A trace's mark in the legend, 24 pixels wide around the height `y`."""
    marker, line = trace.get("marker") or {}, trace.get("line") or {}
    if trace["type"] == "bar":
        return _bar({**trace, "marker": {**marker, "color": _item(marker.get("color"), 0)}}, 0, (x, y - 7, 24, 14))
    shapes: list[Shape] = []
    if "lines" in trace.get("mode", "lines"):
        shapes.append(Path(((x, y), (x + 24, y)), line.get("color"), line.get("width", 2), dash(line)))
    if "markers" in trace.get("mode", ""):
        shapes.append(point(marker.get("symbol", "circle"), x + 12, y, 4.5, _item(marker.get("color"), 0)))
    return shapes


def point(symbol: str, x: float, y: float, radius: float, color: str) -> Shape:
    """A marker, told apart by its form."""
    if symbol in _SIDES:
        sides, turn = _SIDES[symbol]
        return _polygon(x, y, [radius * 1.15] * sides, turn, color)
    if symbol == "star":
        return _polygon(x, y, [radius * 1.3, radius * 0.55] * 5, 0.0, color)
    if symbol in ("cross", "x"):
        return _polygon(x, y, [radius * 1.2, radius * 0.45] * 4, 45.0 if symbol == "x" else 0.0, color)
    return Dot(x, y, radius, color)


def _polygon(x: float, y: float, radii: list[float], turn: float, color: str) -> Path:
    angles = [math.radians(turn - 90 + 360 * i / len(radii)) for i in range(len(radii))]
    corners = tuple((x + r * math.cos(a), y + r * math.sin(a)) for r, a in zip(radii, angles, strict=True))
    return Path(corners, fill=color)


def dash(line: dict) -> tuple[float, ...]:
    """A line's dashes in pixels; none for a solid one."""
    name, width = line.get("dash") or "solid", line.get("width", 2)
    if name == "solid":
        return ()
    if name in _DASHES:
        return tuple(part * width for part in _DASHES[name])
    return tuple(float(part.removesuffix("px")) for part in name.split(","))


def _pieces(spots: list[tuple[float, float]]) -> list[list[tuple[float, float]]]:
    pieces: list[list[tuple[float, float]]] = [[]]
    for spot in spots:
        if math.isnan(sum(spot)):
            pieces.append([])
        else:
            pieces[-1].append(spot)
    return [piece for piece in pieces if len(piece) > 1]


def _stairs(piece: list[tuple[float, float]]) -> list[tuple[float, float]]:
    points = piece[:1]
    for (_, before), after in pairwise(piece):
        points += [(after[0], before), after]
    return points


def _item(value, index: int):
    """The entry of an array, or the one value for all."""
    if value is None or isinstance(value, str | int | float):
        return value
    return value[index] if len(value) else None
