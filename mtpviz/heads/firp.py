"""FIRP-style drafts, after the abstract of Wu et al. 2024, "FIRP: faster LLM inference via future intermediate
representation prediction". Choices that it leaves open (layer, mask, loss) are ours, hence "style".

Linear maps of the last accepted token's hidden state before layer l make pseudo hidden states of the next k tokens.
They pass through the target's own layers l.. behind the real rows, each seeing the text and the pseudo states before
it, and the target's own unembedding reads them: state i guesses the token i places after the root. Tensors:
W.{i}.weight, W.{i}.bias; config.json: layer, k.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from mtpviz.errors import UserError
from mtpviz.heads.folder import HeadFolder
from mtpviz.heads.recurrent import array
from mtpviz.kernels.linear import Matrix
from mtpviz.models.config import ModelConfig
from mtpviz.models.weights import Weights


class Firp(nn.Module):
    """The maps in training; they start as the identity."""

    def __init__(self, hidden: int, count: int):
        super().__init__()
        self.W = nn.ModuleList(nn.Linear(hidden, hidden) for _ in range(count))
        for linear in self.W:
            nn.init.eye_(linear.weight)
            nn.init.zeros_(linear.bias)

    def forward(self, config: ModelConfig, weights: Weights, layer: int, states: tuple[Tensor, ...],
                anchors: Tensor) -> list[Tensor]:
        """What the unembedding reads of pseudo states 1..k at `anchors` int64 (A,), (B, A, hidden) each.

        states: the target's hidden states, (B, T, hidden) before each layer; weights: the target's, on their device.
        """
        x = torch.stack([linear(states[layer][:, anchors]) for linear in self.W], 2)  # (B, A, k, hidden)
        for index in range(layer, config.layers):
            x = _pseudo_layer(config, weights.layers[index], x, states[index], anchors)
        normed = _rms(x, weights.norm, config.rms_eps)
        return list(normed.unbind(2))


def _pseudo_layer(config: ModelConfig, w, x: Tensor, real: Tensor, anchors: Tensor) -> Tensor:
    """One layer of the target for pseudo rows x (B, A, k, hidden) behind the anchors' rows of real (B, T, hidden)."""
    batch, length, _ = real.shape
    count, k = len(anchors), x.shape[2]
    c, group = config, config.heads // config.kv_heads
    ahead = torch.arange(1, k + 1, device=x.device)
    real_read = _rms(real, w.input_norm, c.rms_eps)
    read = _rms(x, w.input_norm, c.rms_eps)
    here = torch.arange(length, device=x.device)
    keys = _keys(c, w, real_read, here).repeat_interleave(group, -2)  # (B, T, heads, head_dim)
    values = F.linear(real_read, w.v, w.v_bias).unflatten(-1, (c.kv_heads, -1)).repeat_interleave(group, -2)
    places = anchors[:, None] + ahead
    own_keys = _keys(c, w, read, places).repeat_interleave(group, -2)  # (B, A, k, heads, head_dim)
    own_values = F.linear(read, w.v, w.v_bias).unflatten(-1, (c.kv_heads, -1)).repeat_interleave(group, -2)
    query = F.linear(read, w.q, w.q_bias).unflatten(-1, (c.heads, -1))
    if w.q_norm is not None:
        query = _rms(query, w.q_norm, c.rms_eps)
    query = _rotate(c, query, places)
    past = torch.einsum("bakhc,bthc->bhakt", query, keys).float()
    past = past.masked_fill(here > anchors[:, None, None], -math.inf)
    own = torch.einsum("bakhc,bajhc->bhakj", query, own_keys).float()
    own = own.masked_fill(ahead > ahead[:, None], -math.inf)
    shares = (torch.cat([past, own], -1) / math.sqrt(c.head_dim)).softmax(-1).to(values.dtype)
    mixed = torch.einsum("bhakt,bthc->bakhc", shares[..., :length], values)
    mixed = mixed + torch.einsum("bhakj,bajhc->bakhc", shares[..., length:], own_values.to(values.dtype))
    x = x + F.linear(mixed.reshape(batch, count, k, -1), w.o)
    read = _rms(x, w.post_norm, c.rms_eps)
    return x + F.linear(F.silu(F.linear(read, w.gate)) * F.linear(read, w.up), w.down)


def _keys(config: ModelConfig, w, read: Tensor, places: Tensor) -> Tensor:
    keys = F.linear(read, w.k, w.k_bias).unflatten(-1, (config.kv_heads, -1))
    if w.k_norm is not None:
        keys = _rms(keys, w.k_norm, config.rms_eps)
    return _rotate(config, keys, places)


def _rms(x: Tensor, weight: Tensor, eps: float) -> Tensor:
    x = x.float()
    return (x * torch.rsqrt(x.square().mean(-1, keepdim=True) + eps) * weight.float()).to(weight.dtype)


def _rotate(config: ModelConfig, x: Tensor, places: Tensor) -> Tensor:
    """Rotary positions on (B, *places, heads, head_dim)."""
    angle = places[..., None].float() * torch.from_numpy(config.rope_inv_freq()).to(x.device)
    cos, sin = angle.cos().to(x.dtype)[..., None, :], angle.sin().to(x.dtype)[..., None, :]
    low, high = x.chunk(2, -1)
    return torch.cat([low * cos - high * sin, high * cos + low * sin], -1)


@dataclass(frozen=True)
class FirpMaps:
    """The maps as the engine runs them. layer: whose input they read and write. maps: (weight, bias) by state."""

    layer: int
    maps: list[tuple[Matrix, np.ndarray]]
    card: dict

    def __call__(self, row: np.ndarray, count: int) -> np.ndarray:
        """The first `count` pseudo states (count, hidden) of a hidden state fp32 (hidden,)."""
        return np.concatenate([weight(row[None]) + bias for weight, bias in self.maps[:count]])


def load(folder: Path, target: ModelConfig, weights: Weights) -> FirpMaps:
    """Read the maps made for this target. UserError for a damaged folder, another target's and a layer out of range."""
    stored = HeadFolder(folder, weights)
    layer, count = stored.number("layer"), stored.number("k")
    if layer >= target.layers:
        raise UserError(f"The maps in {folder} work before layer {layer}; the target's last is {target.layers - 1}.")
    shape = (target.hidden, target.hidden)
    maps = [(Matrix(stored.take(f"W.{i}.weight", shape)), array(stored.take(f"W.{i}.bias", shape[:1])))
            for i in range(count)]
    stored.finish()
    return FirpMaps(layer, maps, stored.card)
