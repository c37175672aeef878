"""EAGLE, EAGLE-3 and FastMTP on a device: what strategies/_features.py is on the host.

A committed row takes the target's own feature; a drafted one takes what its parent left.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import ClassVar

import torch

from mtpviz.engine.device.drafter import State
from mtpviz.engine.device.memory import caches, padded
from mtpviz.engine.sampling import Sampling
from mtpviz.heads.recurrent import RecurrentHead
from mtpviz.kernels.device.gather import gather_last, lift
from mtpviz.kernels.device.linear import Workspace, linear
from mtpviz.kernels.device.norm import rms_norm
from mtpviz.kernels.device.pair import pair
from mtpviz.models.cpu import MAX_ROWS
from mtpviz.models.gpu import Block, Cache, GpuModel
from mtpviz.models.weights import Weights
from mtpviz.strategies._features import FeatureDrafter
from mtpviz.strategies.device._tree import Recurrent
from mtpviz.strategies.device._waiting import Pending, Waiting


@dataclass
class Module:
    """A draft module on the device. model: its one layer, with the target's embedding. head: what was read; the other
    tensors are its own of the same names, in the model's dtype."""

    model: GpuModel
    head: RecurrentHead
    fuse: torch.Tensor | None
    mix: torch.Tensor | None
    bias: torch.Tensor | None
    token_norm: torch.Tensor | None
    feature_norm: torch.Tensor | None
    unembedding: torch.Tensor | None


class DeviceFeatures(Waiting, Recurrent):
    """host: the host's form, which reads the head."""

    host: ClassVar[type[FeatureDrafter]]

    def __init__(self, session, sampling: Sampling, **settings):
        super().__init__(session, sampling, **settings)
        self.module = session.part(f"{self.name} head on the device", self._load)
        self.head, self.taps = self.module.head.card, self.module.head.taps
        self.shapes_of(self.chosen["depth"])

    @classmethod
    def _load(cls, session) -> Module:
        head, target, own = cls.host.read(session), session.target, session.weights
        weights = Weights(own.embed, [head.layer], head.norm, own.head)
        model = session.gpu.model(f"{cls.title} draft", head.config, weights, target.dtype, target)

        matrices = [None if matrix is None else matrix.weight for matrix in (head.fuse, head.mix)]
        vectors = [None if values is None else torch.from_numpy(values)
                   for values in (head.bias, head.token_norm, head.feature_norm)]
        return Module(model, head, *session.gpu.weights(f"{cls.title} head", target.dtype,
                                                        [*matrices, *vectors, head.unembedding]))

    @property
    def _slots(self) -> int:
        return padded(self.session.context + MAX_ROWS + self.drafted_rows)

    def plan(self, batch: int) -> dict[str, int]:
        return caches([self.module.model], self._slots, batch)

    def attach(self, state: State, prompt: list[int]) -> None:
        super().attach(state, prompt)
        module, batch, hidden, device = self.module, state.batch, state.target.config.hidden, state.device
        own = module.unembedding
        self.unembedding = self.score(
            state.target.head if own is None else own,
            "target head" if own is None else f"{self.name} unembedding", prompt, batch * self.most, module.head.ids)
        self.wait(state, hidden * max(len(self.taps), 1), state.target.dtype)
        self.cache = module.model.new_cache(self._slots, batch)
        self.ahead = replace(self.cache, lengths=state.lengths)  # drafted rows stand behind all that is committed

        def rows(*shape: int, dtype: torch.dtype = state.target.dtype) -> torch.Tensor:
            return torch.zeros((*shape, hidden), dtype=dtype, device=device)

        kept = torch.float32 if module.head.raw else state.target.dtype
        self.drafted, self.lifted, self.last = (
            rows(*shape, dtype=kept) for shape in (self.block.tokens.shape, (batch * self.most,), (batch,)))
        self.scored, self.fused = rows(batch), rows(batch * MAX_ROWS, dtype=torch.float32)
        self.paired = torch.zeros((batch * MAX_ROWS, 2 * hidden), dtype=state.target.dtype, device=device)
        shapes = [tuple(weight.shape) for weight in (module.fuse, module.mix) if weight is not None]
        self.workspace = Workspace(device, batch * MAX_ROWS, shapes)

    def source(self, taps: torch.Tensor, normed: torch.Tensor) -> torch.Tensor:
        return taps if self.module.fuse is not None else normed

    def read(self, state: State, pending: Pending) -> tuple[torch.Tensor, torch.Tensor]:
        features = pending.rows
        if self.module.fuse is not None:
            features = self._room(state, self.fused, len(pending.rows))
            linear(pending.rows, self.module.fuse, features, self.workspace)
        rows = pending.block.tokens.shape[1]
        return self._pass(replace(self.cache, lengths=pending.base), pending.block, features, 0, rows)

    def committed(self, state: State) -> torch.Tensor:
        left, scored = self.read(state, self.pending)
        gather_last(left, state.order, self.pending.block.counts, self.last)
        gather_last(scored, state.order, self.pending.block.counts, self.scored)
        return self.scored

    def run(self, state: State, first: int, rows: int) -> torch.Tensor:
        features = self._room(state, self.lifted, state.batch * rows)
        lift(self.drafted, self.last, self.block.parents, features, first)
        left, scored = self._pass(self.ahead, self.block, features, first, rows)
        self.drafted[:, first : first + rows].copy_(left.view(state.batch, rows, -1))
        return scored

    def _room(self, state: State, buffer: torch.Tensor, total: int) -> torch.Tensor:
        """Where features of so many rows go: into the stream at once, where nothing is mixed into them."""
        return (self.module.model.buffers(state.batch).stream if self.module.mix is None else buffer)[:total]

    def _pass(self, cache: Cache, block: Block, features: torch.Tensor, first: int,
              rows: int) -> tuple[torch.Tensor, torch.Tensor]:
        """Run rows of the module: the features they leave, and what the unembedding reads."""
        m, eps, total = self.module, self.module.head.config.rms_eps, len(features)
        stream = m.model.buffers(cache.batch).stream[:total]
        if m.mix is not None:
            paired = self.paired[:total]
            pair(block.tokens, m.model.embedding, features, paired, eps, m.token_norm, m.feature_norm, first)
            linear(paired, m.mix, stream, self.workspace, bias=m.bias)
        elif m.feature_norm is not None:
            rms_norm(features, m.feature_norm, stream, eps)  # row by row, so features may be the stream
        elif features.data_ptr() != stream.data_ptr():
            stream.copy_(features)
        normed = m.model.run(cache, block, first, embedded=True, rows=rows)
        return stream if m.head.raw else normed, normed
