"""The GPU of a session: what it is, what fits, how long a pass takes, and the lanes on it."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property
from typing import TYPE_CHECKING

import torch

from mtpviz.engine.budget import PassCost
from mtpviz.engine.device.drafter import DeviceDrafter
from mtpviz.engine.device.graph import captured, milliseconds
from mtpviz.engine.device.lane import DeviceLane
from mtpviz.engine.device.memory import check, footprint
from mtpviz.engine.device.program import chain_block
from mtpviz.engine.sampling import Sampling
from mtpviz.kernels.device import interpreting, memory_device
from mtpviz.models.config import ModelConfig
from mtpviz.models.cpu import MAX_ROWS
from mtpviz.models.gpu import GpuModel
from mtpviz.models.weights import Weights

if TYPE_CHECKING:
    from mtpviz.engine.session import Session


class Gpu:
    """clock: int64 (1,), the last stamp of any lane (kernels/device/stamp.py). plan: bytes by what takes them, of the
    models that were built."""

    def __init__(self):
        self.device = memory_device()
        self.clock = torch.zeros(1, dtype=torch.int64, device=self.device)
        self.plan: dict[str, int] = {}

    @cached_property
    def name(self) -> str:
        """What it calls itself, with its memory."""
        if interpreting():
            return "Triton's interpreter (TRITON_INTERPRET=1), no GPU"
        found = torch.cuda.get_device_properties(self.device)
        return f"{found.name}, {found.total_memory / 1e9:.0f} GB, sm_{found.major}{found.minor}"

    def model(self, what: str, config: ModelConfig, weights: Weights, dtype: torch.dtype,
              shared: GpuModel | None = None) -> GpuModel:
        """The model in the GPU's memory, its embeddings those of `shared` if given; UserError if it does not fit,
        before anything of it is taken."""
        planned = GpuModel(config, weights, dtype, "meta", shared)
        there = 0 if shared is None else footprint(shared.embedding, shared.head)
        parts = {f"{what} weights": footprint(planned) - there, f"{what} buffers": footprint(planned.buffers(1))}
        check(f"The {what} model", parts)
        self.plan |= parts
        return GpuModel(config, weights, dtype, self.device, shared)

    def weights(self, what: str, dtype: torch.dtype,
                tensors: Sequence[torch.Tensor | None]) -> list[torch.Tensor | None]:
        """Further weights in the GPU's memory, None for None; UserError if they do not fit, before any is taken."""
        size = dtype.itemsize * sum(tensor.numel() for tensor in tensors if tensor is not None)
        check(f"Drafting with {what}", {f"{what} weights": size})
        self.plan[f"{what} weights"] = self.plan.get(f"{what} weights", 0) + size
        return [None if tensor is None else tensor.to(self.device, dtype).contiguous() for tensor in tensors]

    def lane(self, session: Session, drafter: DeviceDrafter, sampling: Sampling, prompts: list[list[int]],
             limits: list[int], record: bool = False) -> DeviceLane:
        """Sequences under one strategy; UserError if their caches do not fit."""
        tokens = max(len(prompt) + limit for prompt, limit in zip(prompts, limits, strict=True))
        planned = session.target.planned()
        parts = {"caches": footprint(planned.new_cache(tokens + MAX_ROWS, len(prompts)))}
        if len(prompts) > 1:
            parts["buffers"] = footprint(planned.buffers(len(prompts)))
        check(f"A run of {len(prompts)} x {tokens} tokens", parts | drafter.plan(len(prompts)))
        return DeviceLane(session, drafter, sampling, prompts, limits, record)

    def pass_cost(self, model: GpuModel, context: int) -> PassCost:
        """Milliseconds of a captured target pass over 1..64 rows on top of `context` positions."""
        context = min(context, model.config.context - MAX_ROWS)
        cache, replays = model.new_cache(context + MAX_ROWS), {}
        cache.lengths.fill_(context)

        def run(rows: int) -> float:
            if rows not in replays:
                block = chain_block(self.device, 1, rows, torch.full_like(cache.lengths, rows))
                replays[rows] = captured(lambda: model.run(cache, block))
            return milliseconds(replays[rows], 5)

        return PassCost.measure(run)
