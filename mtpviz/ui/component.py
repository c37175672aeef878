"""The stage: the one gr.HTML component that all of the page's own views live in. Nothing else knows
gr.HTML's inside.

What matters here (measured on gradio 6.31): the template is constant, so that Gradio never touches the DOM
that the views make; it holds no `${...}` and no `{{...}}`, which would be run; the value is a dictionary of
opaque strings; an event exists if its name stands in quotes in `js_on_load`.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import gradio as gr

from mtpviz.chinese import CHINESE
from mtpviz.strings import STRINGS

WEB = Path(__file__).resolve().parents[2] / "assets" / "web"
TEMPLATE = '<div class="mtp" id="mtp"></div>'
FIRST = ("dom.js", "store.js")  # what the other scripts read as they load; among those the order is free
LANGUAGES = {"en": STRINGS, "zh": {**STRINGS, **CHINESE}}
ON_LOAD = """
mtp.kept.start();
mtp.permalink.start();
mtp.language.start();
mtp.main.start(element.querySelector('#mtp'), {
  value: () => props.value,
  watch: (callback) => watch('value', callback),
  server,
  race: (order) => trigger('race', order),
  leave: () => trigger('leave'),
  figures: (wish) => trigger('figures', wish),
});
"""


OVER = "() => { mtp.run.over(); }"  # runs when the event `race` has ended, well or not


class Line(gr.HTML):
    """Where Gradio writes the visitor's place in its queue; out of sight, read by
    assets/web/js/views/status.js.
    """

    def __init__(self):
        super().__init__("", elem_id="mtp-queue", apply_default_css=False)


class Stage(gr.HTML):
    """Events: `race` (data: an order), `leave` (the queue), `figures` (data: {"run", "theme"})."""

    def __init__(self, value: dict[str, str], server_functions: list[Callable]):
        super().__init__(
            value=value,
            html_template=TEMPLATE,
            js_on_load=ON_LOAD,
            apply_default_css=False,
            elem_id="mtp-stage",
            server_functions=server_functions,
        )

    def postprocess(self, value: dict[str, str] | None) -> dict[str, str] | None:
        """Messages go out as they are."""
        return value


def styles() -> str:
    """All style sheets as one text."""
    return "\n".join(path.read_text(encoding="utf-8") for path in sorted((WEB / "css").glob("*.css")))


def head(settings: dict) -> str:
    """What goes into the page's <head>: the scripts, inline, so that the page needs nothing from anywhere
    else.

    settings: what the scripts read as mtp.settings. Each script adds itself to `mtp`; those in views/ add
    themselves to mtp.views, so that a new view is a new file.
    """
    course = {name: json.loads((WEB / "learn" / f"{name}.json").read_text(encoding="utf-8")) for name in LANGUAGES}
    boot = (
        f"window.mtp = {{views: [], languages: {_literal(LANGUAGES)}, texts: {_literal(course)},"
        f" settings: {_literal(settings)}}};"
    )
    paths = sorted((WEB / "js").rglob("*.js"), key=lambda path: (path.name not in FIRST, path))
    scripts = [path.read_text(encoding="utf-8") for path in paths]
    return "\n".join(f"<script>{text}</script>" for text in [boot, *scripts])


def _literal(value: object) -> str:
    """JSON that may stand in a script element."""
    return json.dumps(value, ensure_ascii=True).replace("<", "\\u003c")
