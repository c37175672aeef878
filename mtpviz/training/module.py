"""A Llama decoder with four-token prediction, for training; decoding uses the engine's own model.

Gloeckle et al. 2404.19737, section 2: a trunk (layers 0 .. L-2) and n parallel heads of one transformer layer
each, which all read the trunk's output at position t and share the final norm and the unembedding. Head 1 is
the last numbered layer (L-1), so trunk + head 1 is an ordinary Llama; heads 2..n are `extra_heads`. Parameter
names are those of Hugging Face's LlamaForCausalLM.
"""

from __future__ import annotations

import math

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from mtpviz.training.presets import Shape

EMBEDDING_STD = 0.3
# The projections that write to the residual stream.
WRITERS = ("o_proj", "down_proj")


class Attention(nn.Module):
    """Causal grouped-query attention with rotary positions (half-split convention of Hugging Face)."""

    def __init__(self, shape: Shape):
        super().__init__()
        self.num_heads, self.num_kv_heads, self.head_dim = shape.num_heads, shape.num_kv_heads, shape.head_dim
        width, kv_width = shape.num_heads * shape.head_dim, shape.num_kv_heads * shape.head_dim
        self.q_proj = nn.Linear(shape.hidden_size, width, bias=False)
        self.k_proj = nn.Linear(shape.hidden_size, kv_width, bias=False)
        self.v_proj = nn.Linear(shape.hidden_size, kv_width, bias=False)
        self.o_proj = nn.Linear(width, shape.hidden_size, bias=False)

    def forward(self, x: Tensor, cos: Tensor, sin: Tensor) -> Tensor:
        """x (B, T, d); cos and sin (T, head_dim) -> (B, T, d)."""
        batch, length, _ = x.shape
        q = self.q_proj(x).view(batch, length, self.num_heads, self.head_dim).transpose(1, 2)
        k = self.k_proj(x).view(batch, length, self.num_kv_heads, self.head_dim).transpose(1, 2)
        v = self.v_proj(x).view(batch, length, self.num_kv_heads, self.head_dim).transpose(1, 2)
        q, k = rotate(q, cos, sin), rotate(k, cos, sin)
        group = self.num_heads // self.num_kv_heads
        k, v = k.repeat_interleave(group, dim=1), v.repeat_interleave(group, dim=1)
        y = F.scaled_dot_product_attention(q, k, v, is_causal=True)
        return self.o_proj(y.transpose(1, 2).reshape(batch, length, -1))


class SwiGLU(nn.Module):
    """The gated feed-forward layer of Llama."""

    def __init__(self, shape: Shape):
        super().__init__()
        self.gate_proj = nn.Linear(shape.hidden_size, shape.intermediate_size, bias=False)
        self.up_proj = nn.Linear(shape.hidden_size, shape.intermediate_size, bias=False)
        self.down_proj = nn.Linear(shape.intermediate_size, shape.hidden_size, bias=False)

    def forward(self, x: Tensor) -> Tensor:
        """(B, T, d) -> (B, T, d)."""
        return self.down_proj(F.silu(self.gate_proj(x)) * self.up_proj(x))


class RMSNorm(nn.Module):
    """Root-mean-square norm over the last axis, computed in float32."""

    def __init__(self, shape: Shape):
        super().__init__()
        self.eps = shape.rms_norm_eps
        self.weight = nn.Parameter(torch.ones(shape.hidden_size))

    def forward(self, x: Tensor) -> Tensor:
        """(..., d) -> (..., d) float32."""
        x = x.float()
        return x * torch.rsqrt(x.square().mean(-1, keepdim=True) + self.eps) * self.weight


class Layer(nn.Module):
    """One pre-norm transformer layer."""

    def __init__(self, shape: Shape):
        super().__init__()
        self.input_layernorm = RMSNorm(shape)
        self.self_attn = Attention(shape)
        self.post_attention_layernorm = RMSNorm(shape)
        self.mlp = SwiGLU(shape)

    def forward(self, x: Tensor, cos: Tensor, sin: Tensor) -> Tensor:
        """x (B, T, d); cos and sin (T, head_dim) -> (B, T, d)."""
        x = x + self.self_attn(self.input_layernorm(x), cos, sin)
        return x + self.mlp(self.post_attention_layernorm(x))


class Decoder(nn.Module):
    """Embedding, numbered layers and final norm: the namespace of Hugging Face's parameter names."""

    def __init__(self, shape: Shape):
        super().__init__()
        self.embed_tokens = nn.Embedding(shape.vocab_size, shape.hidden_size)
        self.layers = nn.ModuleList(Layer(shape) for _ in range(shape.num_layers))
        self.norm = RMSNorm(shape)


class MultiTokenDecoder(nn.Module):
    """Llama decoder with `shape.extra_heads` heads beside the last layer; with none, an ordinary Llama."""

    def __init__(self, shape: Shape):
        super().__init__()
        self.shape = shape
        self.model = Decoder(shape)
        self.extra_heads = nn.ModuleList(Layer(shape) for _ in range(shape.extra_heads))
        cos, sin = rotary_tables(shape)
        self.register_buffer("cos", cos, persistent=False)
        self.register_buffer("sin", sin, persistent=False)
        self.initialize()

    @property
    def num_heads(self) -> int:
        """Number of tokens predicted at each position."""
        return 1 + len(self.extra_heads)

    def initialize(self) -> None:
        """Normal weights of fan-in scale; the two projections that write to the residual stream start at
        zero, so every layer starts as the identity.

        The embedding starts large and the final norm small: the product, which scales the logits, is the
        usual 0.02, but the tokens are not drowned in the residual stream by the first steps of the layers,
        whose size Muon fixes.
        """
        nn.init.normal_(self.model.embed_tokens.weight, std=EMBEDDING_STD)
        nn.init.constant_(self.model.norm.weight, 0.02 / EMBEDDING_STD)
        for name, module in self.named_modules():
            if isinstance(module, nn.Linear):
                if name.endswith(WRITERS):
                    nn.init.zeros_(module.weight)
                else:
                    nn.init.normal_(module.weight, std=0.5 / math.sqrt(module.in_features))

    def trunk(self, ids: Tensor) -> Tensor:
        """Token ids (B, T) int64 -> output of layers 0 .. L-2, before any norm, (B, T, d)."""
        cos, sin = self.cos[: ids.shape[1]], self.sin[: ids.shape[1]]
        x = self.model.embed_tokens(ids)
        for layer in self.model.layers[:-1]:
            x = layer(x, cos, sin)
        return x

    def head(self, index: int, trunk: Tensor) -> Tensor:
        """Normed features (B, T, d) of the head for token t + 1 + index; index 0 is the last layer."""
        cos, sin = self.cos[: trunk.shape[1]], self.sin[: trunk.shape[1]]
        layer = self.model.layers[-1] if index == 0 else self.extra_heads[index - 1]
        return self.model.norm(layer(trunk, cos, sin))

    @property
    def unembedding(self) -> nn.Parameter:
        """The unembedding (V, d), tied to the embedding."""
        return self.model.embed_tokens.weight

    def forward(self, ids: Tensor) -> Tensor:
        """Token ids (B, T) -> next-token logits (B, T, V): what the exported LlamaForCausalLM computes."""
        return F.linear(self.head(0, self.trunk(ids)), self.unembedding)


def rotary_tables(shape: Shape) -> tuple[Tensor, Tensor]:
    """cos and sin (context, head_dim) float32 of the rotary angles; both halves hold the same frequencies."""
    frequency = shape.rope_theta ** -(torch.arange(0, shape.head_dim, 2).float() / shape.head_dim)
    angle = torch.outer(torch.arange(shape.context).float(), frequency)
    angle = torch.cat([angle, angle], dim=-1)
    return angle.cos(), angle.sin()


def rotate(x: Tensor, cos: Tensor, sin: Tensor) -> Tensor:
    """Rotate x (B, H, T, head_dim) by its positions; pairs are (i, i + head_dim / 2)."""
    first, second = x.chunk(2, dim=-1)
    turned = torch.cat([-second, first], dim=-1)
    return x * cos.to(x.dtype) + turned * sin.to(x.dtype)
