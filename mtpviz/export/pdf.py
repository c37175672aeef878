"""A view as a PDF of one page, in lines and letters: the SVG printed by a browser. Needs Chromium or Chrome."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from mtpviz.export._browser import draw
from mtpviz.export._views import scene
from mtpviz.trace import Trace

SUFFIX = ".pdf"
SLIDE_MM = 338.667  # 13.333 inches: a 16:9 slide as presentation programs have it


def write(traces: Sequence[Trace], path: str | Path, **options) -> None:
    """Write a view as PDF: a slide of 13.33 x 7.5 inches, or a paper column 85 mm wide. Options as for SVG."""
    picture = scene(traces, **options)
    wide = picture.millimetres or SLIDE_MM
    tall = wide * picture.height / picture.width
    # The page is a hair higher than the drawing: rounded down, it would begin a second one.
    draw(picture, path, "PDF", lambda made: ["--no-pdf-header-footer", f"--print-to-pdf={made}"],
         f"@page{{size:{wide:.3f}mm {tall + 0.1:.3f}mm;margin:0}}html,body{{margin:0;background:{picture.background}}}"
         f"*{{print-color-adjust:exact}}svg{{width:{wide:.3f}mm!important}}")
