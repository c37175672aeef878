"""Multi-token prediction: the target's own extra heads draft in the verify pass (Gloeckle et al. 2024, section 3.2).

The heads read what the verify pass left at the last accepted row, so a draft costs one layer and one row of the
unembedding per head. They do not know each other's choice: the candidates of a level are the same below every parent.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from mtpviz.engine.drafter import Features, Setting
from mtpviz.engine.sampling import Sampling
from mtpviz.errors import UserError
from mtpviz.heads import mtp
from mtpviz.models.cpu import MAX_ROWS, Cache, CpuModel
from mtpviz.models.weights import Weights
from mtpviz.strategies import _tree, _vocabulary
from mtpviz.strategies._vocabulary import Head

_KEPT = "mtp heads"  # name of the heads among a session's parts


class Mtp(_tree.Parallel):
    """Every head is a layer with a cache of its own over all committed positions."""

    name = "mtp"
    title = "MTP heads"
    blurb = "the model's own extra heads guess ahead"
    order = 30
    reads_features = True
    settings = {
        **_tree.SETTINGS,
        "heads": Setting(0, "how many of the heads draft; 0 is all", 0, 16),
        "vocab": _vocabulary.SETTING,
    }

    def __init__(self, session, sampling: Sampling, **settings):
        super().__init__(session, sampling, **settings)
        models, self.head = session.part(_KEPT, _load)
        self.taps = (session.config.layers - 1,)
        wanted = self.chosen["heads"] or len(models)
        if wanted > len(models):
            raise UserError(f"The model has {len(models)} extra heads, so {wanted} cannot draft.")
        self.models = models[:wanted]
        slots = session.context + MAX_ROWS
        self.caches = [model.new_cache(slots) for model in self.models]
        self.pending: list[np.ndarray] = []  # trunk rows that no head has seen, fp32 (rows, hidden)

    def prefill(self, tokens: np.ndarray, features: Features) -> None:
        target, unembedding = self.session.target, self.session.weights.head
        self.unembedding = Head(self.session, target, unembedding, "target head", self.chosen["vocab"], tokens)
        self.chosen |= {"vocab": self.unembedding.name, "vocab_size": self.unembedding.size}
        self.pending = [features.taps[0]]

    def commit(self, tokens: np.ndarray, accepted: list[int], features: Features) -> None:
        self.pending.append(features.taps[0])

    def begin(self, root: int, position: int) -> np.ndarray:
        trunk = np.concatenate(self.pending)
        if len(trunk) > _tree.WINDOW:
            trunk = trunk[-_tree.WINDOW :]
            for cache in self.caches:
                cache.length = 0
        self.pending = []
        normed = np.stack([_last_row(model, cache, trunk)
                           for model, cache in zip(self.models, self.caches, strict=True)])
        return self.session.target.unembed(normed, self.unembedding.panels, self.unembedding.size)


def _last_row(model: CpuModel, cache: Cache, trunk: np.ndarray) -> np.ndarray:
    """Take trunk rows, at most MAX_ROWS, into one head's cache; its normed output at the last, fp32 (hidden,)."""
    count = np.arange(len(trunk))
    model.stream[: len(trunk), : trunk.shape[1]] = trunk
    out = model.run(cache, len(trunk), count - 1, cache.length + count, 0, head_rows=0)
    model.keep(cache, count)
    return out.normed[-1].copy()


def _load(session) -> tuple[list[CpuModel], dict]:
    """The heads of a session's target as one-layer models that share its unembedding, and what they are."""
    folder = session.entry.heads.get("mtp")
    if folder is None:
        raise UserError(f"The model {session.entry.name} has no multi-token prediction heads; choose another strategy.")
    target, heads = session.target, mtp.load(folder, session.config, session.weights)
    config = replace(session.config, layers=1)
    models = []
    for layer in heads.layers:
        weights = Weights(session.weights.embed, [layer], session.weights.norm, session.weights.head)
        models.append(CpuModel(config, weights, target.dtype, head=target.packed.head))
        session.adopt(models[-1])
    return models, {"name": "mtp", "hash": heads.hash, "parameters": heads.parameters}


STRATEGY = Mtp
