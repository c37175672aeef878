"""Tree attention: each row sees the committed tokens, its own ancestors in the drafted block, and itself.

Keys are taken in the order of their positions: the committed slots 0..start-1, then the row's ancestors from the root
downwards. A score is one chain of multiply-adds over the head's dimensions in a lane of its own, so it does not matter
in which slot or lane the key lies; the softmax's sum and the sum of values run in position order. Masked keys enter no
sum. So a row's result has the same bits whichever rows share the pass (row invariance) and wherever its ancestors lie
(layout invariance).
"""

from __future__ import annotations

import numpy as np

from mtpviz.kernels.compiler import numba
from mtpviz.kernels.simd import broadcast, exp, fma, lane_max, lane_sum, load, maximum, splat, store, store_as

_NEVER = np.float32(-3.0e38)  # score of a padding lane: its exp is exactly 0


@numba.njit(cache=True, nogil=True)
def _score_row(query, at, keys, base, head_dim, blocks, scores, line):
    """scores[line, :16 blocks] = query . key for one row; four blocks at a time keep four chains in flight."""
    target = line * scores.shape[1]
    size = head_dim * 16
    block = 0
    while block + 4 <= blocks:
        a = splat(np.float32(0.0))
        b, c, d = a, a, a
        k = base + block * size
        for i in range(head_dim):
            q = broadcast(query, at + i)
            a = fma(q, load(keys, k + i * 16), a)
            b = fma(q, load(keys, k + size + i * 16), b)
            c = fma(q, load(keys, k + 2 * size + i * 16), c)
            d = fma(q, load(keys, k + 3 * size + i * 16), d)
        store(scores, target + block * 16, a)
        store(scores, target + block * 16 + 16, b)
        store(scores, target + block * 16 + 32, c)
        store(scores, target + block * 16 + 48, d)
        block += 4
    while block < blocks:
        a = splat(np.float32(0.0))
        for i in range(head_dim):
            a = fma(broadcast(query, at + i), load(keys, base + block * size + i * 16), a)
        store(scores, target + block * 16, a)
        block += 1


@numba.njit(cache=True, nogil=True)
def _score_four(query, at, stride, keys, base, head_dim, blocks, scores):
    """`_score_row` for four rows at once, so that a block of keys is loaded once for all four: the same sums."""
    width = scores.shape[1]
    for block in range(blocks):
        a = splat(np.float32(0.0))
        b, c, d = a, a, a
        k = base + block * head_dim * 16
        for i in range(head_dim):
            key = load(keys, k + i * 16)
            a = fma(broadcast(query, at + i), key, a)
            b = fma(broadcast(query, at + stride + i), key, b)
            c = fma(broadcast(query, at + 2 * stride + i), key, c)
            d = fma(broadcast(query, at + 3 * stride + i), key, d)
        store(scores, block * 16, a)
        store(scores, width + block * 16, b)
        store(scores, 2 * width + block * 16, c)
        store(scores, 3 * width + block * 16, d)


@numba.njit(cache=True, nogil=True)
def _softmax(scores, line, count):
    """Turn scores[line, :count] into exp(score - max), padded to a multiple of 16 with 0; returns their sum."""
    base = line * scores.shape[1]
    padded = (count + 15) // 16 * 16
    for i in range(count, padded):
        scores[line, i] = _NEVER
    top = splat(_NEVER)
    for i in range(0, padded, 16):
        top = maximum(top, load(scores, base + i))
    highest = splat(lane_max(top))
    total = splat(np.float32(0.0))
    for i in range(0, padded, 16):
        weight = exp(load(scores, base + i) - highest)
        store(scores, base + i, weight)
        total = total + weight
    return lane_sum(total)


@numba.njit(cache=True, nogil=True)
def _mix_row64(scores, line, values, base, width, first, count, mixed):
    """mixed[line, first : first + 64] = sum over the committed slots, in order, of weight * value."""
    a = splat(np.float32(0.0))
    b, c, d = a, a, a
    for slot in range(count):
        weight = splat(scores[line, slot])
        at = base + slot * width + first
        a = fma(weight, load(values, at), a)
        b = fma(weight, load(values, at + 16), b)
        c = fma(weight, load(values, at + 32), c)
        d = fma(weight, load(values, at + 48), d)
    target = line * mixed.shape[1] + first
    store(mixed, target, a)
    store(mixed, target + 16, b)
    store(mixed, target + 32, c)
    store(mixed, target + 48, d)


@numba.njit(cache=True, nogil=True)
def _mix_row16(scores, line, values, base, width, first, count, mixed):
    """The same for sixteen dimensions."""
    a = splat(np.float32(0.0))
    for slot in range(count):
        a = fma(splat(scores[line, slot]), load(values, base + slot * width + first), a)
    store(mixed, line * mixed.shape[1] + first, a)


@numba.njit(cache=True, nogil=True)
def _mix_four16(scores, values, base, width, first, count, mixed):
    """The same for four rows and sixteen dimensions, so that a value is loaded once for all four rows."""
    a = splat(np.float32(0.0))
    b, c, d = a, a, a
    for slot in range(count):
        value = load(values, base + slot * width + first)
        a = fma(splat(scores[0, slot]), value, a)
        b = fma(splat(scores[1, slot]), value, b)
        c = fma(splat(scores[2, slot]), value, c)
        d = fma(splat(scores[3, slot]), value, d)
    store(mixed, first, a)
    store(mixed, mixed.shape[1] + first, b)
    store(mixed, 2 * mixed.shape[1] + first, c)
    store(mixed, 3 * mixed.shape[1] + first, d)


@numba.njit(cache=True, nogil=True)
def attend(query, head, row, rows, keys, values, layer, start, first, parents, scores, mixed, out):
    """Attention of query head `head` for the rows row..row+rows-1 of a drafted block; rows is 1 or 4.

    query: fp32 (heads, rows of the pass, head_dim), scaled. keys: fp32 (layers, kv, blocks, head_dim, 16); values:
    fp32 (layers, kv, slots, width), width = head_dim padded to a multiple of 16. The pass holds the rows first,
    first + 1, ... of a drafted block; block row b lies in slot start + b, and parents[b] < b is its parent row, -1 for
    one that hangs on the last committed token. scores, mixed: scratch of the calling thread, fp32 (4, >= slots) and
    (4, width). out: (rows of the pass, heads * width).
    """
    kv_heads, blocks, head_dim = keys.shape[1], keys.shape[2], keys.shape[3]
    slots, width = values.shape[2], values.shape[3]
    kv = head // (query.shape[0] // kv_heads)
    key_base = (layer * kv_heads + kv) * blocks * head_dim * 16
    value_base = (layer * kv_heads + kv) * slots * width
    stride = head_dim
    at = (head * query.shape[1] + row) * head_dim
    used = (start + first + row + rows + 15) // 16
    if rows == 4:
        _score_four(query, at, stride, keys, key_base, head_dim, used, scores)
    else:
        _score_row(query, at, keys, key_base, head_dim, used, scores, 0)

    path = np.empty((rows, parents.shape[0]), np.int32)  # each row's ancestors and itself, root first
    depth = np.empty(rows, np.int32)
    sums = np.empty(rows, np.float32)
    for line in range(rows):
        count, ancestor = 0, first + row + line
        while ancestor >= 0:
            path[line, count] = ancestor
            count += 1
            ancestor = parents[ancestor]
        for i in range(count // 2):
            path[line, i], path[line, count - 1 - i] = path[line, count - 1 - i], path[line, i]
        for i in range(count):
            scores[line, start + i] = scores[line, start + path[line, i]]  # i <= path[i]: nothing unread is lost
        depth[line] = count
        sums[line] = _softmax(scores, line, start + count)

    if rows == 4:
        for dim in range(0, width, 16):
            _mix_four16(scores, values, value_base, width, dim, start, mixed)
    else:
        whole = width // 64 * 64
        for dim in range(0, whole, 64):
            _mix_row64(scores, 0, values, value_base, width, dim, start, mixed)
        for dim in range(whole, width, 16):
            _mix_row16(scores, 0, values, value_base, width, dim, start, mixed)

    for line in range(rows):
        scale = splat(np.float32(1.0) / sums[line])
        target = (row + line) * out.shape[1] + head * width
        for dim in range(0, width, 16):
            total = load(mixed, line * width + dim)
            for i in range(depth[line]):
                weight = splat(scores[line, start + i])
                total = fma(weight, load(values, value_base + (start + path[line, i]) * width + dim), total)
            store_as(out, target + dim, total * scale)
