"""A recurrent draft at work: committed rows taken in, levels run, trees grown."""

from __future__ import annotations

import numpy as np
import torch

from mtpviz.engine.auto import Nodes, grow
from mtpviz.engine.budget import Prices
from mtpviz.errors import UserError
from mtpviz.kernels.compiler import numba
from mtpviz.kernels.linear import aligned_copy, pack
from mtpviz.models.cpu import MAX_ROWS, Cache, CpuModel
from mtpviz.models.drafting import Parts, level, take

_NO_MATRIX = pack(torch.zeros((0, 2), dtype=torch.bfloat16))  # of the type that heads' matrices have on disk
_TAKE, _LEVEL, _GROW = range(3)  # tasks of `_compiled`; what a task does not need is one of these:
_NONE, _NO_LOGITS, _NO_NODES = np.zeros(0, np.int64), np.zeros(0, np.float32), Nodes.new(0)
_NO_PRICES = Prices(np.zeros((0, 2)), 0.0, np.zeros(0), 0.0)


class Drafting:
    """A draft on its model and cache. embedding: whose rows the tokens are. module: a RecurrentHead, None for a draft
    model. panels, ids, scored: of the unembedding to draft with (`CpuModel.pack_head`); ids None for all."""

    def __init__(self, model: CpuModel, cache: Cache, embedding: np.ndarray, module, panels: np.ndarray,
                 ids: np.ndarray | None, scored: int):
        self.model, self.cache = model, cache
        hidden, none = model.config.hidden, np.zeros(0, np.float32)

        def rows(count: int, width: int = hidden) -> np.ndarray:
            return aligned_copy(np.zeros((count, width), np.float32))

        def part(name: str) -> np.ndarray:
            found = getattr(module, name, None)
            return none if found is None else found

        mix = getattr(module, "mix", None)
        wanted = np.full(model.config.layers + 1, -1, np.int32)
        raw = module is not None and module.raw
        wanted[-1] = 0 if raw else -1
        self.parts = Parts(
            model.compiled(panels), wanted, embedding, module is not None,
            _NO_MATRIX if mix is None else mix.panels, part("bias"), part("token_norm"),
            part("feature_norm"), raw, rows(MAX_ROWS), rows(MAX_ROWS), rows(MAX_ROWS, 2 * hidden), rows(MAX_ROWS),
            rows(1), np.zeros(0, np.int64) if ids is None else ids, scored)

    @property
    def _arguments(self) -> tuple:
        """What the compiled functions take first: parts, keys, values and length of the cache."""
        threads = self.model.threads
        if threads != self.parts.model[1]:
            self.parts = self.parts._replace(model=(self.parts.model[0], threads, *self.parts.model[2:]))
        numba.set_num_threads(threads)
        return self.parts, self.cache.keys, self.cache.values, self.cache.length

    def take(self, tokens: np.ndarray, features: np.ndarray | None) -> np.ndarray:
        """Take committed rows, at most MAX_ROWS, into the cache: tokens int64 (n,), features fp32 (n, hidden) or None.
        The logits of the last one, fp32 (1, scored), a view."""
        count = len(tokens)
        self._check(count)
        if features is not None:
            self.parts.features[:count] = features
        self._enter(_TAKE, tokens, _NONE, _NONE)
        self.cache.length += count
        return self.model.logits[:1, : self.parts.scored]

    def run(self, tokens: np.ndarray, parents: np.ndarray, levels: np.ndarray) -> np.ndarray:
        """Run drafted rows, as models.drafting.level says; their logits, fp32 (n, scored), a view."""
        self._check(len(parents))
        self._enter(_LEVEL, tokens, parents, levels)
        return self.model.logits[: len(tokens), : self.parts.scored]

    def grow(self, logits: np.ndarray, depth: int, most: int, prices: Prices, top_prob: float,
             nodes: Nodes) -> tuple[np.ndarray, float, int, float]:
        """Grow the `auto` tree, as engine.auto.grow says, from logits fp32 (scored,)."""
        return self._enter(_GROW, _NONE, _NONE, _NONE, logits, depth, most, prices, top_prob, nodes)

    def _check(self, rows: int) -> None:
        if self.cache.length + rows > self.cache.slots:
            raise UserError(f"The draft's cache holds {self.cache.slots} tokens; {self.cache.length} and {rows} more "
                            "do not fit.")

    def _enter(self, task, tokens, parents, levels, logits=_NO_LOGITS, depth=0, most=0, prices=_NO_PRICES, top_prob=0.0,
               nodes=_NO_NODES) -> tuple[np.ndarray, float, int, float]:
        *found, whole = _compiled(*self._arguments, task, tokens, parents, levels, logits, depth, most, prices,
                                  top_prob, nodes)
        self.model.check(whole)
        return tuple(found)


@numba.njit(cache=True, nogil=True)
def _compiled(parts, keys, values, length, task, tokens, parents, levels, logits, depth, most, prices, top_prob, nodes):
    """All that a draft does on its model, in one function: each alone would hold a pass of its own, and those are what
    takes long to compile."""
    if task == _GROW:
        return grow(parts, keys, values, length, logits, depth, most, prices, top_prob, nodes)
    if task == _TAKE:
        whole = take(parts, keys, values, length, tokens)
    else:
        whole = level(parts, keys, values, length, tokens, parents, levels)
    return np.empty(0, np.int64), 0.0, 0, top_prob, whole
