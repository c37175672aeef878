"""A picture as a list of simple shapes, with the colours and sizes that every drawn export shares.

The layouts (race, tree, speedup) make scenes; the painters (SVG text, Pillow for the GIF) draw them. Units are
pixels of the slide (1920 x 1080) and quarter millimetres of the paper column (340 units = 85 mm wide).
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace

from mtpviz.errors import UserError


@dataclass(frozen=True)
class Palette:
    """Colours of one theme; the names are the page's visual grammar."""

    ink: str
    muted: str
    hairline: str
    track: str
    paper: str
    accepted: str
    accepted_tint: str
    bonus: str
    bonus_tint: str
    rejected: str
    root_tint: str


PALETTES = {
    "light": Palette("#171A20", "#5A6170", "#DFDCD2", "#ECEAE2", "#FBFAF7", "#00664B", "#CFEFE4", "#005A8C", "#D6EAF7",
                     "#A23E00", "#ECEAE2"),
    "dark": Palette("#E8EAED", "#9AA3B2", "#2A303A", "#1D222B", "#0E1116", "#3DDBA8", "#123B30", "#7CC8F5", "#12304A",
                    "#FF9A5C", "#1D222B"),
}


def palette(theme: str) -> Palette:
    """The palette of theme "light" or "dark"."""
    if theme not in PALETTES:
        raise UserError(f"There is no theme {theme!r}; the known ones are {', '.join(PALETTES)}.")
    return PALETTES[theme]


@dataclass(frozen=True)
class Size:
    """A format. width, height: the page in units; height 0 means as high as the content. text: the body's type size.
    margin: around the content. millimetres: printed width, 0 for a screen."""

    name: str
    width: float
    height: float
    text: float
    margin: float
    millimetres: float = 0.0


SIZES = {"slide": Size("slide", 1920, 1080, 26, 72), "paper": Size("paper", 340, 0, 10.5, 6, 85.0)}


def size_of(name: str) -> Size:
    """The size called "slide" or "paper"."""
    if name not in SIZES:
        raise UserError(f"There is no size {name!r}; the known ones are {', '.join(SIZES)}.")
    return SIZES[name]


@dataclass(frozen=True)
class Box:
    """A rectangle with rounded corners."""

    x: float
    y: float
    width: float
    height: float
    fill: str | None = None
    stroke: str | None = None
    line: float = 1.0
    radius: float = 0.0
    dashed: bool = False


@dataclass(frozen=True)
class Line:
    """A straight line, or with `curved` an S from left to right whose ends are level."""

    x1: float
    y1: float
    x2: float
    y2: float
    stroke: str
    line: float = 1.0
    dashed: bool = False
    curved: bool = False


@dataclass(frozen=True)
class Dot:
    """A filled circle."""

    x: float
    y: float
    radius: float
    fill: str


@dataclass(frozen=True)
class Text:
    """A line of text on its baseline. fit: the width it must take (0: its natural one). token: it shows a token.
    turned: it runs upwards."""

    x: float
    y: float
    text: str
    size: float
    fill: str
    bold: bool = False
    anchor: str = "start"
    fit: float = 0.0
    struck: bool = False
    token: bool = False
    turned: bool = False


@dataclass(frozen=True)
class Path:
    """A line through points, or with `fill` the area within. dash: lengths of strokes and gaps; none: solid."""

    points: tuple[tuple[float, float], ...]
    stroke: str | None = None
    line: float = 1.0
    dash: tuple[float, ...] = ()
    fill: str | None = None


Shape = Box | Line | Dot | Text | Path


def moved(shape: Shape, x: float, y: float, scale: float) -> Shape:
    """The shape `scale` times as large and then moved."""
    match shape:
        case Box():
            return replace(shape, x=x + shape.x * scale, y=y + shape.y * scale, width=shape.width * scale,
                           height=shape.height * scale, line=shape.line * scale, radius=shape.radius * scale)
        case Line():
            return replace(shape, x1=x + shape.x1 * scale, y1=y + shape.y1 * scale, x2=x + shape.x2 * scale,
                           y2=y + shape.y2 * scale, line=shape.line * scale)
        case Dot():
            return replace(shape, x=x + shape.x * scale, y=y + shape.y * scale, radius=shape.radius * scale)
        case Text():
            return replace(shape, x=x + shape.x * scale, y=y + shape.y * scale, size=shape.size * scale,
                           fit=shape.fit * scale)
        case Path():
            return replace(shape, points=tuple((x + a * scale, y + b * scale) for a, b in shape.points),
                           line=shape.line * scale, dash=tuple(part * scale for part in shape.dash))


@dataclass
class Scene:
    """A picture: its size in units and its shapes, painted in their order. title: what it shows, in words. tag: the
    language that it speaks."""

    width: float
    height: float
    background: str
    title: str
    shapes: list[Shape] = field(default_factory=list)
    millimetres: float = 0.0
    tag: str = "en-GB"
