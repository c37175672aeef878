"""Rotary positions (Su et al. 2021, half-split as in Hugging Face's Llama), fused with the write to the KV cache."""

from __future__ import annotations

import numpy as np

from mtpviz.kernels.compiler import numba


def tables(inv_freq: np.ndarray, context: int) -> tuple[np.ndarray, np.ndarray]:
    """cos and sin of every position and frequency, fp32 (context, head_dim / 2)."""
    angles = np.arange(context, dtype=np.float32)[:, None] * inv_freq.astype(np.float32)[None, :]
    return np.cos(angles, dtype=np.float32), np.sin(angles, dtype=np.float32)


@numba.njit(cache=True, nogil=True)
def _rotate(vector, cos, sin):
    half = cos.shape[0]
    for i in range(half):
        low, high = vector[i], vector[i + half]
        vector[i] = low * cos[i] - high * sin[i]
        vector[i + half] = high * cos[i] + low * sin[i]


@numba.njit(cache=True, nogil=True)
def _norm(vector, weight, eps):
    total = np.float32(0.0)
    for value in vector:
        total += value * value
    scale = np.float32(1.0) / np.sqrt(total / np.float32(vector.shape[0]) + np.float32(eps))
    for i in range(vector.shape[0]):
        vector[i] *= scale * weight[i]


@numba.njit(cache=True, nogil=True)
def place(qkv, bias, q_norm, k_norm, eps, cos, sin, positions, keys, values, layer, slot, heads, head_dim, query,
          begin, end, kv_begin, kv_end):
    """Finish the projections of the rows begin..end-1 for the KV heads kv_begin..kv_end-1 and the query heads that
    read them: bias, q/k norm, rotation; queries out, keys and values into the cache.

    qkv: fp32 (rows, >= (heads + 2 kv) * head_dim), changed in place. bias: (layers, that width) or (0, 0);
    q_norm, k_norm: (layers, head_dim) or (0, 0). positions: (rows,). keys: fp32 (layers, kv, blocks, head_dim, 16),
    sixteen slots a block, so that sixteen scores are one vector; values: fp32 (layers, kv, slots, padded head_dim).
    Row r goes to slot `slot + r`. query: fp32 (heads, rows, head_dim), scaled by 1 / sqrt(head_dim).
    """
    kv = keys.shape[1]
    group = heads // kv
    scale = np.float32(1.0 / np.sqrt(head_dim))
    for row in range(begin, end):
        line = qkv[row]
        if bias.shape[0] > 0:
            for first, last in ((kv_begin * group, kv_end * group), (heads + kv_begin, heads + kv_end),
                                (heads + kv + kv_begin, heads + kv + kv_end)):
                for i in range(first * head_dim, last * head_dim):
                    line[i] += bias[layer, i]
        c, s = cos[positions[row]], sin[positions[row]]
        block, lane = (slot + row) // 16, (slot + row) % 16
        for head in range(kv_begin * group, kv_end * group):
            vector = line[head * head_dim : (head + 1) * head_dim]
            if q_norm.shape[0] > 0:
                _norm(vector, q_norm[layer], eps)
            _rotate(vector, c, s)
            for i in range(head_dim):
                query[head, row, i] = vector[i] * scale
        for head in range(kv_begin, kv_end):
            vector = line[(heads + head) * head_dim : (heads + head + 1) * head_dim]
            if k_norm.shape[0] > 0:
                _norm(vector, k_norm[layer], eps)
            _rotate(vector, c, s)
            for i in range(head_dim):
                keys[layer, head, block, i, lane] = vector[i]
            first = (heads + kv + head) * head_dim
            for i in range(head_dim):
                values[layer, head, slot + row, i] = line[first + i]
