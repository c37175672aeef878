"""EAGLE's draft module (Li et al. 2024, "EAGLE: speculative sampling requires rethinking feature uncertainty").

feature = layer(fc([embedding ; feature])): one Llama layer without an input norm over the fused row. Features are the
target's after its final norm, so the target's own unembedding reads them, with no norm between. EAGLE-2 drafts with the
same weights. Tensors: fc.weight, fc.bias, layers.0.*; embed_tokens.weight, a copy of the target's, may be there.
"""

from __future__ import annotations

from pathlib import Path

import torch
from torch import Tensor, nn

from mtpviz.heads.folder import HeadFolder
from mtpviz.heads.layer import DraftLayer, Seen
from mtpviz.heads.recurrent import RecurrentHead, RecurrentModule, array
from mtpviz.kernels.linear import Matrix
from mtpviz.models.config import ModelConfig
from mtpviz.models.weights import Weights


class Eagle(RecurrentModule):
    """The module in training."""

    def __init__(self, config: ModelConfig):
        super().__init__()
        self.fc = nn.Linear(2 * config.hidden, config.hidden, bias=True)
        self.layers = nn.ModuleList([DraftLayer(config, normed=False)])

    def start(self, states: tuple[Tensor, ...]) -> Tensor:
        return states[-1]

    def step(self, feature: Tensor, embedded: Tensor, seen: Seen) -> tuple[Tensor, Tensor]:
        feature = self.layers[0](self.fc(torch.cat([embedded, feature], -1)), seen)
        return feature, feature


def load(folder: Path, target: ModelConfig, weights: Weights) -> RecurrentHead:
    """Read an EAGLE head made for this target. UserError for a damaged folder and for another target's head."""
    stored = HeadFolder(folder, weights)
    config = stored.layer_config(target, "layers.0.")
    fc = Matrix(stored.take("fc.weight", (config.hidden, 2 * target.hidden)))
    bias = array(stored.take("fc.bias", (config.hidden,))) if "fc.bias" in stored.names else None
    layer = stored.layer(config, "layers.0.", normed=False)
    stored.drop("embed_tokens.weight")
    stored.finish()
    return RecurrentHead(config=config, layer=layer, norm=None, mix=fc, bias=bias, card=stored.card)
