"""Medusa and L-MTP on a device: what strategies/_residual.py is on the host.

All guesses of one leap read the same rows, the last `stride` committed ones, so a leap is one product a block; with a
shared unembedding all leaps are one more.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np
import torch

from mtpviz.engine.device.drafter import State
from mtpviz.engine.sampling import Sampling
from mtpviz.heads.lmtp import sources
from mtpviz.heads.medusa import ResidualHeads
from mtpviz.kernels.device.linear import Workspace, linear
from mtpviz.kernels.device.recent import recent
from mtpviz.strategies._residual import ResidualDrafter
from mtpviz.strategies.device._tree import Parallel, offers


@dataclass
class Heads:
    """Heads on the device. read: as they were read. blocks: by head, (weight, bias) by layer, in the model's dtype.
    unembeddings: by head, empty where they share the target's."""

    read: ResidualHeads
    blocks: list[list[tuple[torch.Tensor, torch.Tensor]]]
    unembeddings: list[torch.Tensor]


class DeviceResidual(Parallel):
    """host: the host's form, which reads the heads. stride: places between the guesses of one row."""

    host: ClassVar[type[ResidualDrafter]]
    stride: int = 1

    def __init__(self, session, sampling: Sampling, **settings):
        super().__init__(session, sampling, **settings)
        self.heads = session.part(f"{self.name} head on the device", self._load)
        self.head = self.heads.read.card
        self.leaps = self.host.leap(self.heads.read, self.stride, self.chosen["heads"])
        self.deepest = min(self.stride * len(self.leaps), self.deepest)
        self.shapes_of(self.deepest)

    @classmethod
    def _load(cls, session) -> Heads:
        read = cls.host.read(session)
        flat = [part for head in read.blocks for weight, bias in head
                for part in (weight.weight, torch.from_numpy(bias))]
        taken = iter(session.gpu.weights(f"{cls.title} heads", session.target.dtype, [*flat, *read.unembeddings]))
        return Heads(read, [[(next(taken), next(taken)) for _ in head] for head in read.blocks], list(taken))

    def attach(self, state: State, prompt: list[int]) -> None:
        super().attach(state, prompt)
        batch, hidden, device, dtype = state.batch, state.target.config.hidden, state.device, state.target.dtype
        leaps, rows, own = len(self.leaps), self.stride * batch, self.heads.unembeddings
        if own:
            self.unembeddings = [self.score(own[leap], f"{self.name} unembedding {leap}", prompt, rows)
                                 for leap in self.leaps]
        else:
            self.unembedding = self.score(state.target.head, "target head", prompt, leaps * rows)

        def buffer(*shape: int) -> torch.Tensor:
            return torch.zeros((*shape, hidden), dtype=dtype, device=device)

        self.known, self.scored, self.between = buffer(self.stride, batch), buffer(leaps, rows), buffer(2, rows)
        self.workspace = Workspace(device, rows, [(hidden, hidden)])
        self.ids, self.probs = offers(device, leaps, self.stride, batch, self.width)
        self.levels = list(zip(self.ids.flatten(0, 1), self.probs.flatten(0, 1), strict=True))

    def take(self, state: State, taps: torch.Tensor, normed: torch.Tensor) -> None:
        recent(normed, state.path, state.kept, state.lengths, self.known)

    def guess(self, state: State) -> None:
        for leap, scored in zip(self.leaps, self.scored, strict=True):
            x, blocks = self.known.flatten(0, 1), self.heads.blocks[leap]
            for index, (weight, bias) in enumerate(blocks):
                out = scored if index + 1 == len(blocks) else self.between[index % 2]
                linear(x, weight, out, self.workspace, bias=bias, residual=x, epilogue="silu")
                x = out
        if not self.heads.unembeddings:
            self.unembedding.best(self.scored.flatten(0, 1), self.ids, self.probs)
            return
        for head, scored, ids, probs in zip(self.unembeddings, self.scored, self.ids, self.probs, strict=True):
            head.best(scored, ids, probs)

    def sources(self, depths: np.ndarray) -> np.ndarray:
        heads = np.array([leap + 1 for leap, _ in sources(self.stride, self.deepest)], np.int64)
        return heads[depths - 1]
