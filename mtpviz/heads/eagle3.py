"""EAGLE-3's draft module (Li et al. 2025, "EAGLE-3: scaling up inference acceleration via training-time test").

The first feature fuses low, middle and high hidden states of the target: fc([low ; mid ; high]). A step reads
[norm(embedding) ; norm(feature)] into q, k and v while the residual stream carries the feature; what the layer leaves
is the next feature, and its norm goes into an unembedding of its own over a reduced vocabulary, fixed by training.
Tensors: fc, midlayer.*, norm, lm_head, d2t (id of kept token i = i + d2t[i]), t2d (which ids are kept). In the format
of speculators the layer is layers.0.*, and with norm_before_residual the stream carries the normed feature.
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn

from mtpviz.errors import UserError
from mtpviz.heads.folder import HeadFolder
from mtpviz.heads.layer import DraftLayer, Norm, Seen
from mtpviz.heads.recurrent import RecurrentHead, RecurrentModule, array
from mtpviz.kernels.linear import Matrix
from mtpviz.models.config import ModelConfig
from mtpviz.models.weights import Weights, layer_weights

MIDLAYER = "midlayer."


def default_taps(layers: int) -> tuple[int, ...]:
    """Layers whose input is fused where config.json names none: 2, N // 2 and N - 3 of N, as the authors' code has it.

    Below seven layers these coincide or cross. There, ours: the inputs of layer 1 (that of layer 0 is the embedding,
    which the draft reads anyway), of the middle one and the last, each once.
    """
    if layers >= 7:
        return 2, layers // 2, layers - 3
    return tuple(sorted({min(1, layers - 1), layers // 2, layers - 1}))


class Eagle3(RecurrentModule):
    """The module in training. ids: int64, ascending, the tokens that its unembedding scores."""

    def __init__(self, config: ModelConfig, taps: tuple[int, ...], ids: Tensor):
        super().__init__()
        self.taps = taps
        self.fc = nn.Linear(len(taps) * config.hidden, config.hidden, bias=False)
        self.midlayer = DraftLayer(config, side=True)
        self.norm = Norm(config)
        self.lm_head = nn.Linear(config.hidden, len(ids), bias=False)
        self.register_buffer("d2t", ids - torch.arange(len(ids)))
        kept = torch.zeros(config.vocab, dtype=torch.bool)
        kept[ids] = True
        self.register_buffer("t2d", kept)

    def start(self, states: tuple[Tensor, ...]) -> Tensor:
        return self.fc(torch.cat([states[tap] for tap in self.taps], -1))

    def step(self, feature: Tensor, embedded: Tensor, seen: Seen) -> tuple[Tensor, Tensor]:
        feature = self.midlayer(feature, seen, embedded)
        return feature, self.norm(feature)


def load(folder: Path, target: ModelConfig, weights: Weights) -> RecurrentHead:
    """Read an EAGLE-3 head made for this target. UserError for a damaged folder, for another target's head and for a
    map that leaves the vocabulary."""
    stored = HeadFolder(folder, weights)
    at = MIDLAYER if any(name.startswith(MIDLAYER) for name in stored.names) else "layers.0."
    config, taps = stored.layer_config(target, at), _taps(stored, target)
    for flag in ("norm_before_fc", "fc_norm", "norm_output"):
        if stored.described.get(flag):
            raise UserError(f"{folder / 'config.json'} sets {flag}, and no head with it can be run.")
    fc = Matrix(stored.take("fc.weight", (config.hidden, len(taps) * target.hidden)))
    norm = stored.take("norm.weight", (config.hidden,))

    def take(name: str, shape: tuple[int, ...]):
        """The published names and widths: hidden_norm is the stream's, q, k and v are twice as wide."""
        if name.endswith(("q_proj.weight", "k_proj.weight", "v_proj.weight")):
            shape = (shape[0], 2 * shape[1])
        return stored.take(name.replace("input_layernorm", "hidden_norm"), shape)

    layer = layer_weights(config, take, at)
    layer = replace(layer, side_norm=stored.take(at + "input_layernorm.weight", (config.hidden,)))
    hidden_norm = None
    if stored.described.get("norm_before_residual"):
        hidden_norm, layer = array(layer.input_norm), replace(layer, input_norm=None)
    ids = kept_ids(stored, target.vocab)
    unembedding = stored.take("lm_head.weight", (target.vocab if ids is None else len(ids), config.hidden))
    stored.drop("embed_tokens.weight")
    stored.finish()

    return RecurrentHead(config=config, layer=layer, norm=norm, taps=taps, fuse=fc, feature_norm=hidden_norm, raw=True,
                         unembedding=unembedding, ids=ids, card=stored.card)


def _taps(stored: HeadFolder, target: ModelConfig) -> tuple[int, ...]:
    named = stored.described.get("eagle_aux_hidden_state_layer_ids")
    taps = default_taps(target.layers) if named is None else tuple(named)
    if not taps or not all(isinstance(tap, int) and 0 <= tap < target.layers for tap in taps):
        raise UserError(f"{stored.folder / 'config.json'} fuses the layers {list(taps)}; the target has "
                        f"{target.layers}.")
    return taps


def kept_ids(stored: HeadFolder, vocab: int) -> np.ndarray | None:
    """The ids that the head's unembedding scores, int64 and ascending, None for all; UserError for a map that leaves
    the vocabulary."""
    offsets, kept = stored.vector("d2t"), stored.vector("t2d")
    if offsets is None:
        return None
    ids = np.arange(len(offsets)) + offsets.numpy().astype(np.int64)
    whole = kept is None or np.array_equal(np.flatnonzero(kept.numpy()), ids)
    if not whole or len(ids) == 0 or ids[0] < 0 or ids[-1] >= vocab or (np.diff(ids) <= 0).any():
        raise UserError(f"The vocabulary map d2t in {stored.folder} does not pick ascending ids below {vocab}.")
    return ids
