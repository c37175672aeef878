"""Drafters that predict the target's next features: EAGLE, EAGLE-3, FastMTP. What a step computes is heads/recurrent's.

Bookkeeping as in EAGLE: a committed row takes the target's own feature, so a drafted row is never kept; the rows of
what was accepted are run again, in one pass with the new root.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import ClassVar

import numpy as np

from mtpviz.engine.drafter import Features
from mtpviz.engine.drafting import Drafting
from mtpviz.engine.sampling import Sampling
from mtpviz.errors import UserError
from mtpviz.heads.recurrent import RecurrentHead
from mtpviz.models.config import ModelConfig
from mtpviz.models.cpu import MAX_ROWS, CpuModel
from mtpviz.models.weights import Weights
from mtpviz.strategies import _tree, _vocabulary
from mtpviz.strategies._tree import Recurrent
from mtpviz.strategies._vocabulary import Head


class FeatureDrafter(Recurrent):
    """load: reads a folder of its head."""

    load: ClassVar[Callable[[Path, ModelConfig, Weights], RecurrentHead]]
    reads_features = True
    settings = {**_tree.SETTINGS, **_tree.DEPTH, "vocab": _vocabulary.SETTING}

    def __init__(self, session, sampling: Sampling, **settings):
        super().__init__(session, sampling, **settings)
        self.model, self.module = session.part(f"{self.name} head", self._load)
        self.head, self.taps = self.module.card, self.module.taps
        self.cache = self.model.new_cache(session.context + MAX_ROWS)
        self.pending: list[tuple[np.ndarray, Features]] = []  # committed rows that the draft has not run

    @classmethod
    def read(cls, session) -> RecurrentHead:
        """The head that came with the session's target; UserError where there is none."""
        folder = session.entry.heads.get(cls.name)
        if folder is None:
            raise UserError(f"The model {session.entry.name} has no {cls.title} head; choose another strategy.")
        return cls.load(folder, session.config, session.weights)

    @classmethod
    def _load(cls, session) -> tuple[CpuModel, RecurrentHead]:
        module = cls.read(session)
        unembedding = session.weights.head if module.unembedding is None else module.unembedding
        weights = Weights(session.weights.embed, [module.layer], module.norm, unembedding)
        shared = session.target.packed.head if module.unembedding is None else None
        model = CpuModel(module.config, weights, session.target.dtype, head=shared)
        session.adopt(model)
        return model, module

    def prefill(self, tokens: np.ndarray, features: Features) -> None:
        own = self.module.unembedding
        unembedding = self.session.weights.head if own is None else own
        part = "target head" if own is None else f"{self.name} unembedding"
        self.unembedding = Head(self.session, self.model, unembedding, part, self.chosen["vocab"], tokens,
                                self.module.ids)
        self.chosen |= {"vocab": self.unembedding.name, "vocab_size": self.unembedding.size}
        self.drafting = Drafting(self.model, self.cache, self.session.target.embedding, self.module,
                                 self.unembedding.panels, self.unembedding.ids, self.unembedding.size)
        self.commit(tokens, [], features)

    def commit(self, tokens: np.ndarray, accepted: list[int], features: Features) -> None:
        self.pending.append((tokens, features))

    def begin(self, root: int, position: int) -> np.ndarray:
        # A row takes its own feature and the token that follows it; the last row's is the root.
        tokens = np.append(np.concatenate([tokens for tokens, _ in self.pending])[1:], root)
        normed = np.concatenate([features.normed for _, features in self.pending])
        taps = np.concatenate([features.taps for _, features in self.pending], 1)
        if len(tokens) > _tree.WINDOW:
            self.cache.length = 0
        tokens, normed, taps = tokens[-_tree.WINDOW :], normed[-_tree.WINDOW :], taps[:, -_tree.WINDOW :]
        self.pending = []
        return self.drafting.take(tokens, self.module.start(normed, taps))
