"""The figures below the fold: every figure of mtpviz/plots in a gr.Plot, drawn when the reader gets there."""

from __future__ import annotations

from html import escape

import gradio as gr
from plotly import graph_objects as go

from mtpviz.chinese.figures import translated
from mtpviz.discover import plots
from mtpviz.strings import say
from mtpviz.trace import Trace


def place() -> list[gr.Plot]:
    """Lay out the figures, empty; in the order of `discover.plots`."""
    places = []
    with gr.Column(elem_id="mtp-figures"):
        gr.HTML(
            _said("h2", say("figures.title")) + _said("p", say("figures.about")),
            apply_default_css=False,
            elem_classes="mtp-figures-head",
        )
        with gr.Row(elem_classes="mtp-figure-grid"):
            for name, module in plots().items():
                with gr.Column(elem_classes="mtp-figure", min_width=280):
                    gr.HTML(
                        _said("h3", module.TITLE) + _said("p", module.ABOUT),
                        apply_default_css=False,
                    )
                    places.append(
                        gr.Plot(
                            show_label=False, container=False, elem_id=f"mtp-figure-{name.replace('_', '-')}"
                        )
                    )
    return places


def titles() -> list[tuple[str, str]]:
    """(name, title) of each figure, for the panel that saves pictures."""
    return [(name, module.TITLE) for name, module in plots().items()]


def draw(traces: list[Trace], theme: str, language: str) -> list[go.Figure]:
    """The figures of a race, in the order of `place`."""
    figures = [module.figure(traces, "dark" if theme == "dark" else "light") for module in plots().values()]
    return [go.Figure(translated(figure.to_plotly_json())) for figure in figures] if language == "zh" else figures


def _said(tag: str, text: str) -> str:
    """An element whose text the browser puts into the reader's language (assets/web/js/language.js)."""
    return f'<{tag} data-say="{escape(text)}">{escape(text)}</{tag}>'
