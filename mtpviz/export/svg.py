"""A view as native SVG text: real text and shapes, no script, no font file, no address outside."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path as File
from xml.sax.saxutils import escape

from mtpviz.export._scene import Box, Dot, Line, Path, Scene, Shape, Text
from mtpviz.export._views import scene
from mtpviz.trace import Trace

SUFFIX = ".svg"
FONT = ("system-ui, -apple-system, 'Segoe UI', Roboto, 'Helvetica Neue', Arial, 'Noto Sans', 'DejaVu Sans', "
        "'PingFang SC', 'Microsoft YaHei', 'Noto Sans CJK SC', 'Source Han Sans SC', 'WenQuanYi Micro Hei', sans-serif")


def write(traces: Sequence[Trace], path: str | File, **options) -> None:
    """Write a view of the traces as an SVG file. Options: those of `scene` (view, size, theme, language, lane, ...)."""
    File(path).write_text(markup(scene(traces, **options)), encoding="utf-8")


def markup(picture: Scene) -> str:
    """The picture as an SVG document. Text keeps its spaces; tokens are fitted to the width that was laid out."""
    width, height = _n(picture.width), _n(picture.height)
    outer = f'width="{width}" height="{height}"'
    if picture.millimetres:
        tall = picture.height / picture.width * picture.millimetres
        outer = f'width="{_n(picture.millimetres)}mm" height="{_n(tall)}mm"'
    body = "\n".join(_element(shape) for shape in picture.shapes)
    return (f'<svg xmlns="http://www.w3.org/2000/svg" {outer} viewBox="0 0 {width} {height}" role="img" '
            f'lang="{picture.tag}" font-family="{FONT}" font-variant-numeric="tabular-nums">\n'
            f'<title>{escape(picture.title)}</title>\n'
            f'<rect width="{width}" height="{height}" fill="{picture.background}"/>\n{body}\n</svg>\n')


def _element(shape: Shape) -> str:
    match shape:
        case Box():
            return (f'<rect x="{_n(shape.x)}" y="{_n(shape.y)}" width="{_n(shape.width)}" height="{_n(shape.height)}" '
                    f'rx="{_n(shape.radius)}" fill="{shape.fill or "none"}"{_stroke(shape)}/>')
        case Line(curved=False):
            return (f'<line x1="{_n(shape.x1)}" y1="{_n(shape.y1)}" x2="{_n(shape.x2)}" y2="{_n(shape.y2)}"'
                    f'{_stroke(shape)}/>')
        case Line():
            x1, y1, x2, y2, middle = map(_n, (shape.x1, shape.y1, shape.x2, shape.y2, (shape.x1 + shape.x2) / 2))
            path = f"M{x1},{y1}C{middle},{y1} {middle},{y2} {x2},{y2}"
            return f'<path d="{path}" fill="none"{_stroke(shape)}/>'
        case Dot():
            return f'<circle cx="{_n(shape.x)}" cy="{_n(shape.y)}" r="{_n(shape.radius)}" fill="{shape.fill}"/>'
        case Text():
            return _text(shape)
        case Path():
            points = " ".join(f"{_n(x)},{_n(y)}" for x, y in shape.points)
            if shape.fill:
                return f'<polygon points="{points}" fill="{shape.fill}"/>'
            dash = f' stroke-dasharray="{" ".join(map(_n, shape.dash))}"' if shape.dash else ""
            return (f'<polyline points="{points}" fill="none" stroke="{shape.stroke}" stroke-width="{_n(shape.line)}" '
                    f'stroke-linejoin="round"{dash}/>')


def _stroke(shape: Box | Line) -> str:
    if shape.stroke is None:
        return ""
    dash = f' stroke-dasharray="{_n(shape.line * 3)} {_n(shape.line * 2.4)}"' if shape.dashed else ""
    return f' stroke="{shape.stroke}" stroke-width="{_n(shape.line)}"{dash}'


def _text(shape: Text) -> str:
    more = ' font-weight="600"' if shape.bold else ""
    more += f' text-anchor="{shape.anchor}"' if shape.anchor != "start" else ""
    more += f' textLength="{_n(shape.fit)}" lengthAdjust="spacingAndGlyphs"' if shape.fit else ""
    more += ' text-decoration="line-through"' if shape.struck else ""
    more += ' class="token"' if shape.token else ""
    more += f' transform="rotate(-90 {_n(shape.x)} {_n(shape.y)})"' if shape.turned else ""
    place = f'x="{_n(shape.x)}" y="{_n(shape.y)}" font-size="{_n(shape.size)}" fill="{shape.fill}"'
    return (f'<text {place}{more} xml:space="preserve" style="white-space:pre">{escape(shape.text)}</text>')


def _n(value: float) -> str:
    """A coordinate with at most two decimals and no trailing zeros."""
    return f"{value:.2f}".rstrip("0").rstrip(".")
