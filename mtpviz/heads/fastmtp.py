"""The MTP module that FastMTP shares over depths (Cai et al. 2025, section 3.1; module of MiMo-7B and DeepSeek-V3).

stream = input_proj([norm(feature) ; norm(embedding)]), one decoder layer, final norm; the target's unembedding reads
that, and it is the next step's feature. The first feature is the target's after its final norm. Tensors as MiMo names
them, model.mtp_layers.0.*; those of speculators (mtp_layers.0.*) and Qwen (mtp.*) are read too, whose input is
[norm(embedding) ; norm(feature)]. Of a folder that holds the whole target too, the rest is passed over.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import torch
from torch import Tensor, nn

from mtpviz.heads.folder import HeadFolder
from mtpviz.heads.layer import DraftLayer, Norm, Seen
from mtpviz.heads.recurrent import RecurrentHead, RecurrentModule, array
from mtpviz.kernels.linear import Matrix
from mtpviz.models.config import ModelConfig
from mtpviz.models.weights import Weights

PREFIX = "model.mtp_layers.0."


@dataclass(frozen=True)
class Layout:
    """A published naming. Names of tensors without .weight; `layer`: where the decoder layer's start. embedded_first:
    which half of the projection reads the embedding."""

    proj: str
    by_token: str
    by_hidden: str
    norm: str
    layer: str
    embedded_first: bool


def _mimo_names(at: str, embedded_first: bool) -> Layout:
    return Layout(at + "input_proj", at + "token_layernorm", at + "hidden_layernorm", at + "final_layernorm", at,
                  embedded_first)


LAYOUTS = (
    _mimo_names(PREFIX, False), _mimo_names("mtp_layers.0.", True),
    Layout("mtp.fc", "mtp.pre_fc_norm_embedding", "mtp.pre_fc_norm_hidden", "mtp.norm", "mtp.layers.0.", True))


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
    layout = next((names for names in LAYOUTS if f"{names.proj}.weight" in stored.names), LAYOUTS[0])
    config = stored.layer_config(target, layout.layer)
    d = target.hidden
    proj = stored.take(f"{layout.proj}.weight", (d, 2 * d))
    if not layout.embedded_first:
        proj = torch.cat([proj[:, d:], proj[:, :d]], 1)
    by_token = array(stored.take(f"{layout.by_token}.weight", (d,)))
    by_hidden = array(stored.take(f"{layout.by_hidden}.weight", (d,)))
    norm = stored.take(f"{layout.norm}.weight", (d,))
    layer = stored.layer(config, layout.layer)
    for name in stored.names:
        if not name.startswith(("model.mtp_layers.", "mtp_layers.", "mtp.")):
            stored.drop(name)
    stored.finish()

    return RecurrentHead(config=config, layer=layer, norm=norm, mix=Matrix(proj), token_norm=by_token,
                         feature_norm=by_hidden, card=stored.card)
