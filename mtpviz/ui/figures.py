"""The figures below the fold: every figure of mtpviz/plots in a gr.Plot, drawn when the reader gets there."""

from __future__ import annotations

from html import escape

import gradio as gr

from mtpviz.discover import plots
from mtpviz.strings import say
from mtpviz.trace import Trace


def place() -> list[gr.Plot]:
    """Lay out the figures, empty; in the order of `discover.plots`."""
    places = []
    with gr.Column(elem_id="mtp-figures"):
        gr.HTML(
            f"<h2>{escape(say('figures.title'))}</h2><p>{escape(say('figures.about'))}</p>",
            apply_default_css=False,
            elem_classes="mtp-figures-head",
        )
        with gr.Row(elem_classes="mtp-figure-grid"):
            for name, module in plots().items():
                with gr.Column(elem_classes="mtp-figure", min_width=280):
                    gr.HTML(
                        f"<h3>{escape(module.TITLE)}</h3><p>{escape(module.ABOUT)}</p>",
                        apply_default_css=False,
                    )
                    places.append(
                        gr.Plot(
                            show_label=False, container=False, elem_id=f"mtp-figure-{name.replace('_', '-')}"
                        )
                    )
    return places


def draw(traces: list[Trace], theme: str) -> list:
    """The figures of a race, in the order of `place`."""
    return [module.figure(traces, "dark" if theme == "dark" else "light") for module in plots().values()]
