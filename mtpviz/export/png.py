"""A view as a PNG: the SVG drawn by a browser. Needs Chromium or Chrome."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from mtpviz.export._browser import draw
from mtpviz.export._views import scene
from mtpviz.trace import Trace

SUFFIX = ".png"
PAPER_DPI = 600


def write(traces: Sequence[Trace], path: str | Path, **options) -> None:
    """Write a view as PNG: a slide at 1920 x 1080 pixels, a paper column at 600 dots per inch. Options as for SVG."""
    picture = scene(traces, **options)
    scale = PAPER_DPI * picture.millimetres / 25.4 / picture.width if picture.millimetres else 1.0
    draw(picture, path, "PNG",
         lambda made: ["--hide-scrollbars", f"--force-device-scale-factor={scale:.4f}", f"--screenshot={made}",
                       f"--window-size={round(picture.width)},{round(picture.height)}"], "body{margin:0}")
