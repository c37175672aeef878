"""Growing trees on a device: what strategies/_tree.py is on the host, level by level on fixed shapes.

A chain is the tree that expands one node a level. `auto` chooses among trees of several depths (_auto.py).
"""

from __future__ import annotations

import torch

from mtpviz.engine.device.drafter import DeviceDrafter, Shape, State
from mtpviz.engine.device.program import Program
from mtpviz.engine.grow import AUTO_WIDTH
from mtpviz.kernels.device.grow import Pool, expand, rerank
from mtpviz.strategies.device._auto import Auto
from mtpviz.trace import Step

_AUTO = {1: 4, 2: 8, 3: 15, 4: 15, 6: 31, 8: 31, 12: 47, 16: 47}  # nodes that `auto` keeps, by depth


class TreeDrafter(DeviceDrafter):
    """Subclasses say in `begin` what may follow the root and in `children` what may follow the frontier."""

    deepest = 16  # levels that it can draft; instances may know better

    def shapes_of(self, depth: int) -> None:
        """Set the shapes; depth: levels that were asked for, 0 where none were."""
        kind = self.chosen["tree"]
        self.width = {"auto": AUTO_WIDTH, "chain": 1, "dynamic": self.chosen.get("width")}[kind]
        levels = min(depth or 4, self.deepest)
        if kind == "chain":
            self.shapes = [Shape(levels, levels)]
        elif kind == "dynamic":
            self.shapes = [Shape(levels, self.chosen["nodes"], self.width)]
        else:
            most = min(depth or 16, self.deepest)
            self.shapes = [Shape()] + [Shape(d, n, self.width) for d, n in _AUTO.items() if d < most]
            self.shapes.append(Shape(most, max(n for d, n in _AUTO.items() if d <= most), self.width))
        self.auto = Auto(self.shapes, self.session.pass_cost) if kind == "auto" else None

    def shape(self) -> Shape:
        return self.auto.choose() if self.auto else self.shapes[0]

    def observe(self, step: Step) -> None:
        if self.auto:
            self.auto.observe(step)

    def attach(self, state: State, prompt: list[int]) -> None:
        most = max(shape.depth for shape in self.shapes)
        self.pool = Pool.empty(state.device, state.batch, most, self.width)
        self.place = torch.zeros_like(self.pool.tokens)

    def draft(self, state: State, program: Program) -> None:
        shape, block, pool = program.shape, program.block, self.pool
        if shape.depth == 0:
            super().draft(state, program)
            return
        expand(pool, *self.begin(state), 1)
        for level in range(2, shape.depth + 1):
            expand(pool, *self.children(state, level), level)
        rerank(pool, shape.depth, shape.nodes, state.root, self.place, block.tokens, block.parents,
               program.results.probs, block.counts)

    def begin(self, state: State) -> tuple[torch.Tensor, torch.Tensor]:
        """Ids, int32, and probabilities, fp32, (batch, width) of the root's children, best first."""
        raise NotImplementedError

    def children(self, state: State, level: int) -> tuple[torch.Tensor, torch.Tensor]:
        """The same for each of the pool's frontier, (batch, width, width); or (batch, width), if it is one for all."""
        raise NotImplementedError
