"""A training run: what it changes, what ends it, and how it cuts its budget into steps."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

import torch
from torch import Tensor

from mtpviz.training.data import TokenStream
from mtpviz.training.module import MultiTokenDecoder
from mtpviz.training.optimizer import Optimizer
from mtpviz.training.presets import Preset


@dataclass
class Budget:
    """What ends a run: wall-clock `minutes` (pauses of the process count) or a number of `tokens`; one of
    them.
    """

    minutes: float | None = None
    tokens: int | None = None

    def progress(self, seconds: float, tokens: int) -> float:
        """Share of the budget that is used, from 0 to 1."""
        used = tokens / self.tokens if self.tokens else seconds / (60 * self.minutes)
        return min(1.0, used)


@dataclass
class Run:
    """Everything that a run changes: models, optimizers, the place in the data, and counters."""

    preset: Preset
    target: MultiTokenDecoder
    draft: MultiTokenDecoder
    stream: TokenStream
    device: torch.device
    dtype: torch.dtype
    seed: int = 0
    step: int = 0
    tokens: int = 0
    seconds: float = 0.0
    history: list[dict] = field(default_factory=list)

    def __post_init__(self):
        self.target_optimizer = Optimizer(self.target, self.preset)
        self.draft_optimizer = Optimizer(self.draft, self.preset)

    def passes(self, progress: float) -> Iterator[Tensor]:
        """The forward and backward passes of one step: ids (rows, length + heads) int64 on the run's device
        each.
        """
        preset, heads = self.preset, self.target.num_heads
        length = preset.target.context if progress > 1 - preset.long_share else preset.short_length
        rows = max(1, preset.micro_tokens // length)
        for _ in range(self.passes_per_step):
            ids = self.stream.batch(rows, length, heads)
            yield (ids.pin_memory() if self.device.type == "cuda" else ids).to(self.device, non_blocking=True)
            self.tokens += rows * length

    @property
    def passes_per_step(self) -> int:
        """How many passes share one optimizer step."""
        return max(1, self.preset.batch_tokens // self.preset.micro_tokens)

    def generator(self) -> torch.Generator:
        """The random numbers of this step, from (seed, step) alone: a resumed run draws what an unbroken one
        would.
        """
        return torch.Generator().manual_seed(self.seed * 1_000_003 + self.step)

    def autocast(self) -> torch.autocast:
        """Mixed precision in the run's dtype; off for float32."""
        return torch.autocast(self.device.type, self.dtype, enabled=self.dtype != torch.float32)

    def state_dict(self) -> dict:
        """Plain data and tensors; `load_state_dict` of an equal run continues exactly from here."""
        return {
            "preset": self.preset.name,
            "target": self.target.state_dict(),
            "draft": self.draft.state_dict(),
            "optimizers": [self.target_optimizer.state_dict(), self.draft_optimizer.state_dict()],
            "stream": self.stream.state,
            "counters": {
                "step": self.step,
                "tokens": self.tokens,
                "seconds": self.seconds,
                "seed": self.seed,
            },
            "history": self.history,
        }

    def load_state_dict(self, state: dict) -> None:
        """Restore what `state_dict` gave."""
        self.target.load_state_dict(state["target"])
        self.draft.load_state_dict(state["draft"])
        self.target_optimizer.load_state_dict(state["optimizers"][0])
        self.draft_optimizer.load_state_dict(state["optimizers"][1])
        self.stream.state = state["stream"]
        self.history = state["history"]
        for name, value in state["counters"].items():
            setattr(self, name, value)


def new_run(preset: Preset, stream: TokenStream, *, device: str, dtype: torch.dtype, seed: int = 0) -> Run:
    """A run at step 0 with freshly initialised target and draft on `device`."""
    torch.manual_seed(seed)
    target = MultiTokenDecoder(preset.target).to(device)
    draft = MultiTokenDecoder(preset.draft).to(device)
    return Run(preset, target, draft, stream, torch.device(device), dtype, seed)


def random_rows(batch: int, fraction: float, generator: torch.Generator, device: torch.device) -> Tensor | slice:
    """Indices (max(1, fraction x batch),) int64 on `device` of a random subset of the sequences, without repetition;
    all of them as a slice, which takes no copy."""
    if fraction >= 1.0:
        return slice(None)
    return torch.randperm(batch, generator=generator)[: max(1, round(fraction * batch))].to(device)
