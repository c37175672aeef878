"""How the candidates of a level become nodes: by their chances, or by a shape that was fixed beforehand.

Both forms have `add`, which takes in a level's candidates, `front`, the nodes of a level that get children as rows of
the draft's own `block`, `fronts`, (first row, rows) by level of those, and `finish`, which completes the block that the
target verifies.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch

from mtpviz.engine.device.drafter import State
from mtpviz.engine.device.program import Program
from mtpviz.engine.static import Place
from mtpviz.kernels.device.grow import Pool, expand, front, rerank
from mtpviz.kernels.device.seat import seat
from mtpviz.models.gpu import Block


class Dynamic:
    """EAGLE-2's tree: the best `width` nodes of a level get children, then the best of all are kept. A chain is that
    of width 1."""

    def __init__(self, state: State, depth: int, width: int):
        self.pool = Pool.empty(state.device, state.batch, max(depth, 1), width)
        self.place = torch.zeros_like(self.pool.tokens)
        self.fronts = [(level * width, width) for level in range(depth - 1)]
        self.block = Block.new(state.device, state.batch, max(depth, 1) * width, max(depth, 1))

    def add(self, ids: torch.Tensor, probs: torch.Tensor, level: int, program: Program) -> None:
        expand(self.pool, ids, probs, level)

    def front(self, level: int) -> tuple[int, int]:
        front(self.pool, level, self.block.tokens, self.block.parents, self.block.counts)
        return self.fronts[level - 1]

    def finish(self, state: State, program: Program) -> None:
        shape, block = program.shape, program.block
        rerank(self.pool, shape.depth, shape.nodes, state.root, self.place, block.tokens, block.parents,
               program.results.probs, block.counts)


class Static:
    """places: the tree's nodes, parents before children. shared: whether the candidates of a level are the same below
    every parent."""

    def __init__(self, state: State, places: Sequence[Place], width: int, shared: bool):
        batch, device = state.batch, state.device

        def ints(values: list[int]) -> torch.Tensor:
            return torch.tensor(values, dtype=torch.int32, device=device)

        self.levels, self.fronts = [], []  # (source, first row of the tree, rows of the draft's block or -1)
        row, own, above = {-1: 0}, {}, [-1]
        parents, own_parents = [-1], []
        while nodes := [(slot, i) for slot, parent in enumerate(above)
                        for i, place in enumerate(places) if place.parent == parent]:
            first = len(parents)
            above = [i for _, i in nodes if any(place.parent == i for place in places)]
            for _, i in nodes:
                row[i] = len(parents)
                parents.append(row[places[i].parent])
            self.fronts.append((len(own_parents), len(above)))
            for i in above:
                own[i] = len(own_parents)
                own_parents.append(own.get(places[i].parent, -1))
            source = [places[i].rank + (0 if shared else slot * width) for slot, i in nodes]
            self.levels.append((ints(source), first, ints([own.get(i, -1) for _, i in nodes])))
        self.fronts.pop()
        self.parents, self.counts = ints(parents).repeat(batch, 1), ints([len(parents)] * batch)
        self.block = Block.new(device, batch, max(len(own_parents), 1), max(len(self.fronts), 1))
        self.block.parents.copy_(ints(own_parents or [-1]))
        self.block.counts.fill_(len(own_parents))

    def add(self, ids: torch.Tensor, probs: torch.Tensor, level: int, program: Program) -> None:
        source, first, inner = self.levels[level - 1]
        seat(ids, probs, source, program.block.tokens, program.results.probs, first, inner, self.block.tokens)

    def front(self, level: int) -> tuple[int, int]:
        return self.fronts[level - 1]

    def finish(self, state: State, program: Program) -> None:
        block = program.block
        block.tokens[:, 0].copy_(state.root)
        block.parents.copy_(self.parents)
        block.counts.copy_(self.counts)
