"""Gradio's theme set to the page's own colours; the page itself reads them from
assets/web/css/colours.css.
"""

from __future__ import annotations

import gradio as gr

SANS = ("system-ui", "-apple-system", "Segoe UI", "Roboto", "Noto Sans", "DejaVu Sans", "sans-serif")
MONO = ("ui-monospace", "SFMono-Regular", "Menlo", "DejaVu Sans Mono", "monospace")
LIGHT = {"paper": "#FBFAF7", "ink": "#171A20", "muted": "#5A6170", "hairline": "#DFDCD2"}
DARK = {"paper": "#0E1116", "ink": "#E8EAED", "muted": "#9AA3B2", "hairline": "#2A303A"}


def theme() -> gr.themes.Base:
    """The theme: paper, ink, hairlines; no shadows, no gradients, no fonts from elsewhere."""
    tokens = {}
    for suffix, look in (("", LIGHT), ("_dark", DARK)):
        tokens |= {
            f"body_background_fill{suffix}": look["paper"],
            f"body_text_color{suffix}": look["ink"],
            f"body_text_color_subdued{suffix}": look["muted"],
            f"background_fill_primary{suffix}": look["paper"],
            f"background_fill_secondary{suffix}": look["paper"],
            f"block_background_fill{suffix}": "transparent",
            f"border_color_primary{suffix}": look["hairline"],
            f"block_border_width{suffix}": "0px",
            f"block_shadow{suffix}": "none",
        }
    return gr.themes.Base(font=list(SANS), font_mono=list(MONO)).set(**tokens)
