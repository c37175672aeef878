"""A small draft model on a device: its own cache, fed with what was committed, then run level by level."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import torch

from mtpviz.engine.device.drafter import State
from mtpviz.engine.device.memory import caches, padded
from mtpviz.engine.device.program import Program
from mtpviz.engine.random import DRAFT
from mtpviz.engine.sampling import Sampling
from mtpviz.kernels.device.feed import feed
from mtpviz.kernels.device.gather import gather_last
from mtpviz.kernels.device.linear import Workspace, linear
from mtpviz.kernels.device.sample import sample
from mtpviz.kernels.device.weigh import weigh_probs
from mtpviz.models.gpu import Block
from mtpviz.strategies.device._auto import IDLE
from mtpviz.strategies.device._tree import Recurrent
from mtpviz.strategies.draft import Draft, drawn


class DeviceDraft(Recurrent):
    """The rows of what was accepted are run again with the new root, in the one pass that it needs anyway."""

    name, title, blurb, order, settings = Draft.name, Draft.title, Draft.blurb, Draft.order, Draft.settings

    def __init__(self, session, sampling: Sampling, **settings):
        super().__init__(session, sampling, **settings)
        self.model, self.head = session.draft.model, session.draft.card
        if self.chosen["propose"] == "sample" and not sampling.greedy:
            self.chosen |= drawn(self.chosen)
            self.rule = "rejection"
        self.shapes_of(self.chosen["depth"])
        self.fed_at_once = self.depth + 1 + IDLE * (self.auto is not None)

    @property
    def folder(self) -> Path | None:
        return self.session.entry.draft_folder

    @property
    def _slots(self) -> int:
        return padded(self.session.context + self.fed_at_once + self.drafted_rows)

    def plan(self, batch: int) -> dict[str, int]:
        return caches([self.model], self._slots, batch)

    def attach(self, state: State, prompt: list[int]) -> None:
        super().attach(state, prompt)
        batch, device = state.batch, state.device
        self.unembedding = self.score(self.model.head, "draft head", prompt, batch * self.most)
        self.cache = self.model.new_cache(self._slots, batch)
        self.fed = torch.zeros_like(state.root)  # positions in its cache, the root's too
        self.ahead = replace(self.cache, lengths=self.fed)
        self.pending = Block.new(device, batch, self.fed_at_once)
        self.last = torch.zeros((batch, self.model.config.hidden), dtype=self.model.dtype, device=device)
        if self.rule == "rejection":
            depth = self.depth
            head = self.unembedding
            self.workspace = Workspace(device, batch, [tuple(head.weight.shape)])
            # The rule compares whole vocabularies: a token that was cut off keeps its -inf.
            self.logits = torch.full((batch, self.model.config.vocab), float("-inf"), device=device)
            self.places = None if head.names is None else head.names.long()
            self.scored = self.logits if self.places is None else torch.empty((batch, head.size), device=device)
            self.token, self.at = torch.zeros_like(state.root), torch.zeros_like(state.root)
            self.parents = torch.arange(-1, depth, dtype=torch.int32, device=device).repeat(batch, 1)
            self.counts = torch.full_like(state.root, depth + 1)
            self.block.parents.copy_(self.parents[:, :depth])
            self.block.counts.fill_(depth)
            self.spare = torch.zeros((batch, depth + 1), dtype=torch.float32, device=device)

    def prefill(self, state: State, taps: torch.Tensor, normed: torch.Tensor) -> None:
        self.model.run(self.cache, state.chain)
        self.take(state, taps, normed)
        self.cache.lengths.copy_(state.lengths)

    def take(self, state: State, taps: torch.Tensor, normed: torch.Tensor) -> None:
        self.cache.lengths.copy_(self.fed)

    def committed(self, state: State) -> torch.Tensor:
        block = self.pending
        feed(state.text, self.cache.lengths, state.lengths, block.tokens, block.parents, block.counts, True, self.fed)
        gather_last(self.model.run(self.cache, block), state.order, block.counts, self.last)
        return self.last

    def run(self, state: State, first: int, rows: int) -> torch.Tensor:
        return self.model.run(self.ahead, self.block, first, rows=rows)

    def draft(self, state: State, program: Program) -> None:
        if self.rule == "rejection":
            self._draw(state, program)
        else:
            super().draft(state, program)

    def _draw(self, state: State, program: Program) -> None:
        """A chain of tokens drawn from the draft's distribution under the run's own sampling settings."""
        target, s, depth = program.block, self.sampling, program.shape.depth
        target.tokens[:, 0].copy_(state.root)
        target.parents.copy_(self.parents)
        target.counts.copy_(self.counts)
        normed, at = self.committed(state), state.lengths
        for level in range(depth):
            linear(normed, self.unembedding.weight, self.scored, self.workspace)
            if self.places is not None:
                self.logits.index_copy_(1, self.places, self.scored)
            sample(self.logits, program.dists[:, level], self.token, state.seeds, at, s.temperature, s.top_k,
                   s.top_p, s.min_p, normalise=True, stream=DRAFT)
            target.tokens[:, level + 1].copy_(self.token)
            if level + 1 < depth:
                self.block.tokens[:, level].copy_(self.token)
                normed = self.run(state, level, 1)
                self.at.copy_(self.block.positions[:, level])
                at = self.at
        weigh_probs(program.dists.flatten(0, 1), target.tokens, target.tokens, target.parents, target.counts,
                    program.results.probs, self.spare)


STRATEGY = DeviceDraft
