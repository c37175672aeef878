"""A recurrent draft's own passes, compiled from the token to its logits: no Python stands between two levels.

A draft model's row is its token's embedding. A draft module's row (EAGLE, EAGLE-3, FastMTP: heads/recurrent.py) is made
of that and of a feature, which the target left for committed rows and the draft itself for drafted ones.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from mtpviz.kernels.compiler import numba
from mtpviz.kernels.linear import multiply
from mtpviz.kernels.norm import copy_rows, rms_norm_rows
from mtpviz.models.layers import run_layers


class Parts(NamedTuple):
    """What compiled code needs of a draft. model: arrivals, threads, buffers, attention's buffers, weights with the
    unembedding to draft with, rotary tables, (hidden, heads, head_dim), eps. wanted: int32 (layers + 1,), as run_layers
    wants it. embedding: (vocab, hidden), bf16 held in uint16, or fp32.

    modular: whether rows are made of features too. mix: panels (heads.recurrent.RecurrentHead.mix), none of
    them without. bias, token_norm, feature_norm: fp32 (hidden,), or (0,) without. raw: whether the next feature is the
    stream before the final norm. Buffers, fp32: embedded and features (MAX_ROWS, hidden) of a pass's rows, read
    (MAX_ROWS, 2 hidden); drafted (MAX_ROWS, hidden) holds the features of the block's rows, last (1, hidden) that of
    the last committed row. ids: int64, the tokens that are scored, (0,) for all. scored: how many.
    """

    model: tuple
    wanted: np.ndarray
    embedding: np.ndarray
    modular: bool
    mix: np.ndarray
    bias: np.ndarray
    token_norm: np.ndarray
    feature_norm: np.ndarray
    raw: bool
    embedded: np.ndarray
    features: np.ndarray
    read: np.ndarray
    drafted: np.ndarray
    last: np.ndarray
    ids: np.ndarray
    scored: int


@numba.njit(cache=True, nogil=True)
def level(parts, keys, values, length, tokens, parents, levels):
    """Run drafted rows: tokens int64 (n,), `levels` int64 (n,), from 1, below the last committed row at length - 1.

    parents: int64 (block,), the row of each row's parent in the block of rows drafted so far, -1 for a child of the
    last committed row; the tokens are the last n rows of that block. Their logits are left in the model's buffer, their
    features in parts.drafted. False if the team of threads was incomplete.
    """
    count, first = tokens.shape[0], parents.shape[0] - tokens.shape[0]
    if parts.modular:
        for i in range(count):
            above = parents[first + i]
            parts.features[i] = parts.drafted[above] if above >= 0 else parts.last[0]
    whole = _pass(parts, keys, values, length, tokens, parents, length - 1 + levels, count)
    if parts.modular:
        parts.drafted[first : first + count] = _left(parts)[:count]
    return whole


@numba.njit(cache=True, nogil=True)
def take(parts, keys, values, length, tokens):
    """Run committed rows, whose features are in parts.features: each hangs on the one before."""
    rows = np.arange(tokens.shape[0])
    whole = _pass(parts, keys, values, length, tokens, rows - 1, length + rows, np.int64(1))
    if parts.modular:
        parts.last[0] = _left(parts)[tokens.shape[0] - 1]
    return whole


@numba.njit(cache=True, nogil=True)
def _left(parts):
    """Features that the last pass left."""
    return parts.model[2][10][0] if parts.raw else parts.model[2][3]


@numba.njit(cache=True, nogil=True)
def _pass(parts, keys, values, length, tokens, parents, positions, scored_rows):
    """All layers for rows of tokens and parts.features; logits of the last `scored_rows`."""
    arrivals, threads, buffers, attending, weights, tables, sizes, eps = parts.model
    hidden, heads, head_dim = sizes
    stream, side = buffers[0], buffers[1]
    count = tokens.shape[0]
    _embed(parts.embedding, tokens, parts.embedded)
    if not parts.modular:
        stream[:count, :hidden] = parts.embedded[:count]
    elif parts.mix.shape[0] == 0:
        side[:count] = parts.embedded[:count]
        _normed(parts.features, parts.feature_norm, eps, hidden, stream, count, 0)
    else:
        _normed(parts.embedded, parts.token_norm, eps, hidden, parts.read, count, 0)
        _normed(parts.features, parts.feature_norm, eps, hidden, parts.read, count, hidden)
        multiply(parts.read, parts.mix, 0, 0, parts.mix.shape[0], stream, count, False)
        if parts.bias.shape[0] > 0:
            for row in range(count):
                for i in range(hidden):
                    stream[row, i] += parts.bias[i]
    return run_layers(arrivals, threads, buffers, attending, weights, tables, (keys, values), parents.astype(np.int32),
                      positions.astype(np.int32), parts.wanted,
                      (length, parents.shape[0] - count, count, scored_rows, np.int64(0), hidden, heads, head_dim), eps)


@numba.njit(cache=True, nogil=True)
def _normed(x, weight, eps, hidden, out, rows, column):
    if weight.shape[0] > 0:
        rms_norm_rows(x, weight, 0, eps, hidden, out, rows, column)
    else:
        copy_rows(x, hidden, out, rows, column)


@numba.njit(cache=True, nogil=True)
def _embed(embedding, tokens, out):
    bits = out.view(np.uint32)
    for row in range(tokens.shape[0]):
        line = embedding[tokens[row]]
        for i in range(line.shape[0]):
            if embedding.itemsize == 2:
                bits[row, i] = np.uint32(line[i]) << np.uint32(16)
            else:
                out[row, i] = line[i]
