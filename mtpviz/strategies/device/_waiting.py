"""Committed rows that wait until a step drafts: heads with a cache of their own read them then, in one pass.

So a step that drafts nothing pays for no head, and what a head costs counts as drafting.
"""

from __future__ import annotations

from dataclasses import replace

import torch

from mtpviz.engine.device.drafter import State
from mtpviz.engine.device.program import Program, chain_block
from mtpviz.kernels.device.feed import follow
from mtpviz.kernels.device.gather import gather
from mtpviz.strategies.device._auto import IDLE
from mtpviz.strategies.device._tree import TreeDrafter


class Pending:
    """rows: (batch * room, width), what the head reads of each row. block: a chain of `room` rows with the token that
    follows each, its counts those that wait. base: int32 (batch,), the position of the first, which is how many rows
    the head's caches hold."""

    def __init__(self, state: State, room: int, width: int, dtype: torch.dtype):
        self.block = chain_block(state.device, state.batch, room, torch.zeros_like(state.root))
        self.base = torch.zeros_like(state.root)
        self.rows = torch.zeros((state.batch * room, width), dtype=dtype, device=state.device)

    def take(self, state: State, x: torch.Tensor, fresh: bool) -> None:
        """Take in the rows of x that were committed, behind those that wait, or with `fresh` in their place."""
        gather(x, state.path, state.kept, self.rows, None if fresh else self.block.counts)
        follow(state.text, state.kept, state.lengths, self.block.tokens, self.block.counts, self.base, fresh)


class Waiting(TreeDrafter):
    """pending: what waits; `attach` makes it with `wait`."""

    def wait(self, state: State, width: int, dtype: torch.dtype) -> None:
        """Make room for rows of so many elements."""
        self.width_of_rows, self.dtype_of_rows = width, dtype
        self.pending = Pending(state, self.depth + 1 + IDLE * (self.auto is not None), width, dtype)
        self.whole: Pending | None = None  # the prompt's
        self.idle = False

    def source(self, taps: torch.Tensor, normed: torch.Tensor) -> torch.Tensor:
        """What the head reads of a pass of the target, as `gather` takes it."""
        raise NotImplementedError

    def read(self, state: State, pending: Pending) -> None:
        """Run the head over the rows that wait."""
        raise NotImplementedError

    def draft(self, state: State, program: Program) -> None:
        self.idle = program.shape.depth == 0
        super().draft(state, program)

    def take(self, state: State, taps: torch.Tensor, normed: torch.Tensor) -> None:
        self.pending.take(state, self.source(taps, normed), not self.idle)

    def prefill(self, state: State, taps: torch.Tensor, normed: torch.Tensor) -> None:
        """The last row waits, and is run again with the first draft: its keys are the same."""
        if self.whole is None:
            self.whole = Pending(state, state.chain.tokens.shape[1], self.width_of_rows, self.dtype_of_rows)
        self.whole.take(state, self.source(taps, normed), True)
        self.read(state, self.whole)
        last = (state.kept - 1).clamp(min=0)[:, None].contiguous()
        self.take(replace(state, path=last, kept=state.kept.clamp(max=1)), taps, normed)
