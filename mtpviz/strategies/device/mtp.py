"""Multi-token prediction heads on a device: they take in the trunk's rows as these are committed, and the draft is one
product with the unembedding."""

from __future__ import annotations

from dataclasses import replace

import torch

from mtpviz.engine.device.drafter import State
from mtpviz.engine.device.memory import caches, padded
from mtpviz.engine.sampling import Sampling
from mtpviz.errors import UserError
from mtpviz.heads import mtp
from mtpviz.kernels.device.gather import gather_last
from mtpviz.models.cpu import MAX_ROWS
from mtpviz.models.gpu import GpuModel
from mtpviz.models.weights import Weights
from mtpviz.strategies.device._tree import Parallel, offers
from mtpviz.strategies.device._waiting import Pending, Waiting
from mtpviz.strategies.mtp import Mtp


class DeviceMtp(Waiting, Parallel):
    """Every head is a layer with a cache of its own over all committed positions."""

    name, title, blurb, order, settings = Mtp.name, Mtp.title, Mtp.blurb, Mtp.order, Mtp.settings

    def __init__(self, session, sampling: Sampling, **settings):
        super().__init__(session, sampling, **settings)
        models, self.head = session.part("mtp heads on the device", _load)
        self.taps = (session.config.layers - 1,)
        wanted = self.chosen["heads"] or len(models)
        if wanted > len(models):
            raise UserError(f"The model has {len(models)} extra heads, so {wanted} cannot draft.")
        self.models = models[:wanted]
        self.deepest = wanted
        self.shapes_of(wanted)

    def plan(self, batch: int) -> dict[str, int]:
        return caches(self.models, self._slots, batch)

    @property
    def _slots(self) -> int:
        return padded(self.session.context + MAX_ROWS)

    def attach(self, state: State, prompt: list[int]) -> None:
        super().attach(state, prompt)
        batch, count, hidden = state.batch, len(self.models), state.target.config.hidden
        self.unembedding = self.score(state.target.head, "target head", prompt, batch * count)
        self.wait(state, hidden, torch.float32)
        self.caches = [replace(model.new_cache(self._slots, batch), lengths=self.pending.base) for model in self.models]
        self.last = torch.zeros((count, batch, hidden), dtype=state.target.dtype, device=state.device)
        self.ids, self.probs = offers(state.device, count, batch, self.width)
        self.levels = list(zip(self.ids, self.probs, strict=True))

    def source(self, taps: torch.Tensor, normed: torch.Tensor) -> torch.Tensor:
        return taps[0]

    def read(self, state: State, pending: Pending) -> None:
        for model, cache, last in zip(self.models, self.caches, self.last, strict=True):
            model.buffers(state.batch).stream[: len(pending.rows)].copy_(pending.rows)
            normed = model.run(replace(cache, lengths=pending.base), pending.block, embedded=True)
            gather_last(normed, state.order, pending.block.counts, last)

    def guess(self, state: State) -> None:
        self.read(state, self.pending)
        self.unembedding.best(self.last.flatten(0, 1), self.ids, self.probs)


def _load(session) -> tuple[list[GpuModel], dict]:
    """The heads of a session's target as one-layer models that share its embeddings, and what they are."""
    folder = session.entry.heads.get("mtp")
    if folder is None:
        raise UserError(f"The model {session.entry.name} has no multi-token prediction heads; choose another strategy.")
    target, heads = session.target, mtp.load(folder, session.config, session.weights)
    config, own = replace(session.config, layers=1), session.weights
    models = [session.gpu.model(f"MTP head {number}", config, Weights(own.embed, [layer], own.norm, own.head),
                                target.dtype, target) for number, layer in enumerate(heads.layers, 2)]
    return models, {"name": "mtp", "hash": heads.hash, "parameters": heads.parameters}


STRATEGY = DeviceMtp
