"""The pass itself: all layers in one compiled parallel region, and what the cache and the unembedding need besides.

Arguments are the parts of models.cpu.CpuModel, as it hands them over; numba wants them one by one.
"""

from __future__ import annotations

from mtpviz.kernels.attention import LINES, attend
from mtpviz.kernels.compiler import numba
from mtpviz.kernels.linear import PANEL, fetch, multiply
from mtpviz.kernels.norm import copy_rows, rms_norm_rows
from mtpviz.kernels.rope import place
from mtpviz.kernels.simd import load, store_as
from mtpviz.kernels.swiglu import swiglu_panel
from mtpviz.kernels.team import wait


@numba.njit(cache=True, nogil=True)
def compact(keys, values, start, path):
    """Move the slots start + path[i] to start + i. Ascending, so a slot is read before it is written over."""
    for i in range(path.shape[0]):
        source, target = start + path[i], start + i
        if source != target:
            keys[:, :, target // 16, :, target % 16] = keys[:, :, source // 16, :, source % 16]
            values[:, :, target] = values[:, :, source]


# Only the loop below is to be parallel: by default numba would turn slice assignments into regions of their own.
_PRANGE_ONLY = {"prange": True, "comprehension": False, "numpy": False, "reduction": False, "setitem": False,
                "stencil": False, "fusion": False}


@numba.njit(cache=True, nogil=True, parallel=_PRANGE_ONLY)
def run_layers(arrivals, threads, buffers, attending, weights, tables, cache, parents, positions, wanted, sizes, eps):
    """One parallel region for the whole pass; False if it was given fewer threads than it asked for."""
    arrivals[0] = 0
    complete = 0
    for thread in numba.prange(threads):
        complete += _share(thread, threads, arrivals, buffers, attending, weights, tables, cache, parents, positions,
                           wanted, sizes, eps)
    return complete == threads


@numba.njit(cache=True, nogil=True)
def _share(thread, threads, arrivals, buffers, attending, weights, tables, cache, parents, positions, wanted, sizes,
           eps):
    """One thread's share of all layers from first_layer on, the final norm and the head.

    Threads share out panels, rows or heads, and wait for each other wherever one reads what another wrote. Norms are
    cheaper than a wait: every thread makes its own copy. Returns 1, or 0 if the team turned out to be incomplete.
    """
    x, side, all_normed, final, qkv, query, mixed, gate_up, gated, logits, taps = buffers
    w_qkv, w_o, w_gate_up, w_down, w_head, norms, plain, side_norms, bias, q_norm, k_norm = weights
    cos, sin = tables
    keys, values = cache
    start, first, rows, head_rows, first_layer, hidden, heads, head_dim = sizes
    normed = all_normed[thread]
    all_scores, all_mixed, all_sums, all_paths, all_starts, all_depths = attending
    scratch = (all_scores[thread], all_mixed[thread], all_sums[thread], all_paths[thread], all_starts[thread],
               all_depths[thread])
    flat_norms = norms.ravel()
    layers = w_qkv.shape[0]
    kv_heads = keys.shape[1]
    group = heads // kv_heads
    lines = group * rows  # of a KV head
    tiles = -(-lines // LINES)
    # A matrix's panels, and this thread's share of them.
    n_qkv, n_o, n_gate_up, n_down, n_head = (w_qkv.shape[1], w_o.shape[1], w_gate_up.shape[1], w_down.shape[1],
                                             w_head.shape[0])
    qkv_begin, qkv_end = n_qkv * thread // threads, n_qkv * (thread + 1) // threads
    o_begin, o_end = n_o * thread // threads, n_o * (thread + 1) // threads
    up_begin, up_end = n_gate_up * thread // threads, n_gate_up * (thread + 1) // threads
    down_begin, down_end = n_down * thread // threads, n_down * (thread + 1) // threads
    head_begin, head_end = n_head * thread // threads, n_head * (thread + 1) // threads
    # Its KV heads, if they can be shared out whole.
    grouped = kv_heads % threads == 0 and head_dim % PANEL == 0
    kv_begin, kv_end = kv_heads * thread // threads, kv_heads * (thread + 1) // threads
    for layer in range(first_layer, layers):
        if thread == 0 and wanted[layer] >= 0:
            taps[wanted[layer], :rows] = x[:rows, :hidden]
        column = 0
        if side_norms.size:
            rms_norm_rows(side, side_norms.ravel(), layer * hidden, eps, hidden, normed, rows)
            column = hidden
        if plain[2 * layer]:
            copy_rows(x, hidden, normed, rows, column)
        else:
            rms_norm_rows(x, flat_norms, 2 * layer * hidden, eps, hidden, normed, rows, column)
        if grouped:  # from the projections to attention's result nothing of another thread is read
            for begin, end in ((kv_begin * group, kv_end * group), (heads + kv_begin, heads + kv_end),
                               (heads + kv_heads + kv_begin, heads + kv_heads + kv_end)):
                multiply(normed, w_qkv, layer * n_qkv, begin * head_dim // PANEL, end * head_dim // PANEL, qkv, rows,
                         False)
            fetch(w_o, layer * n_o + o_begin)
            place(qkv, bias, q_norm, k_norm, eps, cos, sin, positions, keys, values, layer, start + first, heads,
                  head_dim, query, 0, rows, kv_begin, kv_end)
        else:
            multiply(normed, w_qkv, layer * n_qkv, qkv_begin, qkv_end, qkv, rows, False)
            fetch(w_o, layer * n_o + o_begin)
            if not wait(arrivals, threads):
                return 0
            place(qkv, bias, q_norm, k_norm, eps, cos, sin, positions, keys, values, layer, start + first, heads,
                  head_dim, query, rows * thread // threads, rows * (thread + 1) // threads, 0, kv_heads)
            if not wait(arrivals, threads):
                return 0
        for tile in range(kv_heads * tiles * thread // threads, kv_heads * tiles * (thread + 1) // threads):
            line = tile % tiles * LINES
            attend(query, tile // tiles, line, min(LINES, lines - line), rows, keys, values, layer, start, first,
                   parents, scratch, mixed)
        if not wait(arrivals, threads):
            return 0
        multiply(mixed, w_o, layer * n_o, o_begin, o_end, x, rows, True)
        fetch(w_gate_up, layer * n_gate_up + up_begin)
        if not wait(arrivals, threads):
            return 0
        rms_norm_rows(x, flat_norms, (2 * layer + 1) * hidden, eps, hidden, normed, rows)
        for panel in range(up_begin, up_end):
            multiply(normed, w_gate_up, layer * n_gate_up, panel, panel + 1, gate_up, rows, False)
            swiglu_panel(gate_up, panel, gated, rows)
        fetch(w_down, layer * n_down + down_begin)
        if not wait(arrivals, threads):
            return 0
        multiply(gated, w_down, layer * n_down, down_begin, down_end, x, rows, True)
        if layer + 1 < layers:
            fetch(w_qkv, (layer + 1) * n_qkv + qkv_begin)
        else:
            fetch(w_head, head_begin)
        if not wait(arrivals, threads):
            return 0
    if thread == 0:
        if wanted[layers] >= 0:
            taps[wanted[layers], :rows] = x[:rows, :hidden]
        if plain[2 * layers]:
            copy_rows(x, hidden, final, rows)
        else:
            rms_norm_rows(x, flat_norms, 2 * layers * hidden, eps, hidden, final, rows)
    if head_rows > 0:
        last = x[rows - head_rows :]
        if plain[2 * layers]:
            copy_rows(last, hidden, normed, head_rows)
        else:
            rms_norm_rows(last, flat_norms, 2 * layers * hidden, eps, hidden, normed, head_rows)
        multiply(normed, w_head, 0, head_begin, head_end, logits, head_rows, False)
    return 1


@numba.njit(cache=True, nogil=True, parallel=_PRANGE_ONLY)
def unembed(rows, copies, w_head, logits, threads):
    for thread in numba.prange(threads):
        normed = copies[thread]
        for i in range(rows.shape[0]):
            for k in range(0, rows.shape[1], 16):
                store_as(normed, i * normed.shape[1] + k, load(rows, i * rows.shape[1] + k))
        begin, end = w_head.shape[0] * thread // threads, w_head.shape[0] * (thread + 1) // threads
        multiply(normed, w_head, 0, begin, end, logits, rows.shape[0], False)
