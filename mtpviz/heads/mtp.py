"""Multi-token prediction heads (Gloeckle et al. 2024, section 2): one decoder layer each beside the target's last.

All heads read the trunk's output, the residual stream before the target's last layer, and share its final norm and its
unembedding. Head 1 is the target's last layer itself; the folder holds heads 2, 3, ... as extra_heads.0., 1., ...: the
layer's tensors by Hugging Face's names, or by Meta's as published. Of a folder that holds the whole target too, the
rest is passed over.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import torch

from mtpviz.errors import UserError
from mtpviz.heads.folder import HeadFolder
from mtpviz.models.config import ModelConfig
from mtpviz.models.weights import LayerWeights, Weights, layer_weights

PREFIX = "extra_heads."
_META = {"input_layernorm": "attention_norm", "self_attn.q_proj": "attention.wq", "self_attn.k_proj": "attention.wk",
         "self_attn.v_proj": "attention.wv", "self_attn.o_proj": "attention.wo", "post_attention_layernorm": "ffn_norm",
         "mlp.gate_proj": "feed_forward.w1", "mlp.up_proj": "feed_forward.w3", "mlp.down_proj": "feed_forward.w2"}


@dataclass(frozen=True)
class MtpHeads:
    """layers: the extra heads, head 2 first. hash: first 16 hex digits of the weights' sha256."""

    layers: list[LayerWeights]
    hash: str
    parameters: int


def load(folder: Path, config: ModelConfig, target: Weights) -> MtpHeads:
    """Read heads made for `target`. UserError for a damaged folder and for heads of another target."""
    stored = HeadFolder(folder, target)
    for name in [name for name in stored.names if not name.startswith(PREFIX)]:
        stored.drop(name)
    layers = []
    while any(name.startswith(at := f"{PREFIX}{len(layers)}.") for name in stored.names):
        layers.append(layer_weights(config, _meta(stored, config, at), at) if f"{at}attention.wq.weight" in stored.names
                      else stored.layer(config, at))
    stored.finish()
    if not layers:
        raise UserError(f"{folder} holds no prediction heads; they are named {PREFIX}0., {PREFIX}1. and so on.")
    return MtpHeads(layers, stored.card["hash"], stored.parameters)


def _meta(stored: HeadFolder, config: ModelConfig, at: str):
    """`take` for a layer in Meta's names. Meta turns neighbouring elements of a head together, Hugging Face element i
    with i + head_dim / 2: the rows of wq and wk move accordingly."""

    def take(name: str, shape: tuple[int, ...]) -> torch.Tensor:
        part = name.removeprefix(at).removesuffix(".weight")
        tensor = stored.take(f"{at}{_META[part]}.weight", shape)
        if part not in ("self_attn.q_proj", "self_attn.k_proj"):
            return tensor
        return tensor.view(-1, config.head_dim // 2, 2, shape[1]).transpose(1, 2).reshape(shape)

    return take
