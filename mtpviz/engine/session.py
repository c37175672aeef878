"""The composition root of a run: a model on a device, its tokenizer, what was measured of them."""

from __future__ import annotations

import importlib.metadata
import os
import platform
import threading
import time
from collections.abc import Callable
from functools import cache, cached_property
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

import numpy as np
import torch

from mtpviz.engine.budget import PassCost
from mtpviz.engine.drafter import Drafter
from mtpviz.engine.host import HostLane
from mtpviz.engine.lane import Lane
from mtpviz.engine.machine import read_gb_s
from mtpviz.engine.sampling import Sampling
from mtpviz.errors import UserError
from mtpviz.kernels.compiler import numba, require
from mtpviz.kernels.device import interpreting, why_not
from mtpviz.kernels.simd import has_bf16_dot
from mtpviz.models.catalogue import BUNDLED, ModelEntry, resolve
from mtpviz.models.config import ModelConfig
from mtpviz.models.cpu import MAX_ROWS, CpuModel
from mtpviz.models.tokenizer import Tokenizer
from mtpviz.models.weights import Weights, load

if TYPE_CHECKING:
    from mtpviz.engine.device.gpu import Gpu
    from mtpviz.models.gpu import GpuModel

T = TypeVar("T")
DTYPES = {"bf16": torch.bfloat16, "fp32": torch.float32}
_PACKAGES = ("mtpviz", "torch", "numba", "numpy", "triton", "gradio", "transformers")


class Session:
    """A target model that is ready to decode. One run at a time: hold `lock` while decoding.

    Raises UserError for an unknown model, device or dtype, and what loading a model raises.
    """

    def __init__(self, entry: ModelEntry, device: str = "auto", dtype: str = "auto", threads: int | None = None):
        self.entry, self.lock = entry, threading.Lock()
        self._parts: dict[str, object] = {}
        self.device = pick_device(device)
        self.dtype_name, self.dtype_reason = pick_dtype(dtype, self.device)
        if self.device == "cpu":
            require()
        most = numba.config.NUMBA_NUM_THREADS if self.device == "cpu" else os.cpu_count()
        if threads is not None and not 1 <= threads <= most:
            raise UserError(f"The number of threads is {threads}; on this machine it must be from 1 to {most}.")
        self.config, self.weights = read_model(entry.folder)
        self.tokenizer = Tokenizer(entry.folder)
        if self.tokenizer.size > self.config.vocab:
            raise UserError(f"The tokenizer in {entry.folder} has {self.tokenizer.size} tokens, the model's "
                            f"vocabulary only {self.config.vocab}: they do not belong together.")
        self.gpu = _gpu() if self.device == "cuda" else None
        self.target = self.model("target", self.config, self.weights)
        self.stop_ids = frozenset(self.config.eos or self.tokenizer.stop_ids)
        self._threads_asked = threads
        self._models: list[CpuModel] = []
        self._pass_costs: dict[int, PassCost] = {}  # by threads
        self._read_gb_s: dict[int, float] = {}  # by threads
        self.threads = 0 if self.gpu else threads or self.target.threads
        self.adopt(self.target)
        self.tune()

    @staticmethod
    def open(model: str = BUNDLED, device: str = "auto", dtype: str = "auto", threads: int | None = None,
             allow_paths: bool = True) -> Session:
        """Load a model by its name in the catalogue, or from a folder where that is allowed."""
        return Session(resolve(model, allow_paths), device, dtype, threads)

    @property
    def context(self) -> int:
        """Positions that a sequence may have."""
        return self.config.context

    def encode(self, prompt: str, max_new_tokens: int) -> list[int]:
        """The prompt's tokens. UserError for an empty prompt, one that leaves no room, and no new tokens asked for."""
        if max_new_tokens < 1:
            raise UserError(f"The number of new tokens is {max_new_tokens}; it must be at least 1.")
        tokens = self.tokenizer.encode(prompt) if prompt.strip() else []
        if not tokens:
            raise UserError("The prompt is empty; write at least a word for the model to go on from.")
        if len(tokens) >= self.context:
            note = self.config.context_note
            raise UserError(f"The prompt has {len(tokens)} tokens; this model takes fewer than {note}.")
        return tokens

    @cached_property
    def model_card(self) -> dict:
        """Name, hash and size of the target, for traces."""
        return {"name": self.entry.name, "hash": self.weights.hash, "parameters": self.config.parameters,
                "shape": self.config.shape}

    @cached_property
    def draft(self) -> DraftModel:
        """The small model that belongs to the target; UserError if there is none or it does not fit."""
        if self.entry.draft_folder is None:
            raise UserError(f"The model {self.entry.name} has no draft model beside it; choose another strategy.")
        draft = DraftModel(self.entry.draft_folder, self)
        self.adopt(draft.model)
        return draft

    def model(self, what: str, config: ModelConfig, weights: Weights) -> CpuModel | GpuModel:
        """A model on this session's device; `what` names it in an error. UserError if it does not fit there."""
        dtype = DTYPES[self.dtype_name]
        return self.gpu.model(what, config, weights, dtype) if self.gpu else CpuModel(config, weights, dtype)

    def part(self, name: str, load: Callable[[Session], T]) -> T:
        """What `load(self)` gives, loaded once a session: weights that a strategy needs besides the target's."""
        if name not in self._parts:
            self._parts[name] = load(self)
        return self._parts[name]

    def adopt(self, model: CpuModel | GpuModel) -> None:
        """Let a model on the CPU run with the session's threads, now and whenever they change."""
        if self.gpu:
            return
        model.threads = self.threads
        self._models.append(model)

    def tune(self) -> None:
        """Choose the number of threads anew, unless it was asked for: what else runs here may have changed."""
        if self._threads_asked is None and not self.gpu:
            self.threads = fastest_threads(self.target)
        for model in self._models:
            model.threads = self.threads

    def lane(self, drafter: Drafter, sampling: Sampling, tokens: list[int], limit: int, record: bool) -> Lane:
        """What runs one sequence on this session's device: `tokens`, then at most `limit` new ones."""
        if self.gpu:
            return self.gpu.lane(self, drafter, sampling, [tokens], [limit], record)
        return HostLane(self, drafter, sampling, tokens, limit)

    @property
    def pass_cost(self) -> PassCost:
        """Milliseconds of a target pass over 1..64 rows at a context of 256 with the threads in use, measured here."""
        if self.threads not in self._pass_costs:
            measure = self.gpu.pass_cost if self.gpu else _cpu_pass_cost
            self._pass_costs[self.threads] = measure(self.target, 256)
        return self._pass_costs[self.threads]

    @property
    def machine(self) -> dict:
        """What was measured of the device with the threads in use, for traces (Run.machine). The price of a pass is in
        it once a strategy has asked for it."""
        if self.threads not in self._read_gb_s:
            self._read_gb_s[self.threads] = round(read_gb_s(str(self.target.device) if self.gpu else "cpu",
                                                             self.threads), 2)
        known = {"read_gb_s": self._read_gb_s[self.threads]}
        cost = self._pass_costs.get(self.threads)
        return known | ({"pass_ms": [[int(rows), round(float(ms), 4)] for rows, ms in
                                     zip(cost.rows, cost.ms, strict=True)]} if cost else {})

    @property
    def hardware(self) -> str:
        """The processor's name and the threads in use, or the GPU's."""
        if self.gpu:
            return self.gpu.name
        return f"{cpu_name()}, {self.threads} thread{'s' * (self.threads > 1)}"

    @cached_property
    def versions(self) -> dict[str, str]:
        """Versions of what the result may depend on; only those that are installed."""
        found = {"python": platform.python_version()}
        for package in _PACKAGES:
            try:
                found[package] = importlib.metadata.version(package)
            except importlib.metadata.PackageNotFoundError:
                continue
        return found

    def describe(self) -> dict[str, str]:
        """Short texts for the page: what runs, and where."""
        millions = self.config.parameters / 1e6
        return {"model": f"{self.entry.name} {millions:.0f}M", "hardware": self.hardware, "device": self.device,
                "dtype": self.dtype_name}


class DraftModel:
    """A small language model with the target's tokenizer."""

    def __init__(self, folder: Path, session: Session):
        config, weights = read_model(folder)
        vocab = session.config.vocab
        if config.vocab != vocab:
            raise UserError(f"The draft model in {folder} has {config.vocab} tokens, the target {vocab}: "
                            "a draft model must share the target's tokenizer.")
        self.model = session.model("draft", config, weights)
        self.unembedding = weights.head
        self.card = {"name": folder.name, "hash": weights.hash, "parameters": config.parameters, "shape": config.shape}


def read_model(folder: Path) -> tuple[ModelConfig, Weights]:
    """Configuration and weights of a Hugging Face folder."""
    config = ModelConfig.from_folder(folder)
    return config, load(folder, config)


class PassTimer:
    """Times passes of a model over a chain of rows on top of `context` committed positions, in one warm cache."""

    def __init__(self, model: CpuModel, context: int):
        self.model = model
        self.cache = model.new_cache(min(context, model.config.context - MAX_ROWS) + MAX_ROWS)
        self.cache.keys[...] = self.cache.values[...] = 0.0  # touch every page: a first touch would cost a pass
        self.cache.length = self.cache.slots - MAX_ROWS

    def __call__(self, rows: int) -> float:
        """Milliseconds of one pass."""
        tokens, parents = np.zeros(rows, np.int64), np.arange(-1, rows - 1)
        positions = np.arange(self.cache.length, self.cache.length + rows)
        start = time.perf_counter()
        self.model.forward(self.cache, tokens, parents, positions)
        return 1000 * (time.perf_counter() - start)


def _cpu_pass_cost(model: CpuModel, context: int) -> PassCost:
    return PassCost.measure(PassTimer(model, context))


def _gpu() -> Gpu:
    from mtpviz.engine.device.gpu import Gpu  # Triton, only where a GPU is used

    return Gpu()


def fastest_threads(model: CpuModel) -> int:
    """1 thread or all of them, whichever makes a pass faster here and now.

    The threads of a pass wait for each other some hundred times, so on a machine whose other cores are busy (a browser
    beside a page, say) one thread alone can be several times faster than two.
    """
    timer, medians = PassTimer(model, 0), {}
    for model.threads in sorted({1, numba.config.NUMBA_NUM_THREADS}):
        timer(1)
        medians[model.threads] = float(np.median([timer(1) for _ in range(9)]))
    best = min(medians, key=medians.get)
    return max(medians) if medians[max(medians)] < 1.05 * medians[best] else best


def pick_device(device: str) -> str:
    """"auto", "cpu" or "cuda" -> the device to use: `auto` takes a GPU that can be used. UserError where `cuda` cannot
    be had."""
    if device not in ("auto", "cpu", "cuda"):
        raise UserError(f"The device {device!r} is unknown; it must be auto, cpu or cuda.")
    reason = None if device == "cpu" else why_not()
    if device == "cuda" and reason:
        raise UserError(f"{reason} --device cpu decodes without one.")
    return "cpu" if device == "cpu" or reason or device == "auto" and interpreting() else "cuda"


def pick_dtype(dtype: str, device: str = "cpu") -> tuple[str, str]:
    """"auto", "bf16" or "fp32" -> the dtype of the weights on "cpu" or "cuda", and why."""
    if dtype != "auto" and dtype not in DTYPES:
        raise UserError(f"The dtype {dtype!r} is unknown; it must be auto, {' or '.join(DTYPES)}.")
    if device == "cuda" and interpreting():
        if dtype == "bf16":
            raise UserError("Triton's interpreter multiplies bf16 wrongly, so bf16 needs a GPU; take --dtype fp32.")
        return "fp32", "Triton's interpreter multiplies bf16 wrongly"
    if dtype != "auto":
        return dtype, "asked for"
    if device == "cuda":
        return "bf16", "half the memory traffic of fp32; sums are fp32"
    if has_bf16_dot():
        return "bf16", "this CPU multiplies bf16 in one instruction (avx512_bf16)"
    return "bf16", "half the memory traffic of fp32; products and sums are fp32 on this CPU"


@cache
def cpu_name() -> str:
    """What the machine calls its processor."""
    info = Path("/proc/cpuinfo")
    if info.is_file():
        for line in info.read_text().splitlines():
            if line.startswith("model name"):
                name = line.partition(":")[2].strip()
                return f"{os.cpu_count()}-core {name}"
    return f"{os.cpu_count()}-core {platform.processor() or platform.machine()}"
