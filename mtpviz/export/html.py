"""A whole race as one HTML file that opens from a disk with the network off: replay, microscope, tree and figures.

The file holds the page's own scripts and styles (those that ask no server), the traces as their own JSON Lines, and
the figures as drawings. It asks for nothing from anywhere: its content security policy forbids that, and no address
stands in it. Model text is data in it, never markup.
"""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from html import escape
from pathlib import Path

from mtpviz import discover
from mtpviz import trace as tracefile
from mtpviz.analysis.exactness import exactness
from mtpviz.analysis.lanes import baseline
from mtpviz.errors import UserError
from mtpviz.export._figure import plain_scene
from mtpviz.export._language import Language, language_of
from mtpviz.export._scene import PALETTES
from mtpviz.export.svg import markup
from mtpviz.trace import Trace

SUFFIX = ".html"
WEB = Path(__file__).resolve().parents[2] / "assets" / "web"
# What of the page shows a race and asks no server, in the order of loading; export/ holds what only such a file has.
SCRIPTS = ("js/dom", "js/store", "js/token", "js/lane", "js/race", "js/flow", "js/player", "js/budget", "js/treelayout",
           "js/tree", "js/treewhole", "js/near", "js/hover", "js/words", "js/oracle", "js/room", "js/mask", "js/slots",
           "js/wants", "js/steptime", "js/tips", "js/keys", "js/figures", "js/record", "js/wire", "js/main",
           "js/views/lead", "js/views/lanes", "js/views/legend", "js/views/microscope", "js/views/why",
           "js/views/timeline", "js/views/scope", "export/masthead", "export/about")
STYLES = ("css/colours", "css/layout", "css/ask", "css/lanes", "css/microscope", "css/timeline", "css/scope",
          "export/file")
POLICY = "default-src 'none'; script-src 'unsafe-inline'; style-src 'unsafe-inline'; img-src data:"
START = """
const race = document.getElementById("mtp-race").textContent;
mtp.main.start(document.getElementById("mtp"), { value: () => ({ "recorded.0": race }) });
"""
FIGURE_WIDE = 620  # pixels
_FAMILY = re.compile(r"[\"'`]([a-z_]+)\.[a-z_$]")


def write(traces: Sequence[Trace], path: str | Path, language: str = "en") -> None:
    """Write the traces as one page that speaks "en" or "zh". Raises UserError where there is no lane to show."""
    Path(path).write_text(page(traces, language), encoding="utf-8")


def page(traces: Sequence[Trace], language: str = "en") -> str:
    """The file's text."""
    if not traces:
        raise UserError("The trace has no lane to show.")
    spoken = language_of(language)
    scripts = [(WEB / f"{name}.js").read_text(encoding="utf-8") for name in SCRIPTS]
    styles = "\n".join((WEB / f"{name}.css").read_text(encoding="utf-8") for name in STYLES)
    said = {family for text in scripts for family in _FAMILY.findall(text)}
    strings = {name: text for name, text in spoken.sentences.items()
               if name.partition(".")[0] in said or name[0] == "="}
    boot = f"window.mtp = {{ views: [], strings: {_literal(strings)}, settings: {{}}, tag: {_literal(spoken.tag)} }};"
    elements = "\n".join(f"<script>{text}</script>" for text in [boot, *scripts, START])
    title = " ".join(traces[0].run.prompt.split())[:80]
    return (f'<!doctype html>\n<html lang="{spoken.tag}">\n<head>\n<meta charset="utf-8">\n'
            f'<meta http-equiv="Content-Security-Policy" content="{POLICY}">\n'
            f'<meta name="viewport" content="width=device-width, initial-scale=1">\n'
            f"<title>mtpviz: {escape(title)}</title>\n<style>\n{styles}\n</style>\n</head>\n<body>\n"
            f'<main class="mtp" id="mtp"></main>\n{_figures(traces, spoken)}'
            f'<script type="application/json" id="mtp-race">{_harmless(_message(traces))}</script>\n'
            f"{elements}\n</body>\n</html>\n")


def _figures(traces: Sequence[Trace], spoken: Language) -> str:
    """Every figure of mtpviz/plots as a drawing, in light and in dark."""
    drawn = []
    for module in discover.plots().values():
        title, about = spoken.word(module.TITLE), spoken.word(module.ABOUT)
        scenes = {theme: plain_scene(spoken.figure(module.figure(list(traces), theme).to_plotly_json()), FIGURE_WIDE,
                                     colors, title, spoken.tag) for theme, colors in PALETTES.items()}
        pictures = "".join(f'<div class="{theme}-only">{markup(scene)}</div>' for theme, scene in scenes.items())
        drawn.append(f"<figure><h3>{escape(title)}</h3><figcaption>{escape(about)}</figcaption>"
                     f"{pictures}</figure>")
    return (f'<section class="figures"><h2>{escape(spoken.say("figures.title"))}</h2><div class="grid">\n'
            + "\n".join(drawn) + "\n</div></section>\n")


def _message(traces: Sequence[Trace]) -> str:
    """The race as the page's wire has it: a header, then the traces' own lines (assets/web/js/wire.js)."""
    exact = [list(exactness(trace, baseline(traces, trace))) for trace in traces]
    header = {"kind": "race", "live": False, "end": "done", "exact": exact}
    return "\n".join([json.dumps(header), *(line for trace in traces for line in tracefile.lines(trace))])


def _literal(value: object) -> str:
    return _harmless(json.dumps(value, ensure_ascii=True))


def _harmless(text: str) -> str:
    """JSON that cannot end the script element it stands in: in JSON "<" occurs in strings only, where its escape means
    the same."""
    return text.replace("<", "\\u003c").replace("\u2028", "\\u2028").replace("\u2029", "\\u2029")
