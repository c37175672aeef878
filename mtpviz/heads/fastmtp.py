"""The MTP module that FastMTP shares over depths (Cai et al. 2025, section 3.1; module of MiMo-7B and DeepSeek-V3).

stream = input_proj([norm(feature) ; norm(embedding)]), one decoder layer, final norm; the target's unembedding reads
that, and it is the next step's feature. The first feature is the target's after its final norm. Tensors as MiMo names
them, model.mtp_layers.0.*; of a folder that holds the whole target too, the rest is passed over.
"""

from __future__ import annotations

from pathlib import Path

import torch
from torch import Tensor, nn

from mtpviz.heads.folder import HeadFolder
from mtpviz.heads.layer import DraftLayer, Norm, Seen
from mtpviz.heads.recurrent import RecurrentHead, RecurrentModule, array, rms_norm
from mtpviz.models.config import ModelConfig
from mtpviz.models.weights import Weights

PREFIX = "model.mtp_layers.0."


class MtpModule(RecurrentModule, DraftLayer):
    """The module in training; its layer's tensors lie beside its own, as in the published files."""

    def __init__(self, config: ModelConfig):
        DraftLayer.__init__(self, config)
        self.token_layernorm, self.hidden_layernorm = Norm(config), Norm(config)
        self.input_proj = nn.Linear(2 * config.hidden, config.hidden, bias=False)
        self.final_layernorm = Norm(config)

    def start(self, states: tuple[Tensor, ...]) -> Tensor:
        return states[-1]

    def step(self, feature: Tensor, embedded: Tensor, seen: Seen) -> tuple[Tensor, Tensor]:
        both = torch.cat([self.hidden_layernorm(feature), self.token_layernorm(embedded)], -1)
        feature = self.final_layernorm(DraftLayer.forward(self, self.input_proj(both), seen))
        return feature, feature


def load(folder: Path, target: ModelConfig, weights: Weights) -> RecurrentHead:
    """Read an MTP module made for this target. UserError for a damaged folder and for another target's module."""
    stored = HeadFolder(folder, weights)
    config = stored.layer_config(target)
    d, eps = target.hidden, config.rms_eps
    proj = array(stored.take(PREFIX + "input_proj.weight", (config.hidden, 2 * d)))
    by_token = array(stored.take(PREFIX + "token_layernorm.weight", (d,)))
    by_hidden = array(stored.take(PREFIX + "hidden_layernorm.weight", (d,)))
    norm = stored.take(PREFIX + "final_layernorm.weight", (config.hidden,))
    layer = stored.layer(config, PREFIX)
    for name in stored.names:
        if not name.startswith("model.mtp_layers."):
            stored.drop(name)
    stored.finish()

    def mix(features, embedded):
        hidden, token = rms_norm(features, by_hidden, eps), rms_norm(embedded, by_token, eps)
        return hidden @ proj[:, :d].T + token @ proj[:, d:].T, None

    return RecurrentHead(config=config, layer=layer, norm=norm, taps=(), start=lambda normed, taps: normed, mix=mix,
                         raw=False, unembedding=None, ids=None, card=stored.card)
