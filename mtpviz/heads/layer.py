"""The decoder layer of a recurrent draft module, for training: a step of the draft for every position at once.

At decoding, the module drafts step after step from one position, each step seeing the committed positions' first-step
keys and those of its own earlier steps. "Training-time test" (EAGLE-3, Li et al. 2025, section 3.2) does the same for
all positions together: at step s, row i sees the keys of step 0 of rows <= i, and those of steps 1..s of its own row
only, and stands at position i + s.
"""

from __future__ import annotations

import math
from dataclasses import replace

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from mtpviz.models.config import ModelConfig

Seen = list[tuple[Tensor, Tensor]]  # keys and values of the steps so far, each (B, kv_heads, T, head_dim)


def draft_config(target: ModelConfig) -> ModelConfig:
    """The shape of one plain layer as wide as the target's, without what its family adds (biases, norms of queries and
    keys, scaled positions)."""
    return replace(target, layers=1, qkv_bias=False, qk_norm=False, rope_scaling=None)


class Norm(nn.Module):
    """RMSNorm over the last axis, in float32."""

    def __init__(self, config: ModelConfig):
        super().__init__()
        self.eps = config.rms_eps
        self.weight = nn.Parameter(torch.ones(config.hidden))

    def forward(self, x: Tensor) -> Tensor:
        """(..., hidden) -> (..., hidden) float32."""
        x = x.float()
        return x * torch.rsqrt(x.square().mean(-1, keepdim=True) + self.eps) * self.weight


class Attention(nn.Module):
    """Grouped-query attention with training-time test. inputs: width of what q, k and v read."""

    def __init__(self, config: ModelConfig, inputs: int):
        super().__init__()
        c = config
        self.heads, self.kv_heads, self.head_dim = c.heads, c.kv_heads, c.head_dim
        self.q_proj = nn.Linear(inputs, c.heads * c.head_dim, bias=c.qkv_bias)
        self.k_proj = nn.Linear(inputs, c.kv_heads * c.head_dim, bias=c.qkv_bias)
        self.v_proj = nn.Linear(inputs, c.kv_heads * c.head_dim, bias=c.qkv_bias)
        self.o_proj = nn.Linear(c.heads * c.head_dim, c.hidden, bias=False)
        self.register_buffer("inv_freq", torch.from_numpy(c.rope_inv_freq()), persistent=False)

    def forward(self, x: Tensor, seen: Seen) -> Tensor:
        """x (B, T, inputs) of step len(seen) -> (B, T, hidden); appends the step's keys and values to `seen`."""
        batch, length, _ = x.shape
        step = len(seen)
        q, k, v = (proj(x).view(batch, length, -1, self.head_dim).transpose(1, 2)
                   for proj in (self.q_proj, self.k_proj, self.v_proj))
        angle = (torch.arange(length, device=x.device) + step)[:, None] * self.inv_freq[None, :]
        cos, sin = angle.cos().to(q.dtype), angle.sin().to(q.dtype)
        q, k = _rotate(q, cos, sin), _rotate(k, cos, sin)
        seen.append((k, v))
        group = self.heads // self.kv_heads
        keys, values = zip(*((k.repeat_interleave(group, 1), v.repeat_interleave(group, 1)) for k, v in seen),
                           strict=True)
        if step == 0:
            mixed = F.scaled_dot_product_attention(q, keys[0], values[0], is_causal=True)
        else:
            past = (q @ keys[0].transpose(2, 3)).float()
            past = past.masked_fill(torch.ones(length, length, dtype=torch.bool, device=x.device).triu(1), -math.inf)
            own = torch.stack([(q * k).sum(-1) for k in keys[1:]], -1).float()
            shares = (torch.cat([past, own], -1) / math.sqrt(self.head_dim)).softmax(-1).to(q.dtype)
            mixed = shares[..., :length] @ values[0]
            for i, value in enumerate(values[1:]):
                mixed = mixed + shares[..., length + i, None] * value
        return self.o_proj(mixed.transpose(1, 2).reshape(batch, length, -1))


class SwiGLU(nn.Module):
    """The gated feed-forward layer of Llama."""

    def __init__(self, config: ModelConfig):
        super().__init__()
        self.gate_proj = nn.Linear(config.hidden, config.inner, bias=False)
        self.up_proj = nn.Linear(config.hidden, config.inner, bias=False)
        self.down_proj = nn.Linear(config.inner, config.hidden, bias=False)

    def forward(self, x: Tensor) -> Tensor:
        """(B, T, hidden) -> (B, T, hidden)."""
        return self.down_proj(F.silu(self.gate_proj(x)) * self.up_proj(x))


class DraftLayer(nn.Module):
    """A pre-norm decoder layer. normed: whether q, k and v read a normed stream (EAGLE's do not). side: whether they
    read [side ; stream], each normed by itself (EAGLE-3); its own norm is then hidden_norm, input_layernorm the side's.
    """

    def __init__(self, config: ModelConfig, normed: bool = True, side: bool = False):
        super().__init__()
        if side:
            self.hidden_norm = Norm(config)
        if normed:
            self.input_layernorm = Norm(config)
        self.self_attn = Attention(config, 2 * config.hidden if side else config.hidden)
        self.post_attention_layernorm = Norm(config)
        self.mlp = SwiGLU(config)

    def forward(self, x: Tensor, seen: Seen, side: Tensor | None = None) -> Tensor:
        """x, side (B, T, hidden) of step len(seen) -> the stream behind the layer, (B, T, hidden)."""
        if side is not None:
            read = torch.cat([self.input_layernorm(side), self.hidden_norm(x)], -1)
        else:
            read = self.input_layernorm(x) if hasattr(self, "input_layernorm") else x
        x = x + self.self_attn(read, seen)
        return x + self.mlp(self.post_attention_layernorm(x))


def _rotate(x: Tensor, cos: Tensor, sin: Tensor) -> Tensor:
    """Rotary positions on (B, heads, T, head_dim): element i turns together with element i + head_dim / 2."""
    low, high = x.chunk(2, -1)
    return torch.cat([low * cos - high * sin, high * cos + low * sin], -1)
