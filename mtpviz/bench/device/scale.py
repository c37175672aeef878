"""One point of `bench scale`: passes over 1 to 16 rows of each sequence of a batch, and chains drafted for them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import torch

from mtpviz.analysis.scaling import Point
from mtpviz.bench.device.probe import Probe
from mtpviz.engine.device.memory import RESERVE, footprint, free
from mtpviz.engine.device.program import Choice
from mtpviz.engine.sampling import Sampling
from mtpviz.kernels.device.commit import compact
from mtpviz.kernels.device.gather import gather_last
from mtpviz.kernels.device.vocab import VocabScratch, top_tokens
from mtpviz.kernels.device.walk import walk
from mtpviz.models.cpu import MAX_ROWS
from mtpviz.models.gpu import Block, Cache, GpuModel
from mtpviz.models.weights import random
from mtpviz.strategies.device.ntp import DeviceNextToken

ROWS = (1, 2, 4, 6, 8, 16)  # of each sequence in a pass
LENGTHS = (1, 3, 5, 7)  # of drafted chains
KEPT_SHARE = 0.25  # of the vocabulary that the draft scores: EAGLE-3's 32,000 of Llama 3's 128,256
_LEVELS = max(ROWS)  # that blocks have room for: one compiled form of the attention for all
_SLOTS = 256


class Machine:
    """The model under test, its draft (one layer of its shape and a compressed unembedding), and the stop-watch."""

    def __init__(self, probe: Probe, name: str, model: GpuModel):
        self.probe, self.name, self.model = probe, name, model
        vocab = round(KEPT_SHARE * model.config.vocab)
        config = replace(model.config, layers=1, vocab=vocab, tied=False)
        self.draft = GpuModel(config, random(config, 1, model.dtype, model.device), model.dtype, model.device, None)
        self.state = probe.lane(model, DeviceNextToken(None, Sampling()), [[0]], 1).state

    def planned(self, batch: int, context: int) -> int:
        """Bytes that a point takes beside the weights."""
        plans = [model.planned() for model in (self.model, self.draft)]
        slots = _slots(context)
        caches = footprint(*(plan.new_cache(slots, batch) for plan in plans))
        return caches + footprint(*(plan.buffers(batch) for plan in plans)) + RESERVE

    def misfit(self, batch: int, context: int) -> str | None:
        """Why a point does not fit the card's memory, None where it does; nothing is taken."""
        have, need = free(), self.planned(batch, context)
        if have is None or need <= have:
            return None
        return f"needs {need / 1e9:.0f} GB beside the weights, {have / 1e9:.0f} GB are free"

    def point(self, batch: int, context: int) -> Point:
        """Measure. Keys and values are random: zeros would be kinder than any text's."""
        caches = [model.new_cache(_slots(context), batch) for model in (self.model, self.draft)]
        for cache in caches:
            cache.keys.normal_()
            cache.values.normal_()
            cache.lengths.fill_(context)
        passes = {rows: self.probe.ms(self._pass(caches[0], rows)) for rows in ROWS}
        drafts = {length: self.probe.ms(self._draft(caches[1], length)) for length in LENGTHS}
        for model in (self.model, self.draft):
            model._buffers.pop(batch, None)  # of this batch alone: all of them together would fill the card
        return Point(batch, context, passes, drafts)

    def _pass(self, cache: Cache, rows: int) -> Callable[[], None]:
        """A step without its draft: the pass, the target's choices, the walk and the commit."""
        block = _chain(cache, rows)
        choice = Choice(self.state, Sampling(), cache.batch * rows)
        wanted, path = torch.zeros_like(block.tokens), torch.zeros_like(block.tokens)
        kept, bonus = torch.zeros_like(cache.lengths), torch.zeros_like(cache.lengths)
        limits = torch.full_like(cache.lengths, cache.slots)

        def launches() -> None:
            choice(self.model.run(cache, block), block.positions, wanted)
            walk(wanted, block.tokens, block.parents, block.counts, path, kept, bonus, cache.lengths, limits)
            compact(cache.keys, cache.values, cache.lengths, path, kept)
        return launches

    def _draft(self, cache: Cache, length: int) -> Callable[[], None]:
        """A chain: the rows that were committed last with the new root, then row by row; after each the head."""
        model, batch = self.draft, cache.batch
        fed, next_ = _chain(cache, length + 1), _chain(cache, 1)
        order = torch.arange(MAX_ROWS, dtype=torch.int32, device=model.device).repeat(batch, 1)
        last = torch.zeros((batch, model.config.hidden), dtype=model.dtype, device=model.device)
        ids = torch.zeros((batch, 1), dtype=torch.int32, device=model.device)
        probs, lse = (torch.zeros(shape, device=model.device) for shape in ((batch, 1), (batch,)))
        scratch = VocabScratch(model.device, batch, model.config.vocab, 1)

        def launches() -> None:
            gather_last(model.run(cache, fed), order, fed.counts, last)
            top_tokens(last, model.head, ids, probs, lse, scratch)
            for _ in range(1, length):
                top_tokens(model.run(cache, next_), model.head, ids, probs, lse, scratch)
        return launches


def _chain(cache: Cache, rows: int) -> Block:
    parents = torch.arange(-1, rows - 1, dtype=torch.int32, device=cache.lengths.device).repeat(cache.batch, 1)
    return Block.of(torch.zeros_like(parents), parents, torch.full_like(cache.lengths, rows), _LEVELS)


def _slots(context: int) -> int:
    return -(-(context + MAX_ROWS) // _SLOTS) * _SLOTS
