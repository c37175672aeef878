"""A small draft model on a device: its own cache, fed with what was committed, then run level by level."""

from __future__ import annotations

from dataclasses import replace

import torch

from mtpviz.engine.device.drafter import State
from mtpviz.engine.device.program import Program
from mtpviz.engine.random import DRAFT
from mtpviz.engine.sampling import Sampling
from mtpviz.heads.vocabulary import FULL
from mtpviz.kernels.device.feed import feed
from mtpviz.kernels.device.gather import gather_last
from mtpviz.kernels.device.grow import front
from mtpviz.kernels.device.sample import sample
from mtpviz.kernels.device.weigh import weigh_probs
from mtpviz.models.gpu import Block
from mtpviz.strategies.device._tree import TreeDrafter
from mtpviz.strategies.device._vocabulary import Head
from mtpviz.strategies.draft import Draft

_IDLE = 15  # steps that `auto` may go without drafting, each of which commits a token that has not been fed


class DeviceDraft(TreeDrafter):
    """The rows of what was accepted are run again with the new root, in the one pass that it needs anyway."""

    name, title, blurb, order, settings = Draft.name, Draft.title, Draft.blurb, Draft.order, Draft.settings

    def __init__(self, session, sampling: Sampling, **settings):
        super().__init__(session, sampling, **settings)
        self.model, self.head = session.draft.model, session.draft.card
        if self.chosen["propose"] == "sample" and not sampling.greedy:
            self.chosen |= {"tree": "chain", "vocab": FULL}
            self.rule = "rejection"
        self.shapes_of(self.chosen["depth"])

    def attach(self, state: State, prompt: list[int]) -> None:
        super().attach(state, prompt)
        batch, width, device = state.batch, self.width, state.device
        depth = max(shape.depth for shape in self.shapes)
        rows, fed = depth * width, depth + 1 + _IDLE * (self.auto is not None)
        self.unembedding = Head(self.session, self.model, "draft head", self.chosen["vocab"], prompt, batch * width,
                                width)
        self.chosen |= {"vocab": self.unembedding.name, "vocab_size": self.unembedding.size}
        self.cache = self.model.new_cache(-(-(self.session.context + fed + rows) // 256) * 256, batch)
        self.fed = torch.zeros_like(state.root)  # positions in its cache, the root's too
        self.ahead = replace(self.cache, lengths=self.fed)
        self.pending = Block.new(device, batch, fed)
        self.block = Block.new(device, batch, rows, depth)
        self.last = torch.zeros((batch, self.model.config.hidden), dtype=self.model.dtype, device=device)
        self.first = _offers(device, batch, width)
        self.offers = _offers(device, batch, width, width)
        if self.rule == "rejection":
            self.logits = torch.empty((batch, self.unembedding.size), dtype=torch.float32, device=device)
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

    def _begin(self, state: State) -> torch.Tensor:
        """Run what was committed and the root; what the root's row left, (batch, hidden)."""
        block = self.pending
        feed(state.text, self.cache.lengths, state.lengths, block.tokens, block.parents, block.counts, True, self.fed)
        gather_last(self.model.run(self.cache, block), state.order, block.counts, self.last)
        return self.last

    def begin(self, state: State) -> tuple[torch.Tensor, torch.Tensor]:
        self.unembedding.best(self._begin(state), *self.first)
        return self.first

    def children(self, state: State, level: int) -> tuple[torch.Tensor, torch.Tensor]:
        first = (level - 2) * self.width
        front(self.pool, level - 1, self.block.tokens, self.block.parents, self.block.counts)
        self.unembedding.best(self.model.run(self.ahead, self.block, first, rows=self.width), *self.offers)
        return self.offers

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
        normed, at = self._begin(state), state.lengths
        for level in range(depth):
            self.model.logits(normed, self.logits, state.batch)
            sample(self.logits, program.dists[:, level], self.token, state.seeds, at, s.temperature, s.top_k,
                   s.top_p, s.min_p, normalise=True, stream=DRAFT)
            target.tokens[:, level + 1].copy_(self.token)
            if level + 1 < depth:
                self.block.tokens[:, level].copy_(self.token)
                normed = self.model.run(self.ahead, self.block, level, rows=1)
                self.at.copy_(self.block.positions[:, level])
                at = self.at
        weigh_probs(program.dists.flatten(0, 1), target.tokens, target.tokens, target.parents, target.counts,
                    program.results.probs, self.spare)


def _offers(device: torch.device, *shape: int) -> tuple[torch.Tensor, torch.Tensor]:
    return torch.zeros(shape, dtype=torch.int32, device=device), torch.zeros(shape, device=device)


STRATEGY = DeviceDraft
