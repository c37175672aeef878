"""The target's pass in plain torch, to be read and to be trusted: every faster pass is tested against this
one.

Formulas as in Hugging Face's Llama, Qwen2, Qwen3 and Mistral, with a static KV cache and tree attention.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch.nn.functional import linear, silu

from mtpviz.models.config import ModelConfig
from mtpviz.models.weights import LayerWeights, Weights


@dataclass
class ReferenceCache:
    """Keys (rotated) and values by slot, each (layers, kv_heads, slots, head_dim) in the model's dtype.

    Which slots hold what is the caller's business: a pass writes the slots it is told and reads those of its
    mask.
    """

    keys: torch.Tensor
    values: torch.Tensor


@dataclass(frozen=True)
class ReferenceOutput:
    """What a pass of T rows gives.

    logits: fp32 (T, vocab). hidden: layer -> (T, hidden), as `forward` says. normed: (T, hidden), what the
    head reads.
    """

    logits: torch.Tensor
    hidden: dict[int, torch.Tensor]
    normed: torch.Tensor


def tree_block(
    parents: Sequence[int], committed: int, slots: int, at: Sequence[int] | None = None
) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    """Positions (T,), slots (T,) and mask (T, slots) of a drafted block on top of committed slots
    0..committed - 1.

    parents: row of each row's parent, smaller than its own, or -1 for a child of the last committed token. A
    row sees the committed tokens, its ancestors and itself; its position is committed + depth. at: the rows'
    slots, by default those behind the committed ones. A prompt or chain has the parents -1, 0, 1, ...
    """
    at = range(committed, committed + len(parents)) if at is None else at
    positions, mask = [], torch.zeros(len(parents), slots, dtype=torch.bool)
    for row, parent in enumerate(parents):
        if parent < 0:
            mask[row, :committed] = True
        else:
            mask[row] = mask[parent]
        mask[row, at[row]] = True
        positions.append(committed if parent < 0 else positions[parent] + 1)
    return torch.tensor(positions), torch.tensor(list(at)), mask


class ReferenceModel:
    """A decoder of the Llama family on any device. dtype: that of weights, activations and cache.

    As in transformers, norms and softmax are computed in fp32 and the rest in `dtype`.
    """

    def __init__(
        self,
        config: ModelConfig,
        weights: Weights,
        dtype: torch.dtype = torch.float32,
        device: torch.device | str = "cpu",
    ):
        self.config, self.dtype, self.device = config, dtype, torch.device(device)
        self.embed, self.norm = self._own(weights.embed), self._own(weights.norm)
        self.head = self._own(weights.head)
        self.layers = [
            LayerWeights(**{name: self._own(tensor) for name, tensor in vars(layer).items()})
            for layer in weights.layers
        ]
        self.inv_freq = torch.from_numpy(config.rope_inv_freq()).to(self.device)

    def _own(self, tensor: torch.Tensor | None) -> torch.Tensor | None:
        return None if tensor is None else tensor.to(self.device, self.dtype)

    def new_cache(self, slots: int) -> ReferenceCache:
        """An empty cache of so many slots, drafted rows included."""
        c = self.config
        shape = (c.layers, c.kv_heads, slots, c.head_dim)
        return ReferenceCache(*(torch.zeros(shape, dtype=self.dtype, device=self.device) for _ in range(2)))

    @torch.no_grad()
    def forward(
        self,
        cache: ReferenceCache,
        tokens: torch.Tensor | Sequence[int],
        positions: torch.Tensor,
        slots: torch.Tensor,
        mask: torch.Tensor,
        layers_out: Sequence[int] = (),
    ) -> ReferenceOutput:
        """One pass over T rows.

        tokens, positions, slots: int (T,); the rows' keys and values are written to `slots`. mask: bool (T,
        slots of the cache), True where a row sees a slot; a row must see its own. `tree_block` makes
        positions, slots and mask. layers_out: i asks for the residual stream that enters layer i: 0 is the
        embedding, i the output of layer i - 1, and `layers` the last one's output before the final norm.
        transformers' output_hidden_states are the same but for its last entry, which has gone through the
        final norm (`normed` here).
        """
        x = self.embed[torch.as_tensor(tokens, device=self.device)]
        positions, slots, mask = (t.to(self.device) for t in (positions, slots, mask))
        angles = positions[:, None].float() * self.inv_freq[None, :]  # (T, head_dim / 2)
        cos, sin = angles.cos().to(self.dtype), angles.sin().to(self.dtype)
        hidden = {}
        for index, layer in enumerate(self.layers):
            if index in layers_out:
                hidden[index] = x
            keys, values = cache.keys[index], cache.values[index]
            h = self._rms(x, layer.input_norm)
            x = x + self._attention(layer, h, cos, sin, slots, mask, keys, values)
            h = self._rms(x, layer.post_norm)
            x = x + linear(silu(linear(h, layer.gate)) * linear(h, layer.up), layer.down)
        if len(self.layers) in layers_out:
            hidden[len(self.layers)] = x
        normed = self._rms(x, self.norm)
        return ReferenceOutput(linear(normed, self.head).float(), hidden, normed)

    def _attention(self, layer: LayerWeights, x, cos, sin, slots, mask, keys, values) -> torch.Tensor:
        c, rows = self.config, len(x)
        q = linear(x, layer.q, layer.q_bias).view(rows, c.heads, c.head_dim)
        k = linear(x, layer.k, layer.k_bias).view(rows, c.kv_heads, c.head_dim)
        v = linear(x, layer.v, layer.v_bias).view(rows, c.kv_heads, c.head_dim)
        if layer.q_norm is not None:
            q, k = self._rms(q, layer.q_norm), self._rms(k, layer.k_norm)
        q, k = _rotate(q, cos, sin), _rotate(k, cos, sin)
        keys[:, slots], values[:, slots] = k.transpose(0, 1), v.transpose(0, 1)
        # Query head i reads key head i // group.
        q = q.view(rows, c.kv_heads, c.heads // c.kv_heads, c.head_dim)
        scores = torch.einsum("tgqc,gsc->gqts", q, keys) * c.head_dim**-0.5
        scores = scores.masked_fill(~mask, float("-inf"))
        shares = scores.float().softmax(-1).to(self.dtype)
        mixed = torch.einsum("gqts,gsc->tgqc", shares, values)
        return linear(mixed.reshape(rows, c.heads * c.head_dim), layer.o)

    def _rms(self, x: torch.Tensor, weight: torch.Tensor) -> torch.Tensor:
        y = x.float()
        y = y * torch.rsqrt(y.square().mean(-1, keepdim=True) + self.config.rms_eps)
        return weight * y.to(self.dtype)


def _rotate(x: torch.Tensor, cos: torch.Tensor, sin: torch.Tensor) -> torch.Tensor:
    """Rotary positions on (T, heads, head_dim): element i turns together with element i + head_dim / 2."""
    low, high = x.chunk(2, -1)
    cos, sin = cos[:, None], sin[:, None]
    return torch.cat([low * cos - high * sin, high * cos + low * sin], -1)
