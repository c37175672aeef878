"""Rotary positions (Su et al. 2021, half-split as in Hugging Face's Llama) at gathered positions, with the norm of
query and key heads before them (Qwen3), fused with the write to the KV cache."""

from __future__ import annotations

import torch
import triton
import triton.language as tl

from mtpviz.kernels.device.launch import launch, next_power


@triton.jit(do_not_specialize=["rows", "first", "block_rows"])
def _place(qkv_ptr, query_ptr, keys_ptr, values_ptr, q_norm_ptr, k_norm_ptr, cos_ptr, sin_ptr, positions_ptr,
           lengths_ptr, counts_ptr, rows, first, block_rows, slots, eps, HEADS: tl.constexpr, KV: tl.constexpr,
           D: tl.constexpr, HALF: tl.constexpr):
    """One head of one row: a query, a key or a value head."""
    row = tl.program_id(0)
    head = tl.program_id(1)
    batch = row // rows
    within = row % rows
    i = tl.arange(0, HALF)
    inside = i < D // 2
    source = qkv_ptr + row.to(tl.int64) * ((HEADS + 2 * KV) * D) + head * D
    low = tl.load(source + i, inside, 0.0).to(tl.float32)
    high = tl.load(source + D // 2 + i, inside, 0.0).to(tl.float32)
    if head < HEADS + KV:
        if q_norm_ptr is not None:
            weight_ptr = q_norm_ptr
            if head >= HEADS:
                weight_ptr = k_norm_ptr
            scale = 1.0 / tl.sqrt((tl.sum(low * low) + tl.sum(high * high)) / D + eps)
            low = low * scale * tl.load(weight_ptr + i, inside, 0.0).to(tl.float32)
            high = high * scale * tl.load(weight_ptr + D // 2 + i, inside, 0.0).to(tl.float32)
        at = tl.load(positions_ptr + batch * block_rows + first + within).to(tl.int64) * (D // 2) + i
        cos = tl.load(cos_ptr + at, inside, 0.0)
        sin = tl.load(sin_ptr + at, inside, 0.0)
        turned = low * cos - high * sin
        high = high * cos + low * sin
        low = turned
    if head < HEADS:
        target = query_ptr + (row.to(tl.int64) * HEADS + head) * D
        tl.store(target + i, low.to(query_ptr.dtype.element_ty), inside)
        tl.store(target + D // 2 + i, high.to(query_ptr.dtype.element_ty), inside)
    else:
        slot = tl.load(lengths_ptr + batch) + first + within
        real = i < tl.where(first + within < tl.load(counts_ptr + batch), D // 2, 0)
        base = keys_ptr
        kv = head - HEADS
        if head >= HEADS + KV:
            base = values_ptr
            kv -= KV
        target = base + ((batch * KV + kv).to(tl.int64) * slots + slot) * D
        tl.store(target + i, low.to(keys_ptr.dtype.element_ty), real)
        tl.store(target + D // 2 + i, high.to(keys_ptr.dtype.element_ty), real)


def place(qkv: torch.Tensor, query: torch.Tensor, keys: torch.Tensor, values: torch.Tensor, cos: torch.Tensor,
          sin: torch.Tensor, positions: torch.Tensor, lengths: torch.Tensor, counts: torch.Tensor, eps: float,
          q_norm: torch.Tensor | None = None, k_norm: torch.Tensor | None = None, first: int = 0) -> None:
    """Queries out, keys and values into the cache of one layer.

    qkv: (batch * rows, (heads + 2 kv) * head_dim). query: (batch * rows, heads, head_dim). keys, values: (batch, kv,
    slots, head_dim); block row b of a sequence goes to its slot lengths + b, and the pass holds the block's rows from
    `first` on. Rows at or past counts are padding: they write no key. cos, sin: fp32 (context, head_dim / 2).
    positions: int32 (batch, rows of the block). lengths, counts: int32 (batch,). q_norm, k_norm: (head_dim,).
    """
    total, heads, head_dim = query.shape
    batch, kv, slots, _ = keys.shape
    launch(_place, (total, heads + 2 * kv), qkv, query, keys, values, q_norm, k_norm, cos, sin, positions, lengths,
           counts, total // batch, first, positions.shape[1], slots, float(eps), HEADS=heads, KV=kv, D=head_dim,
           HALF=next_power(head_dim // 2), warps=1)


def rotate_reference(x: torch.Tensor, cos: torch.Tensor, sin: torch.Tensor, positions: torch.Tensor, eps: float,
                     weight: torch.Tensor | None = None) -> torch.Tensor:
    """What `place` makes of query or key heads x (rows, heads, head_dim), in float64."""
    x = x.double()
    if weight is not None:
        x = x * torch.rsqrt(x.square().mean(-1, keepdim=True) + eps) * weight.double()
    cos, sin = cos[positions.long(), None].double(), sin[positions.long(), None].double()
    low, high = x.chunk(2, -1)
    return torch.cat([low * cos - high * sin, high * cos + low * sin], -1)
