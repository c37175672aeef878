"""Chromium or Chrome as a painter: it has the fonts for any language, and makes pixels or a PDF of a drawing."""

from __future__ import annotations

import shutil
import subprocess
import sys
import tempfile
import threading
from collections.abc import Callable
from html import escape
from pathlib import Path

from mtpviz.errors import UserError
from mtpviz.export import svg
from mtpviz.export._fonts import need_chinese
from mtpviz.export._scene import Scene

BROWSERS = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome", "msedge")
SECONDS = 60
_ONE = threading.Lock()  # a browser takes two cores and 200 MB: visitors of a page take turns


def browser() -> str | None:
    """Path of the first browser found that can draw, or None."""
    return next((found for name in BROWSERS if (found := shutil.which(name))), None)


def draw(picture: Scene, path: str | Path, form: str, options: Callable[[Path], list[str]], style: str) -> None:
    """Let the browser write the picture to `path`. options: of its command line, for the file it is to write; style: of
    the page that holds the drawing; form: PNG or PDF. Raises UserError where there is no browser, or it fails."""
    program = browser()
    if program is None:
        raise UserError(f"A {form} needs Chromium or Chrome, which is not installed here; an SVG needs neither.")
    if picture.tag.startswith("zh") and sys.platform == "linux":  # other systems come with Chinese fonts
        need_chinese()
    with tempfile.TemporaryDirectory() as folder, _ONE:
        page, made = Path(folder, "view.html"), Path(folder, f"view.{form.lower()}")
        # a page around it: a browser would lay a bare SVG out at its printed size, not at the size asked for
        drawing = svg.markup(picture).replace("<svg ", '<svg style="display:block;width:100vw;height:auto" ', 1)
        page.write_text(f'<!doctype html><meta charset="utf-8"><title>{escape(picture.title)}</title>'
                        f'<style>{style}</style>{drawing}', encoding="utf-8")
        # --no-sandbox: it opens only this file of ours, and Chromium refuses to start as root with it
        command = [program, "--headless", "--no-sandbox", "--disable-gpu", f"--user-data-dir={folder}/user",
                   *options(made), page.as_uri()]
        try:
            subprocess.run(command, capture_output=True, timeout=SECONDS, check=True)
            shutil.copyfile(made, path)
        except (OSError, subprocess.SubprocessError) as error:
            raise UserError(f"{Path(program).name} could not draw the picture ({error.__class__.__name__}).") from None
