"""Draws a picture's shapes with Pillow: for the GIF, whose hundred frames no browser should have to draw."""

from __future__ import annotations

import functools
from collections.abc import Iterable

from PIL import Image, ImageDraw

from mtpviz.export._fonts import fonts
from mtpviz.export._scene import Box, Dot, Line, Shape, Text


@functools.cache
def _has(font, char: str) -> bool:
    """Whether a font draws a character with a glyph of its own: any glyph but the one for a missing character."""
    missing, mask = font.getmask("\U0010fffd"), font.getmask(char)
    return mask.size != missing.size or bytes(mask) != bytes(missing)


@functools.cache
def _runs(text: str, pixels: int, bold: bool) -> tuple[tuple[str, object, float], ...]:
    """(text, font, width) of each stretch of a text that one font can draw; what none can falls to the first."""
    known = fonts(pixels, bold)
    stretches: list[list] = []
    for char in text:
        font = next((font for font in known if char.isspace() or _has(font, char)), known[0])
        if stretches and (stretches[-1][1] is font or char.isspace()):
            stretches[-1][0] += char
        else:
            stretches.append([char, font])
    return tuple((part, font, font.getlength(part)) for part, font in stretches)


class Painter:
    """Draws shapes on an image at `scale` pixels per unit."""

    def __init__(self, image: Image.Image, scale: float):
        self.draw, self.scale = ImageDraw.Draw(image), scale

    def measure(self, text: str, size: float) -> float:
        """Width of a text in units, as this painter will draw it."""
        return sum(width for _, _, width in _runs(text, self._pixels(size), False)) / self.scale

    def paint(self, shapes: Iterable[Shape]) -> None:
        """Draw the shapes in their order."""
        for shape in shapes:
            match shape:
                case Box():
                    self._box(shape)
                case Line():
                    self._line(shape)
                case Dot():
                    x, y, r = shape.x * self.scale, shape.y * self.scale, max(shape.radius * self.scale, 0.8)
                    self.draw.ellipse((x - r, y - r, x + r, y + r), shape.fill)
                case Text():
                    self._text(shape)

    def _pixels(self, size: float) -> int:
        return max(6, round(size * self.scale))

    def _box(self, shape: Box) -> None:
        s = self.scale
        corners = (round(shape.x * s), round(shape.y * s), round((shape.x + shape.width) * s) - 1,
                   round((shape.y + shape.height) * s) - 1)
        corners = (*corners[:2], max(corners[2], corners[0]), max(corners[3], corners[1]))
        width = max(1, round(shape.line * s)) if shape.stroke else 0
        self.draw.rounded_rectangle(corners, shape.radius * s, shape.fill, shape.stroke, width)

    def _line(self, shape: Line) -> None:
        s, width = self.scale, max(1, round(shape.line * self.scale))
        points = [(x * s, y * s) for x, y in _points(shape)]
        pairs = list(zip(points, points[1:], strict=False))
        for start, end in pairs[::2] if shape.dashed else pairs:
            self.draw.line((start, end), shape.stroke, width)

    def _text(self, shape: Text) -> None:
        runs = _runs(shape.text, self._pixels(shape.size), shape.bold)
        width = sum(run[2] for run in runs)
        x, y = shape.x * self.scale, shape.y * self.scale
        x -= width * {"start": 0.0, "middle": 0.5, "end": 1.0}[shape.anchor]
        left = x
        for text, font, wide in runs:
            self.draw.text((x, y), text, shape.fill, font, anchor="ls")
            x += wide
        if shape.struck:
            middle = y - 0.28 * shape.size * self.scale
            self.draw.line((left, middle, left + width, middle), shape.fill, max(1,
                                                                                 round(0.06 * shape.size * self.scale)))


def _points(shape: Line) -> list[tuple[float, float]]:
    """A line as short pieces: enough for a smooth curve, or an odd number of dashes and gaps."""
    length = abs(shape.x2 - shape.x1) + abs(shape.y2 - shape.y1)
    count = max(9, int(length / (shape.line * 2.7)) | 1) if shape.dashed else 24 if shape.curved else 1
    points = []
    for i in range(count + 1):
        t = i / count
        along = ease = t
        if shape.curved:  # the cubic Bézier curve of the SVG: both control points half way across
            along, ease = 1.5 * t * (1 - t) + t**3, t * t * (3 - 2 * t)
        points.append((shape.x1 + (shape.x2 - shape.x1) * along, shape.y1 + (shape.y2 - shape.y1) * ease))
    return points
