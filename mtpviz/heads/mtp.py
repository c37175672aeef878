"""Multi-token prediction heads (Gloeckle et al. 2024, section 2): one decoder layer each beside the target's last.

All heads read the trunk's output, the residual stream before the target's last layer, and share its final norm and its
unembedding. Head 1 is the target's last layer itself; the folder holds heads 2, 3, ...
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path

from mtpviz.errors import UserError
from mtpviz.models.config import ModelConfig
from mtpviz.models.weights import LayerWeights, Weights, load_layers


@dataclass(frozen=True)
class MtpHeads:
    """layers: the extra heads, head 2 first. hash: first 16 hex digits of the weights' sha256."""

    layers: list[LayerWeights]
    hash: str
    parameters: int


def load(folder: Path, config: ModelConfig, target: Weights) -> MtpHeads:
    """Read heads made for `target`. UserError for a damaged folder and for heads of another target."""
    try:
        described = json.loads((folder / "config.json").read_text(encoding="utf-8"))
        count, made_for = int(described["num_heads"]), str(described["target_hash"])
    except (OSError, ValueError, KeyError, TypeError):
        raise UserError(f"{folder / 'config.json'} does not describe prediction heads.") from None
    if made_for != target.sha256:
        raise UserError(f"The heads in {folder} were trained with another target ({made_for[:16]}) than this one "
                        f"({target.hash}); take the heads that came with it.")
    layers, digest = load_layers(folder, config, "extra_heads.", count)
    parameters = sum(tensor.numel() for layer in layers for tensor in vars(layer).values() if tensor is not None)
    return MtpHeads(layers, digest[:16], parameters)
