"""What the sections of `bench engine` share: the models that they measure, the clock, the ceilings."""

from __future__ import annotations

import gc
import time
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from types import SimpleNamespace

import numpy as np
import torch

from mtpviz.bench.report import Goal, Table
from mtpviz.engine.device.graph import captured, milliseconds
from mtpviz.engine.device.lane import DeviceLane
from mtpviz.engine.sampling import Sampling
from mtpviz.engine.session import Session
from mtpviz.models.config import ModelConfig
from mtpviz.models.gpu import GpuModel
from mtpviz.models.weights import random

# Shapes with random weights, made on the device; "tiny" is for Triton's interpreter.
MODELS = {
    "Qwen3-0.6B": ModelConfig(151936, 1024, 28, 16, 8, 128, 3072, 16384, rope_theta=1e6, qk_norm=True, tied=True),
    "Qwen3-1.7B": ModelConfig(151936, 2048, 28, 16, 8, 128, 6144, 16384, rope_theta=1e6, qk_norm=True, tied=True),
    "Llama-3.1-8B": ModelConfig(128256, 4096, 32, 32, 8, 128, 14336, 16384, rope_theta=5e5),
    "tiny": ModelConfig(96, 32, 2, 2, 1, 16, 48, 160, qk_norm=True),
}


@dataclass
class Findings:
    """What a section found."""

    tables: list[Table] = field(default_factory=list)
    goals: list[Goal] = field(default_factory=list)


@dataclass
class Probe:
    """session: the bundled model on the GPU. models: names in MODELS. contexts: committed positions. repeats: of each
    timing. ends: by the host's clock, when no section may begin any more. bandwidth, matrix: bytes and operations per
    second that the first section measured; 0 before."""

    session: Session
    models: list[str]
    contexts: list[int]
    repeats: int
    ends: float
    progress: Callable[[str], None]
    bandwidth: float = 0.0
    matrix: float = 0.0
    _built: tuple[str, GpuModel] | None = None

    @property
    def dtype(self) -> torch.dtype:
        """That of the session: bf16, or fp32 in the interpreter."""
        return self.session.target.dtype

    @property
    def device(self) -> torch.device:
        """Where the tensors lie."""
        return self.session.gpu.device

    @property
    def over(self) -> bool:
        """Whether the time is up."""
        return time.monotonic() > self.ends

    def model(self, name: str) -> GpuModel:
        """The shape `name` with random weights; one is kept at a time."""
        if self._built is None or self._built[0] != name:
            self._built = None
            gc.collect()
            self.progress(f"{name}: making random weights")
            self._built = name, make(MODELS[name], self.dtype, self.device)
        return self._built[1]

    def lane(self, model: GpuModel, drafter, prompts: list[list[int]], new: int) -> DeviceLane:
        """Sequences of a model that has no session of its own."""
        stand_in = SimpleNamespace(target=model, context=model.config.context, gpu=self.session.gpu)
        return DeviceLane(stand_in, drafter, Sampling(), prompts, [new] * len(prompts), record=False)

    def ms(self, launches: Callable[[], None]) -> float:
        """Milliseconds of one replay of captured launches."""
        return milliseconds(captured(launches), self.repeats)

    def share(self, moved: float, ms: float) -> float:
        """Bytes moved in that time, as a share of the copy bandwidth."""
        return moved / (ms / 1000) / self.bandwidth


def make(config: ModelConfig, dtype: torch.dtype, device: torch.device, layers: int | None = None) -> GpuModel:
    """A model with random weights, of fewer layers if wanted."""
    config = config if layers is None else replace(config, layers=layers)
    return GpuModel(config, random(config, 0, dtype, device), dtype, device)


def weight_bytes(config: ModelConfig, itemsize: int) -> int:
    """That a pass reads: all weights but the input embedding, of which it takes a few rows."""
    embedding = 0 if config.tied else config.vocab * config.hidden
    return itemsize * (config.parameters - embedding)


def cache_bytes(config: ModelConfig, positions: int, itemsize: int) -> int:
    """Keys and values of so many positions, all layers."""
    return 2 * itemsize * config.layers * config.kv_heads * config.head_dim * positions


def prompt(model: GpuModel, tokens: int, seed: int = 0) -> list[int]:
    """Random token ids."""
    return np.random.default_rng(seed).integers(0, model.config.vocab, tokens).tolist()


def goal(what: str, least: float | None = None, most: float | None = None, measured: float | None = None) -> Goal:
    """A figure and the bound that it should keep."""
    wanted = f">= {least:g}" if least is not None else f"<= {most:g}"
    met = None if measured is None else measured >= least if least is not None else measured <= most
    return Goal(what, wanted, measured, met)
