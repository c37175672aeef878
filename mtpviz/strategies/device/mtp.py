"""Multi-token prediction heads on a device: they take in the trunk's rows as these are committed, and the draft is one
product with the unembedding."""

from __future__ import annotations

from dataclasses import replace

import torch

from mtpviz.engine.device.drafter import State
from mtpviz.engine.sampling import Sampling
from mtpviz.errors import UserError
from mtpviz.heads import mtp
from mtpviz.kernels.device.gather import gather, gather_last
from mtpviz.models.gpu import GpuModel
from mtpviz.models.weights import Weights
from mtpviz.strategies.device._tree import TreeDrafter
from mtpviz.strategies.device._vocabulary import Head
from mtpviz.strategies.mtp import Mtp


class DeviceMtp(TreeDrafter):
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

    def attach(self, state: State, prompt: list[int]) -> None:
        super().attach(state, prompt)
        batch, device, count = state.batch, state.device, len(self.models)
        self.unembedding = Head(self.session, state.target, "target head", self.chosen["vocab"], prompt, batch * count,
                                self.width)
        self.chosen |= {"vocab": self.unembedding.name, "vocab_size": self.unembedding.size}
        slots = -(-(self.session.context + 64) // 256) * 256
        self.caches = [model.new_cache(slots, batch) for model in self.models]
        self.last = torch.zeros((count, batch, state.target.config.hidden), dtype=state.target.dtype, device=device)
        self.ids = torch.zeros((count, batch, self.width), dtype=torch.int32, device=device)
        self.probs = torch.zeros((count, batch, self.width), device=device)

    def take(self, state: State, taps: torch.Tensor, normed: torch.Tensor) -> None:
        rows = state.batch * state.chain.tokens.shape[1]
        for model, cache, last in zip(self.models, self.caches, self.last, strict=True):
            gather(taps[0], state.path, state.kept, model.buffers(state.batch).stream[:rows])
            gather_last(model.run(cache, state.chain, embedded=True), state.order, state.kept, last)
            cache.lengths.copy_(state.lengths)

    def begin(self, state: State) -> tuple[torch.Tensor, torch.Tensor]:
        self.unembedding.best(self.last.flatten(0, 1), self.ids, self.probs)
        return self.children(state, 1)

    def children(self, state: State, level: int) -> tuple[torch.Tensor, torch.Tensor]:
        return self.ids[level - 1], self.probs[level - 1]


def _load(session) -> tuple[list[GpuModel], dict]:
    """The heads of a session's target as one-layer models that share its embeddings, and what they are."""
    folder = session.entry.heads.get("mtp")
    if folder is None:
        raise UserError(f"The model {session.entry.name} has no multi-token prediction heads; choose another strategy.")
    target, heads = session.target, mtp.load(folder, session.config, session.weights)
    config, own = replace(session.config, layers=1), session.weights
    models = [GpuModel(config, Weights(own.embed, [layer], own.norm, own.head), target.dtype, target.device, target)
              for layer in heads.layers]
    return models, {"name": "mtp", "hash": heads.hash, "parameters": heads.parameters}


STRATEGY = DeviceMtp
