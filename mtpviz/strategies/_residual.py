"""Drafters whose heads guess from the target's last hidden states alone: Medusa (stride 1) and L-MTP (leaps).

Level j, the j-th token after the root, is guessed by leap ceil(j / stride) from a row so many places back that the leap
lands there. With stride 1 that is Medusa: head j, last row.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import ClassVar

import numpy as np

from mtpviz.engine.drafter import Features
from mtpviz.engine.sampling import Sampling
from mtpviz.engine.tree import TokenTree
from mtpviz.errors import UserError
from mtpviz.heads.lmtp import leaps, sources
from mtpviz.heads.medusa import ResidualHeads
from mtpviz.models.config import ModelConfig
from mtpviz.models.weights import Weights
from mtpviz.strategies._tree import Parallel
from mtpviz.strategies._vocabulary import Head


class ResidualDrafter(Parallel):
    """load: reads a folder of heads. stride: places between the guesses of one row."""

    load: ClassVar[Callable[[Path, ModelConfig, Weights], ResidualHeads]]
    reads_features = True
    stride: int = 1

    def __init__(self, session, sampling: Sampling, **settings):
        super().__init__(session, sampling, **settings)
        self.heads = session.part(f"{self.name} head", self.read)
        self.head = self.heads.card
        self.leaps = self.leap(self.heads, self.stride, self.chosen["heads"])
        self.plan = sources(self.stride, self.stride * len(self.leaps))
        self.rows = np.zeros((0, session.config.hidden), np.float32)  # the last `stride` committed ones

    @classmethod
    def leap(cls, heads: ResidualHeads, stride: int, wanted: int) -> list[int]:
        """The heads that draft with this stride, in order; wanted: how many, 0 is all. UserError where there are none,
        or fewer."""
        found = leaps(heads.ahead, stride)
        if not found:
            known = sorted({ahead - 1 for ahead in heads.ahead})
            raise UserError(f"No {cls.title} head guesses with stride {stride}; strides that the heads were "
                            f"trained for lie among {', '.join(map(str, known))}.")
        if wanted > len(found):
            raise UserError(f"The model has {len(found)} {cls.title} heads, so {wanted} cannot draft.")
        return found[: wanted or len(found)]

    @classmethod
    def read(cls, session) -> ResidualHeads:
        """The heads that came with the session's target; UserError where there are none."""
        folder = session.entry.heads.get(cls.name)
        if folder is None:
            raise UserError(f"The model {session.entry.name} has no {cls.title} heads; choose another strategy.")
        return cls.load(folder, session.config, session.weights)

    def prefill(self, tokens: np.ndarray, features: Features) -> None:
        session, choice, own = self.session, self.chosen["vocab"], self.heads.unembeddings
        self.unembeddings = [
            Head(session, session.target, own[leap], f"{self.name} unembedding {leap}", choice, tokens, shared=False)
            if own else Head(session, session.target, session.weights.head, "target head", choice, tokens)
            for leap in self.leaps]
        self.unembedding = self.unembeddings[0]
        self.chosen |= {"vocab": self.unembedding.name, "vocab_size": self.unembedding.size}
        self.commit(tokens, [], features)

    def commit(self, tokens: np.ndarray, accepted: list[int], features: Features) -> None:
        self.rows = np.concatenate([self.rows, features.normed])[-self.stride :]

    def begin(self, root: int, position: int) -> np.ndarray:
        rows = [self.rows[max(len(self.rows) - 1 - back, 0)][None] for _, back in self.plan]
        read = np.concatenate([self.heads(self.leaps[leap], row)
                               for row, (leap, _) in zip(rows, self.plan, strict=True)])
        target, size = self.session.target, self.unembedding.size
        if not self.heads.unembeddings:
            return target.unembed(read, self.unembedding.panels, size)
        return np.stack([target.unembed(row[None], self.unembeddings[leap].panels, size)[0].copy()
                         for row, (leap, _) in zip(read, self.plan, strict=True)])

    def grow(self, logits: np.ndarray, position: int, depth: int) -> TokenTree:
        tree = super().grow(logits, position, depth)
        heads = np.array([leap + 1 for leap, _ in self.plan], np.int64)
        return replace(tree, sources=heads[tree.depths - 1])  # which head leapt there, where that is not the depth
