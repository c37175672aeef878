"""Single kernels on the device, each against its floor: the products, tree attention beside SDPA, the unembedding."""

from __future__ import annotations

from collections.abc import Callable

import torch

from mtpviz.bench.device.probe import MODELS, Findings, Probe, cache_bytes, goal
from mtpviz.bench.report import Table
from mtpviz.engine.device.program import chain_block
from mtpviz.kernels.device import interpreting
from mtpviz.kernels.device.ancestry import ancestry
from mtpviz.kernels.device.attention import Scratch, attention
from mtpviz.kernels.device.linear import Workspace, linear
from mtpviz.kernels.device.vocab import VocabScratch, top_tokens
from mtpviz.models.config import ModelConfig


def products(probe: Probe) -> Findings:
    """Every weight of a layer and the head, over 1, 16 and 64 rows, in turns of copies that no cache holds."""
    rows_of, table, goals = (1, 16, 64), [], []
    for name in probe.models:
        for kind, (n, k) in weights_of(MODELS[name]).items():
            if probe.over:
                break
            probe.progress(f"{name}: {kind}")
            size, weights = n * k * probe.dtype.itemsize, copies_of(probe, n, k)
            for rows in rows_of:
                ms = probe.ms(over_rows(probe, kind, weights, rows)) / len(weights)
                share = probe.share(size, ms)
                table.append({"model": name, "kernel": kind, "rows": rows, "us": 1000 * ms,
                              "floor us": 1e6 * size / probe.bandwidth, "of bandwidth": share})
                if kind == "vocabulary" and rows == 1 and name == "Llama-3.1-8B":
                    goals.append(goal("vocabulary head's share of the copy bandwidth", least=0.85, measured=share))
            del weights
    return Findings([Table("Products with weights", table, "us: of one launch among copies of the weight in turns, "
                           "in a captured graph, with random data. vocabulary: product, top 1, log-sum-exp.")], goals)


def weights_of(c: ModelConfig) -> dict[str, tuple[int, int]]:
    """(outputs, k) of a layer's weights, and of the vocabulary."""
    width, kv = c.heads * c.head_dim, c.kv_heads * c.head_dim
    return {"qkv": (width + 2 * kv, c.hidden), "o": (c.hidden, width), "gate_up": (2 * c.inner, c.hidden),
            "down": (c.hidden, c.inner), "vocabulary": (c.vocab, c.hidden)}


def copies_of(probe: Probe, n: int, k: int) -> list[torch.Tensor]:
    """Random weights (n, k), as many as no cache holds."""
    size = n * k * probe.dtype.itemsize
    copies = 1 if interpreting() else max(1, min(64, -(-(256 * 2**20) // size)))
    return [torch.randn(n, k, device=probe.device).to(probe.dtype) for _ in range(copies)]


def over_rows(probe: Probe, kind: str, weights: list[torch.Tensor], rows: int) -> Callable[[], None]:
    """The launches of fresh rows with each copy of the weight."""
    x = torch.randn(rows, weights[0].shape[1], device=probe.device).to(probe.dtype)
    return _head(probe, x, weights) if kind == "vocabulary" else _product(probe, x, weights, kind)


def _product(probe: Probe, x, weights, kind: str) -> Callable[[], None]:
    n, k = weights[0].shape
    epilogue = "swiglu" if kind == "gate_up" else "none"
    out = torch.empty(len(x), n // 2 if epilogue == "swiglu" else n, device=probe.device, dtype=probe.dtype)
    workspace = Workspace(probe.device, 64, [(n, k)])

    def launches() -> None:
        for weight in weights:
            linear(x, weight, out, workspace, epilogue=epilogue)
    return launches


def _head(probe: Probe, x, weights) -> Callable[[], None]:
    rows, vocab = len(x), len(weights[0])
    ids = torch.zeros(rows, 1, dtype=torch.int32, device=probe.device)
    probs, lse = torch.zeros(rows, 1, device=probe.device), torch.zeros(rows, device=probe.device)
    scratch = VocabScratch(probe.device, rows, vocab, 1)

    def launches() -> None:
        for weight in weights:
            top_tokens(x, weight, ids, probs, lse, scratch)
    return launches


def tree_attention(probe: Probe) -> Findings:
    """One layer's attention over a long cache, 1 and 64 rows, beside SDPA with a mask."""
    heads, kv, dim = (4, 2, 16) if interpreting() else (32, 8, 128)
    cases = [(1, 128)] if interpreting() else [(1, 8192), (1, 32768), (8, 8192), (8, 16384)]
    table, goals = [], []
    for batch, context in cases:
        for rows in (1, 16, 64):
            if probe.over:
                break
            probe.progress(f"attention: {batch} x {context}, {rows} rows")
            query, keys, values = random_layer(probe, batch, context, rows, heads, kv, dim)
            ms = probe.ms(over_context(query, keys, values, context))
            peer = probe.ms(_sdpa(query, keys, values, context, rows))
            moved = 2 * batch * kv * (context + rows) * dim * probe.dtype.itemsize
            share = probe.share(moved, ms)
            table.append({"batch": batch, "context": context, "rows": rows, "KV MB": moved / 1e6, "us": 1000 * ms,
                          "floor us": 1e6 * moved / probe.bandwidth, "of bandwidth": share, "SDPA us": 1000 * peer,
                          "faster by": peer / ms})
            if rows == 64 and (batch, context) == (1, 8192):
                goals += [goal("tree attention, 8k batch 1: share of bandwidth", least=0.5, measured=share),
                          goal("tree attention against SDPA with a mask", least=2.0, measured=peer / ms)]
            if rows == 64 and moved >= 128e6 and not any("128 MB" in g.what for g in goals):
                goals.append(goal("tree attention, 128 MB of KV a layer: share of bandwidth", 0.8, measured=share))
    return Findings([Table("Tree attention, one layer", table, "32 query heads, 8 key heads of 128. SDPA: torch's, "
                           "grouped heads, with a boolean mask over the same cache.")], goals)


def random_layer(probe: Probe, batch: int, context: int, rows: int, heads: int, kv: int, dim: int) -> list:
    """Queries (batch * rows, heads, dim), keys and values of one layer's cache."""
    slots = -(-(context + 64) // 256) * 256
    shapes = ((batch * rows, heads, dim), (batch, kv, slots, dim), (batch, kv, slots, dim))
    return [torch.randn(shape, device=probe.device).to(probe.dtype) for shape in shapes]


def over_context(query, keys, values, context: int) -> Callable[[], None]:
    """The launches of tree attention for a chain behind `context` committed positions of each sequence."""
    batch, _, slots, dim = keys.shape
    rows, heads = len(query) // batch, query.shape[1]
    lengths = torch.full((batch,), context, dtype=torch.int32, device=query.device)
    block = chain_block(query.device, batch, rows, torch.full_like(lengths, rows))
    ancestry(block.parents, lengths, block.counts, block.path, block.depth, block.positions)
    out = torch.empty(batch * rows, heads * dim, device=query.device, dtype=query.dtype)
    scratch = Scratch(query.device, batch, rows, heads, dim, slots)

    def launches() -> None:
        attention(query, keys, values, lengths, block.path, block.depth, out, scratch)
    return launches


def _sdpa(query, keys, values, context: int, rows: int):
    batch, heads, dim = len(keys), query.shape[1], query.shape[2]
    q = query.view(batch, rows, heads, dim).transpose(1, 2).contiguous()
    seen = context + rows
    k, v = (t[:, :, :seen].contiguous() for t in (keys, values))
    mask = torch.ones(rows, seen, dtype=torch.bool, device=query.device).tril(seen - rows)[None, None]

    def launches() -> None:
        torch.nn.functional.scaled_dot_product_attention(q, k, v, attn_mask=mask, enable_gqa=True)
    return launches


def in_situ(probe: Probe) -> Findings:
    """Where a pass spends its time, kernel by kernel, by torch's profiler on uncaptured launches."""
    if interpreting():
        return Findings([Table("Kernels of a pass", [], "The interpreter has no device to profile.")])
    table = []
    for name in probe.models:
        model = probe.model(name)
        for rows in (1, 64):
            if probe.over:
                break
            probe.progress(f"{name}: kernels of a pass over {rows} rows")
            context = probe.contexts[len(probe.contexts) // 2]
            cache = model.new_cache(-(-(context + 64) // 256) * 256)
            cache.lengths.fill_(context)
            block = chain_block(probe.device, 1, rows, torch.full_like(cache.lengths, rows))
            model.run(cache, block)
            torch.cuda.synchronize()
            with torch.profiler.profile(activities=[torch.profiler.ProfilerActivity.CUDA]) as profile:
                model.run(cache, block)
                torch.cuda.synchronize()
            found = [(e.key, e.count, e.self_device_time_total) for e in profile.key_averages()
                     if e.self_device_time_total > 0]
            whole = sum(us for _, _, us in found)
            moved = _moved(model.config, rows, context, probe.dtype.itemsize)
            for key, count, us in sorted(found, key=lambda entry: -entry[2])[:10]:
                floor = 1e6 * moved[key] / probe.bandwidth / count if key in moved else None
                table.append({"model": name, "rows": rows, "context": context, "kernel": key[:40], "launches": count,
                              "us each": us / count, "floor us": floor, "of bandwidth": floor and floor * count / us,
                              "share of pass": us / whole})
    note = ("Device time of one pass without the unembedding. floor us: bytes that the kernel must move at the copy "
            "bandwidth, where it moves enough for that to say something; a launch alone is about 2 us.")
    return Findings([Table("Kernels of a pass", table, note)])


def _moved(c: ModelConfig, rows: int, context: int, item: int) -> dict[str, int]:
    """Bytes that a pass' launches of each kernel must move, by the kernel's name."""
    weights = sum(n * k for kind, (n, k) in weights_of(c).items() if kind != "vocabulary")
    around = rows * (c.heads + 2 * c.kv_heads) * c.head_dim
    return {"_linear": c.layers * weights * item, "_attend": cache_bytes(c, context + rows, item),
            "_place": 2 * c.layers * around * item, "_rms_norm": (2 * c.layers + 1) * rows * c.hidden * (4 + item)}
