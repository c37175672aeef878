"""A view as a PNG: the SVG drawn by a browser, which has the fonts for any language. Needs Chromium or Chrome."""

from __future__ import annotations

import shutil
import subprocess
import tempfile
from collections.abc import Sequence
from pathlib import Path

from mtpviz.errors import UserError
from mtpviz.export import svg
from mtpviz.export._views import scene
from mtpviz.trace import Trace

SUFFIX = ".png"
BROWSERS = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome", "msedge")
PAPER_DPI = 600
SECONDS = 60


def browser() -> str | None:
    """Path of the first browser found that can draw, or None."""
    return next((found for name in BROWSERS if (found := shutil.which(name))), None)


def write(traces: Sequence[Trace], path: str | Path, **options) -> None:
    """Write a view as PNG: a slide at 1920 x 1080 pixels, a paper column at 600 dots per inch. Options as for SVG."""
    picture = scene(traces, **options)
    program = browser()
    if program is None:
        raise UserError("A PNG needs Chromium or Chrome, which is not installed here; --to svg needs neither.")
    scale = PAPER_DPI * picture.millimetres / 25.4 / picture.width if picture.millimetres else 1.0
    with tempfile.TemporaryDirectory() as folder:
        page, image = Path(folder, "view.html"), Path(folder, "view.png")
        # a page around it: a browser would lay a bare SVG out at its printed size, not at the size asked for
        drawing = svg.markup(picture)
        drawing = drawing.replace("<svg ", '<svg style="display:block;width:100vw;height:auto" ', 1)
        page.write_text(f'<!doctype html><meta charset="utf-8"><style>body{{margin:0}}</style>{drawing}',
                        encoding="utf-8")
        # --no-sandbox: it opens only this file of ours, and Chromium refuses to start as root with it
        command = [program, "--headless", "--no-sandbox", "--disable-gpu", "--hide-scrollbars",
                   f"--user-data-dir={folder}/user",
                   f"--force-device-scale-factor={scale:.4f}", f"--screenshot={image}",
                   f"--window-size={round(picture.width)},{round(picture.height)}", page.as_uri()]
        try:
            subprocess.run(command, capture_output=True, timeout=SECONDS, check=True)
            shutil.copyfile(image, path)
        except (OSError, subprocess.SubprocessError) as error:
            raise UserError(f"{Path(program).name} could not draw the picture ({error.__class__.__name__}).") from None
