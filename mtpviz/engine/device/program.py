"""A step on the device, from top to bottom: draft, verify, commit, and what a trace wants to know of it."""

from __future__ import annotations

from collections.abc import Callable

import torch

from mtpviz.engine.device.drafter import DeviceDrafter, Shape, State
from mtpviz.engine.device.results import ALTERNATIVES, Mailbox, Results
from mtpviz.engine.sampling import Sampling
from mtpviz.engine.verify import DELTA, EPSILON
from mtpviz.kernels.device.commit import advance, compact
from mtpviz.kernels.device.reject import reject
from mtpviz.kernels.device.sample import sample
from mtpviz.kernels.device.stamp import stamp
from mtpviz.kernels.device.typical import typical
from mtpviz.kernels.device.vocab import VocabScratch, top_tokens
from mtpviz.kernels.device.walk import walk
from mtpviz.kernels.device.weigh import weigh_probs, weigh_rows
from mtpviz.models.gpu import Block, Cache


class Choice:
    """The target's own token after each row: the most probable one, or the one that it draws there.

    probs: fp32 (rows, vocab), the distributions that were drawn from, normalised; None when greedy.
    """

    def __init__(self, state: State, sampling: Sampling, rows: int):
        target, vocab = state.target, state.target.config.vocab
        self.target, self.sampling, self.seeds, self.batch = target, sampling, state.seeds, state.batch

        def buffer(*shape: int) -> torch.Tensor:
            return torch.empty(shape, dtype=torch.float32, device=state.device)

        self.prob, self.lse, self.probs = buffer(rows, 1), buffer(rows), None
        if sampling.greedy:
            self.scratch = VocabScratch(state.device, rows, vocab, 1)
        else:
            self.logits, self.probs = buffer(rows, vocab), buffer(rows, vocab)

    def __call__(self, normed: torch.Tensor, positions: torch.Tensor, out: torch.Tensor) -> None:
        """normed: (rows, hidden); positions: int32 (batch, rows of each); out: int32 like positions."""
        rows, s = len(normed), self.sampling
        if s.greedy:
            top_tokens(normed, self.target.head, out.view(rows, 1), self.prob[:rows], self.lse[:rows], self.scratch)
        else:
            self.target.logits(normed, self.logits[:rows], self.batch)
            sample(self.logits[:rows], self.probs[:rows], out, self.seeds, positions, s.temperature, s.top_k, s.top_p,
                   s.min_p, normalise=True)


class Program:
    """The step of one shape: its tensors and its launches. `launches` runs them, eagerly or under capture.

    block: what the drafter fills. dists: fp32 (batch, rows, vocab), what it drew the children of each row from; under
    the rejection rule only. clock: int64 (1,), the device's last stamp.
    """

    def __init__(self, shape: Shape, state: State, cache: Cache, drafter: DeviceDrafter, choice: Choice, record: bool,
                 clock: torch.Tensor):
        self.shape, self.state, self.cache, self.drafter = shape, state, cache, drafter
        self.choice, self.record, self.clock = choice, record, clock
        batch, device, vocab = state.batch, state.device, state.target.config.vocab
        self.results = r = Results(device, batch, shape, record, drafter.reads)
        r.probs.fill_(float("nan"))  # for drafters that have none
        self.mailbox = Mailbox(r)
        self.block = Block.of(r.tokens, r.parents, r.counts, shape.levels)
        self.chain = chain_block(device, batch, shape.levels, r.kept)
        self.drawn = drafter.rule == "rejection" and not choice.sampling.greedy
        self.lossy = drafter.rule == "typical" and not choice.sampling.greedy
        if self.lossy:
            self.thresholds = torch.empty((batch, shape.rows), dtype=torch.float64, device=device)
        if self.drawn:
            self.dists = torch.zeros((batch, shape.rows, vocab), dtype=torch.float32, device=device)
            self.residual = torch.empty((batch, vocab), dtype=torch.float64, device=device)
        if record:
            self.alternatives = VocabScratch(device, batch * shape.rows, vocab, ALTERNATIVES)
        self.run: Callable[[], None] = self.launches  # or its captured form

    def launches(self) -> None:
        """One pass of the loop."""
        r, state, cache, block = self.results, self.state, self.cache, self.block
        target, drafter = state.target, self.drafter
        stamp(r.stamps, self.clock, 0)
        drafter.draft(state, self)
        stamp(r.stamps, self.clock, 1)
        normed = target.run(cache, block, taps=drafter.taps)
        self.choice(normed, block.positions, r.wanted)
        probs = None if self.choice.probs is None else self.choice.probs[: len(normed)].view(*r.tokens.shape, -1)
        if self.drawn:
            reject(probs, self.dists, self.residual, r.tokens, r.parents, r.counts, state.lengths, state.seeds, r.path,
                   r.kept, r.bonus, state.limits, r.wanted)
        elif self.lossy:
            typical(probs, self.thresholds, r.wanted, r.tokens, r.parents, r.counts, r.path, r.kept, r.bonus,
                    state.lengths, state.limits, EPSILON, DELTA)
        else:
            walk(r.wanted, r.tokens, r.parents, r.counts, r.path, r.kept, r.bonus, state.lengths, state.limits)
        stamp(r.stamps, self.clock, 2)
        compact(cache.keys, cache.values, state.lengths, r.path, r.kept)
        advance(r.tokens, r.path, r.kept, r.bonus, state.lengths, state.text, state.root)
        state.path, state.kept, state.chain = r.path, r.kept, self.chain
        drafter.take(state, target.buffers(state.batch).taps[: len(drafter.taps), : len(normed)], normed)
        stamp(r.stamps, self.clock, 3)
        if self.record:
            self._describe(normed)
            stamp(r.stamps, self.clock, 4)  # so that it counts for no step

    def _describe(self, normed: torch.Tensor) -> None:
        """The target's alternatives at each row, and what it thought of the drafted tokens."""
        r, head, lse = self.results, self.state.target.head, self.choice.lse[: len(normed)]
        flat = (len(normed), ALTERNATIVES)
        top_tokens(normed, head, r.top.view(flat), r.top_probs.view(flat), lse, self.alternatives)
        if self.choice.probs is None:
            weigh_rows(normed, head, lse, r.tokens, r.parents, r.counts, r.weights)
        else:
            weigh_probs(self.choice.probs[: len(normed)], r.wanted, r.tokens, r.parents, r.counts, r.weights, r.own)


def chain_block(device: torch.device, batch: int, rows: int, counts: torch.Tensor) -> Block:
    """A block in which every row is the child of the one before; `counts` of them are real."""
    parents = torch.arange(-1, rows - 1, dtype=torch.int32, device=device).repeat(batch, 1)
    return Block.of(torch.zeros_like(parents), parents, counts, rows)
