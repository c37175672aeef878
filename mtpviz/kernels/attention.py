"""Tree attention: each row sees the committed tokens, its own ancestors in the drafted block, and itself.

Keys are taken in the order of their positions: the committed slots 0..start-1, then the row's ancestors from the root
downwards. A score is one chain of multiply-adds over the head's dimensions in a lane of its own, so it does not matter
in which slot or lane the key lies; the softmax's sum and the sum of values run in position order. Masked keys enter no
sum. So a row's result has the same bits whichever rows share the pass (row invariance) and wherever its ancestors lie
(layout invariance).

A line is a row under one query head. The heads that share a KV head, and the rows, are taken LINES lines at a time, so
that a key or a value is read once for all of them; a line's sums are the same however many keep it company.
"""

from __future__ import annotations

import numpy as np

from mtpviz.kernels.compiler import cgutils, intrinsic, ir, numba, types
from mtpviz.kernels.simd import (
    I64,
    LANES,
    VECTOR,
    element_pointer,
    exp,
    fma,
    fma_ir,
    lane_max,
    lane_sum,
    load,
    load_ir,
    maximum,
    splat,
    splat_ir,
    store,
    store_as,
)

LINES = 4  # of a tile at most
_NEVER = np.float32(-3.0e38)  # score of a padding lane: its exp is exactly 0


def _sums(builder, steps, lines, vectors, scalar, vector, target):
    """Emit target(line, j) <- sum over k < steps, in order, of scalar(line, k) * vector(j, k): lines x vectors chains
    of multiply-adds, all in registers; enough of them in flight hide the latency of each."""
    chains = [[cgutils.alloca_once(builder, VECTOR) for _ in range(vectors)] for _ in range(lines)]
    for pointer in (p for line in chains for p in line):
        builder.store(ir.Constant(VECTOR, [0.0] * LANES), pointer)
    with cgutils.for_range(builder, steps) as loop:
        shared = [load_ir(builder, vector(j, loop.index)) for j in range(vectors)]
        for line in range(lines):
            factor = splat_ir(builder, builder.load(scalar(line, loop.index), align=4))
            for j, pointer in enumerate(chains[line]):
                builder.store(fma_ir(builder, factor, shared[j], builder.load(pointer)), pointer)
    for line in range(lines):
        for j, pointer in enumerate(chains[line]):
            builder.store(builder.load(pointer), builder.bitcast(target(line, j), VECTOR.as_pointer()), align=4)


def _score_tile(lines: int, blocks: int):
    @intrinsic
    def score(typing, query, starts, keys, base, head_dim, scores, column):
        """scores[line, column : column + 16 blocks] = query . key; line i of the query starts at flat starts[i], the
        first block of keys at flat `base`."""

        def codegen(context, builder, sig, args):
            queries, starts_, all_keys, base_, steps, outs, column_ = args
            flat = [builder.load(element_pointer(context, builder, sig.args[1], starts_, ir.Constant(I64, i)))
                    for i in range(lines)]
            rows = [element_pointer(context, builder, sig.args[0], queries, at) for at in flat]
            first = element_pointer(context, builder, sig.args[2], all_keys, base_)
            size = builder.mul(steps, ir.Constant(I64, LANES))
            block = [builder.gep(first, [builder.mul(size, ir.Constant(I64, j))]) for j in range(blocks)]
            width = builder.extract_value(context.make_array(sig.args[5])(context, builder, outs).shape, 1)

            def target(line, j):
                at = builder.add(builder.mul(width, ir.Constant(I64, line)), column_)
                return element_pointer(context, builder, sig.args[5], outs,
                                       builder.add(at, ir.Constant(I64, LANES * j)))

            _sums(builder, steps, lines, blocks, lambda line, k: builder.gep(rows[line], [k]),
                  lambda j, k: builder.gep(block[j], [builder.mul(k, ir.Constant(I64, LANES))]), target)
            return context.get_dummy_value()

        return types.void(query, starts, keys, types.intp, types.intp, scores, types.intp), codegen

    return score


def _mix_tile(lines: int, vectors: int):
    @intrinsic
    def mix(typing, scores, values, base, count, mixed, column):
        """mixed[line, column : column + 16 vectors] = sum over the slots s < count of scores[line, s] * value; slot 0's
        value starts at flat `base`, and slots are values.shape[3] apart."""

        def codegen(context, builder, sig, args):
            weights, all_values, base_, steps, outs, column_ = args

            def size(position, axis):
                struct = context.make_array(sig.args[position])(context, builder, args[position])
                return builder.extract_value(struct.shape, axis)

            slots, width, stride = size(0, 1), size(4, 1), size(1, 3)
            rows = [element_pointer(context, builder, sig.args[0], weights, builder.mul(slots, ir.Constant(I64, i)))
                    for i in range(lines)]
            first = element_pointer(context, builder, sig.args[1], all_values, builder.add(base_, column_))

            def target(line, j):
                at = builder.add(builder.mul(width, ir.Constant(I64, line)), column_)
                return element_pointer(context, builder, sig.args[4], outs,
                                       builder.add(at, ir.Constant(I64, LANES * j)))

            _sums(builder, steps, lines, vectors, lambda line, k: builder.gep(rows[line], [k]),
                  lambda j, k: builder.gep(first, [builder.add(builder.mul(k, stride), ir.Constant(I64, LANES * j))]),
                  target)
            return context.get_dummy_value()

        return types.void(scores, values, types.intp, types.intp, mixed, types.intp), codegen

    return mix


_score1x8, _score1x1 = _score_tile(1, 8), _score_tile(1, 1)
_score2x4, _score2x1 = _score_tile(2, 4), _score_tile(2, 1)
_score4x2, _score4x1 = _score_tile(4, 2), _score_tile(4, 1)
_mix1x4, _mix1x1 = _mix_tile(1, 4), _mix_tile(1, 1)
_mix2x4, _mix2x1 = _mix_tile(2, 4), _mix_tile(2, 1)
_mix4x4, _mix4x1 = _mix_tile(4, 4), _mix_tile(4, 1)


@numba.njit(cache=True, nogil=True)
def _score(lines, query, starts, keys, base, head_dim, blocks, scores):
    """scores[:lines, :16 blocks]; three lines are taken for four."""
    block, size = 0, head_dim * 16
    if lines == 1:
        while block + 8 <= blocks:
            _score1x8(query, starts, keys, base + block * size, head_dim, scores, block * 16)
            block += 8
        while block < blocks:
            _score1x1(query, starts, keys, base + block * size, head_dim, scores, block * 16)
            block += 1
    elif lines == 2:
        while block + 4 <= blocks:
            _score2x4(query, starts, keys, base + block * size, head_dim, scores, block * 16)
            block += 4
        while block < blocks:
            _score2x1(query, starts, keys, base + block * size, head_dim, scores, block * 16)
            block += 1
    else:
        while block + 2 <= blocks:
            _score4x2(query, starts, keys, base + block * size, head_dim, scores, block * 16)
            block += 2
        if block < blocks:
            _score4x1(query, starts, keys, base + block * size, head_dim, scores, block * 16)


@numba.njit(cache=True, nogil=True)
def _mix(lines, scores, values, base, count, width, mixed):
    """mixed[:lines, :width] = sum over the slots before `count`, in order, of weight * value."""
    column = 0
    while column + 64 <= width:
        if lines == 1:
            _mix1x4(scores, values, base, count, mixed, column)
        elif lines == 2:
            _mix2x4(scores, values, base, count, mixed, column)
        else:
            _mix4x4(scores, values, base, count, mixed, column)
        column += 64
    while column < width:
        if lines == 1:
            _mix1x1(scores, values, base, count, mixed, column)
        elif lines == 2:
            _mix2x1(scores, values, base, count, mixed, column)
        else:
            _mix4x1(scores, values, base, count, mixed, column)
        column += 16


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
def _ancestors(parents, row, paths, line):
    """Fill paths[line] with a block row's ancestors and itself, root first; how many there are."""
    count, ancestor = 0, row
    while ancestor >= 0:
        count, ancestor = count + 1, parents[ancestor]
    ancestor = row
    for i in range(count):
        paths[line, count - 1 - i] = ancestor
        ancestor = parents[ancestor]
    return count


@numba.njit(cache=True, nogil=True)
def attend(query, kv, line, lines, rows, keys, values, layer, start, first, parents, scratch, out):
    """Attention of the lines line..line+lines-1 (at most LINES) of KV head `kv`: line i is row i % rows of the pass
    under the head's query head i // rows.

    query: fp32 (heads, >= rows, head_dim), scaled. keys: fp32 (layers, kv, blocks, head_dim, 16); values: fp32
    (layers, kv, slots, width), width = head_dim padded to a multiple of 16. The pass holds the rows first, first + 1,
    ... of a drafted block; block row b lies in slot start + b, and parents[b] < b is its parent row, -1 for one that
    hangs on the last committed token. scratch: the calling thread's: scores fp32 (LINES, >= slots), mixed fp32 (LINES,
    width), sums fp32 (LINES,), paths int32 (LINES, rows of a block), starts and depths int64 (LINES,). out: (rows of
    the pass, heads * width).
    """
    scores, mixed, sums, paths, starts, depths = scratch
    kv_heads, blocks, head_dim = keys.shape[1], keys.shape[2], keys.shape[3]
    slots, width = values.shape[2], values.shape[3]
    head = kv * (query.shape[0] // kv_heads)
    key_base = (layer * kv_heads + kv) * blocks * head_dim * 16
    value_base = (layer * kv_heads + kv) * slots * width
    for i in range(LINES):
        n = line + min(i, lines - 1)
        starts[i] = ((head + n // rows) * query.shape[1] + n % rows) * head_dim
    _score(lines, query, starts, keys, key_base, head_dim, (start + first + rows + 15) // 16, scores)
    for i in range(lines):
        count = _ancestors(parents, first + (line + i) % rows, paths, i)
        for j in range(count):
            scores[i, start + j] = scores[i, start + paths[i, j]]  # j <= paths[i, j]: nothing unread is lost
        depths[i] = count
        sums[i] = _softmax(scores, i, start + count)
    _mix(lines, scores, values, value_base, start, width, mixed)
    for i in range(lines):
        n, scale = line + i, splat(np.float32(1.0) / sums[i])
        target = (n % rows) * out.shape[1] + (head + n // rows) * width
        column = 0
        while column + 64 <= width:  # four sums at a time: one alone waits for itself
            at = i * width + column
            a, b, c, d = load(mixed, at), load(mixed, at + 16), load(mixed, at + 32), load(mixed, at + 48)
            for j in range(depths[i]):
                weight, at = splat(scores[i, start + j]), value_base + (start + paths[i, j]) * width + column
                a, b = fma(weight, load(values, at), a), fma(weight, load(values, at + 16), b)
                c, d = fma(weight, load(values, at + 32), c), fma(weight, load(values, at + 48), d)
            store_as(out, target + column, a * scale)
            store_as(out, target + column + 16, b * scale)
            store_as(out, target + column + 32, c * scale)
            store_as(out, target + column + 48, d * scale)
            column += 64
        while column < width:
            total = load(mixed, i * width + column)
            for j in range(depths[i]):
                weight = splat(scores[i, start + j])
                total = fma(weight, load(values, value_base + (start + paths[i, j]) * width + column), total)
            store_as(out, target + column, total * scale)
            column += 16
