"""Ceilings, passes and steps of models with random weights."""

from __future__ import annotations

import time
from dataclasses import replace

import numpy as np
import torch

from mtpviz.bench.device.probe import MODELS as SHAPES
from mtpviz.bench.device.probe import Findings, Probe, cache_bytes, goal, make, prompt, weight_bytes
from mtpviz.bench.report import Table
from mtpviz.engine.device.program import Choice, chain_block
from mtpviz.engine.sampling import Sampling
from mtpviz.engine.selfcheck import invariance
from mtpviz.kernels.device import interpreting
from mtpviz.models.config import ModelConfig
from mtpviz.models.cpu import MAX_ROWS
from mtpviz.strategies.device.ntp import DeviceNextToken

ROWS = (1, 2, 4, 8, 16, 32, 64)


def ceilings(probe: Probe) -> Findings:
    """Copy bandwidth and the rate of a large matrix product: what the other sections are held against."""
    size = 2**20 if interpreting() else 2**31
    source = torch.randint(0, 255, (size,), dtype=torch.uint8, device=probe.device)
    target = torch.empty_like(source)
    probe.bandwidth = 2 * size / (probe.ms(lambda: target.copy_(source)) / 1000)
    n = 64 if interpreting() else 8192
    a, b = (torch.randn(n, n, device=probe.device).to(probe.dtype) for _ in range(2))
    out = torch.empty_like(a)
    probe.matrix = 2 * n**3 / (probe.ms(lambda: torch.matmul(a, b, out=out)) / 1000)
    row = {"copy TB/s": probe.bandwidth / 1e12, "matrix product TFLOP/s": probe.matrix / 1e12,
           "dtype": str(probe.dtype)}
    return Findings([Table("Ceilings", [row], "Copy: bytes read and written, random data, device to device.")])


def bitwise(probe: Probe) -> Findings:
    """Row and layout invariance, 1 to 64 rows: models of the shapes' widths with two layers."""
    rows = []
    for name in ["bundled", *probe.models]:
        if probe.over:
            break
        probe.progress(f"{name}: comparing passes bit by bit")
        config = probe.session.config if name == "bundled" else SHAPES[name]
        model = probe.session.target if name == "bundled" else make(_small_head(config), probe.dtype, probe.device, 2)
        found = invariance(model)
        rows.append({"model": name, "rows": found["rows"], "layouts": found["layouts"],
                     "compaction": found["compaction"], "nodes": found["nodes"], "differing": found["differing"]})
    differing = sum(row["differing"] for row in rows)
    note = ("Logits and caches of chains and random trees of 1 to 64 rows against plain passes over each node's path, "
            "one row at a time, in one block and level by level, before and after compaction. Shapes: two layers.")
    return Findings([Table("Bitwise row and layout invariance", rows, note)],
                    [goal("nodes whose logits differ in any bit", most=0, measured=float(differing))])


def _small_head(config: ModelConfig) -> ModelConfig:
    return replace(config, vocab=min(config.vocab, 16384), context=1024 if config.context > 1024 else config.context)


def steps(probe: Probe) -> Findings:
    """Next-token steps at several contexts, and passes over more rows, beside the bytes that they must read."""
    by_context, by_rows, goals = [], [], []
    for name in probe.models:
        model = probe.model(name)
        config, item = model.config, probe.dtype.itemsize
        for context in probe.contexts:
            if probe.over:
                break
            probe.progress(f"{name}: next-token steps at {context}")
            start = time.perf_counter()
            lane = probe.lane(model, DeviceNextToken(None, Sampling()), [prompt(model, context)], 8 * probe.repeats)
            lane.prefill()
            prefill = 1000 * (time.perf_counter() - start)
            found = stamps_of(lane, 4 * probe.repeats)
            moved = weight_bytes(config, item) + cache_bytes(config, context, item)
            share = probe.share(moved, found["step ms"])
            by_context.append({"model": name, "context": context, "step ms": found["step ms"],
                               "tokens/s": 1000 / found["step ms"], "must read GB": moved / 1e9,
                               "floor ms": 1000 * moved / probe.bandwidth, "of bandwidth": share,
                               "idle": found["idle"], "prefill ms": prefill})
            del lane
            if context == probe.contexts[0]:
                goals += _step_goals(name, share, found)
        goals += _rows(probe, name, model, by_rows)
    note = ("step ms: median by the device's clock, draft to commit. idle: the device's gap between steps, as a share "
            "of steps and gaps. floor: bytes that must be read, at the measured copy bandwidth.")
    return Findings([Table("Next-token steps", by_context, note),
                     Table("A pass over more rows", by_rows, "Target pass with its unembedding and choice, captured.")],
                    goals)


def _step_goals(name: str, share: float, found: dict) -> list:
    goals = [goal(f"{name}: device idle between steps", most=0.03, measured=found["idle"])]
    if name == "Llama-3.1-8B":
        goals.append(goal("Llama-3.1-8B: a step's share of the copy bandwidth", least=0.8, measured=share))
    if name == "Qwen3-0.6B":
        goals.append(goal("Qwen3-0.6B: a step against its floor", most=1.5, measured=1 / share))
    return goals


def stamps_of(lane, count: int) -> dict:
    """Steps of a lane on end: median milliseconds, share of gaps, tokens, and the wall clock's tokens a second."""
    lane.ready()
    spans, gaps, tokens = [], [], 0
    for index in range(max(count, 6)):
        if index == 4:
            start, tokens = time.perf_counter(), 0  # the first steps warm up
        shape, arrays = lane.advance()
        stamps = arrays["stamps"]
        tokens += int(arrays["kept"].sum())
        if index >= 4:
            spans.append(int(stamps[4] - stamps[1]) / 1e6)
            gaps.append(max(0, int(stamps[1] - stamps[0])) / 1e6)
    seconds = time.perf_counter() - start
    return {"step ms": float(np.median(spans)), "idle": sum(gaps) / (sum(gaps) + sum(spans)), "tokens": tokens,
            "wall tokens/s": tokens / seconds, "device tokens/s": 1000 * tokens / (sum(spans) + sum(gaps))}


def _rows(probe: Probe, name: str, model, table: list) -> list:
    """Milliseconds of a pass by rows, at the middle context."""
    context = probe.contexts[len(probe.contexts) // 2]
    cache = model.new_cache(-(-(context + MAX_ROWS) // 256) * 256)
    for tensor in (cache.keys, cache.values):
        tensor.normal_()
    cache.lengths.fill_(context)
    state = probe.lane(model, DeviceNextToken(None, Sampling()), [[0]], 1).state
    choice, found = Choice(state, Sampling(), MAX_ROWS), {}
    wanted = torch.zeros((1, MAX_ROWS), dtype=torch.int32, device=probe.device)
    for rows in ROWS:
        probe.progress(f"{name}: a pass over {rows} rows at {context}")
        block = chain_block(probe.device, 1, rows, torch.full_like(cache.lengths, rows))

        def launches(block=block, rows=rows) -> None:
            choice(model.run(cache, block), block.positions, wanted[:, :rows])

        found[rows] = probe.ms(launches)
    table.append({"model": name, "context": context, **{f"{rows} rows ms": ms for rows, ms in found.items()},
                  "64 against 1": found[64] / found[1]})
    if name == "Llama-3.1-8B":
        return [goal("Llama-3.1-8B: a pass over 64 rows against one row", most=1.15, measured=found[64] / found[1])]
    return []
