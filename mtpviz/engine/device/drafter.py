"""What a strategy is on a device: something that launches the work which drafts a tree, on shapes that are fixed.

The host's hooks (engine/drafter.py) return trees; these fill tensors. Nothing in `draft` and `take` may read a value
back, allocate, or depend on anything but the shape, since they are recorded once and replayed.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import torch

from mtpviz.engine.drafter import Drafter
from mtpviz.engine.sampling import Sampling
from mtpviz.kernels.device.feed import feed
from mtpviz.models.gpu import GpuModel

if TYPE_CHECKING:
    from mtpviz.engine.device.program import Program
    from mtpviz.models.gpu import Block, Cache


@dataclass(frozen=True)
class Shape:
    """The bucket of a step: levels and nodes below the root that there is room for, and how many nodes a level of a
    drafted tree expands. Each shape that comes up is captured once."""

    depth: int = 0
    nodes: int = 0
    width: int = 1

    @property
    def rows(self) -> int:
        """Of the target's pass: the root and the nodes."""
        return self.nodes + 1

    @property
    def levels(self) -> int:
        """Rows of the longest path, the root's included."""
        return self.depth + 1


@dataclass
class State:
    """What a lane's sequences are, on the device. text: int32 (batch, context), tokens by position, text[lengths] being
    the root. lengths: committed tokens, limits: how many end a sequence, root, all int32 (batch,); seeds: int64
    (batch,). target: the model that is decoded. cache: its KV cache, in which a drafter that runs the target's own
    layers may write behind the committed positions: the verify pass writes over it. order: int32 (batch, rows of a
    pass), 0, 1, 2, ... During `take`: path int32 (batch, levels), kept int32 (batch,): the rows of the pass that are
    committed, and chain: a block of so many rows, each the child of the one before, for a pass of the drafter's own
    over them."""

    target: GpuModel
    cache: Cache
    text: torch.Tensor
    lengths: torch.Tensor
    limits: torch.Tensor
    root: torch.Tensor
    seeds: torch.Tensor
    order: torch.Tensor
    path: torch.Tensor | None = None
    kept: torch.Tensor | None = None
    chain: Block | None = None

    @property
    def batch(self) -> int:
        """Sequences."""
        return len(self.root)

    @property
    def device(self) -> torch.device:
        """Where the tensors lie."""
        return self.root.device


class DeviceDrafter(Drafter):
    """A strategy on a device; its settings, names and `observe` are as on the host.

    Order of the calls: `attach`; `prefill` after every pass over the prompt; then, step by step, `draft` and `take`.
    `shape` is asked for before each step, when the step before the last has been observed. reads: names of int32
    (batch,) tensors that `draft` leaves in program.results and `told` reads into the step's notes.
    """

    reads: tuple[str, ...] = ()

    def __init__(self, session, sampling: Sampling, **settings: object):
        super().__init__(session, sampling, **settings)
        self.shapes = [Shape()]

    def plan(self, batch: int) -> dict[str, int]:
        """Bytes by name of what `attach` is going to take for so many sequences, as far as it is much."""
        return {}

    def attach(self, state: State, prompt: list[int]) -> None:
        """Make what is kept for these sequences. prompt: of the first, for choices that depend on the text."""

    def shape(self) -> Shape:
        """Of the next step; one of `shapes`."""
        return self.shapes[0]

    def draft(self, state: State, program: Program) -> None:
        """Fill program.block (tokens, parents, counts; row 0 is the root) and program.results' probs."""
        block = program.block
        feed(state.text, state.lengths, state.lengths, block.tokens, block.parents, block.counts, True)

    def take(self, state: State, taps: torch.Tensor, normed: torch.Tensor) -> None:
        """Take in the rows state.path[:kept] of the pass that has just run: they are committed, lengths and text say so
        already. taps: fp32 (taps, batch * rows, hidden), normed: (batch * rows, hidden), of that pass; a trace may
        still be told of them, so passes of the target belong into `draft`. A sequence that kept nothing must stay as
        it is."""

    def prefill(self, state: State, taps: torch.Tensor, normed: torch.Tensor) -> None:
        """The same for rows of the prompt; state.chain holds their tokens."""
        self.take(state, taps, normed)

    def sources(self, depths: np.ndarray) -> np.ndarray:
        """int64 (nodes,): the head or depth that proposed nodes of these depths, from 1."""
        return depths

    def told(self, results: dict) -> None:
        """Read what `draft` left for the trace, arrays by name, into self.notes."""
