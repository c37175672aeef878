"""Which kind of draft head a folder holds, told by the names of its tensors: published configs do not say it.

A kind is the name of the strategy that drafts with it. What a file of each kind holds is told by its module.
"""

from __future__ import annotations

import json
from pathlib import Path

from safetensors import SafetensorError, safe_open

from mtpviz.heads.fastmtp import LAYOUTS
from mtpviz.heads.folder import HeadFolder

# Kind and how the name of a tensor starts that no other kind has; the first that is found decides.
MARKS = (
    ("mtp", "extra_heads.0."),
    *(("fastmtp", layout.proj) for layout in LAYOUTS),
    ("lmtp", "heads.heads.0.resblock."),
    ("medusa", "medusa_head.0.0.linear."), ("medusa", "0.0.linear."),
    ("eagle3", "midlayer."), ("eagle3", "layers.0.hidden_norm."),
    ("eagle", "layers.0.self_attn."),
    ("firp", "W.0."),
)


def kind_of(folder: Path) -> str | None:
    """The kind of draft head in `folder`, None where it holds none (a whole model, say). UserError where its weights
    are damaged."""
    names = _names(folder)
    return next((kind for kind, start in MARKS if any(name.startswith(start) for name in names)), None)


def _names(folder: Path) -> list[str]:
    """Names of the tensors in a folder, read without the tensors where that is possible."""
    index = folder / "model.safetensors.index.json"
    try:
        if index.is_file():
            return list(json.loads(index.read_text(encoding="utf-8"))["weight_map"])
        with safe_open(folder / "model.safetensors", framework="pt") as file:
            return list(file.keys())
    except (OSError, ValueError, KeyError, TypeError, SafetensorError):
        return sorted(HeadFolder(folder).names)  # .bin, .pt; or the reason why nothing can be read
