"""Tree drafters on a device: what strategies/_tree.py is on the host, level by level on fixed shapes.

Two bases as there: `Recurrent`, whose draft runs on a level's nodes to know the next, and `Parallel`, which knows all
levels beforehand. `auto` chooses among trees of several depths (_auto.py).
"""

from __future__ import annotations

from functools import cached_property
from pathlib import Path

import numpy as np
import torch

from mtpviz.engine.auto import WIDTH as AUTO_WIDTH
from mtpviz.engine.device.drafter import DeviceDrafter, Shape, State
from mtpviz.engine.device.program import Program
from mtpviz.engine.static import StaticTree, read_table
from mtpviz.errors import UserError
from mtpviz.strategies._tree import MAX_NODES, USUAL_NODES
from mtpviz.strategies.device._auto import Auto
from mtpviz.strategies.device._grow import Dynamic, Static
from mtpviz.strategies.device._vocabulary import Head
from mtpviz.trace import Step

_AUTO = {1: 4, 2: 8, 3: 15, 4: 15, 6: 31, 8: 31, 12: 47, 16: 47}  # nodes that `auto` keeps, by depth


class TreeDrafter(DeviceDrafter):
    """Subclasses say in `begin` what may follow the root and in `children` what may follow the nodes of a level.

    unembedding: what the draft scores; `attach` makes it. width: candidates of a node. free: whether a further level
    costs no pass of the draft. deepest: levels that it can draft; instances may know better.
    """

    unembedding: Head
    free: bool
    deepest = 16

    @property
    def folder(self) -> Path | None:
        """Where its weights are."""
        return self.session.entry.heads.get(self.name)

    def shapes_of(self, depth: int) -> None:
        """Set the shapes; depth: levels that were asked for, 0 where none were."""
        kind, nodes = self.chosen["tree"], self.chosen["nodes"]
        levels = min(depth or 4, self.deepest)
        self.static = self.auto = None
        if kind == "opt":
            raise UserError("tree=opt decides within a step whether to go deeper, and a GPU's step has one shape; "
                            "tree=auto, chain, dynamic or static will do, or --device cpu.")
        if kind == "static":
            self._fix(min(depth or 16, self.deepest), nodes)
        elif kind == "chain":
            self.width, self.shapes = 1, [Shape(levels, levels)]
        elif kind == "dynamic":
            self.width = self.chosen["width"]
            self.shapes = [Shape(levels, nodes or USUAL_NODES, self.width)]
        else:
            self.width, most = AUTO_WIDTH, min(depth or 16, self.deepest)
            self.shapes = [Shape()] + [Shape(d, n, self.width) for d, n in _AUTO.items() if d < most]
            self.shapes.append(Shape(most, max(n for d, n in _AUTO.items() if d <= most), self.width))
            self.auto = Auto(self.shapes, self.session.pass_cost, self.free)

    def _fix(self, levels: int, nodes: int) -> None:
        """The static tree of so many nodes, 0: as many as pay by what a pass costs."""
        table = read_table(self.folder) if self.folder else None
        if table is None:
            raise UserError(f"The strategy {self.name} has no measured table of acceptance, so tree=static cannot be "
                            "built; tree=auto, chain or dynamic will do.")
        tree, cost = StaticTree(table[:levels], nodes or MAX_NODES), self.session.pass_cost
        level_ms = 0.0 if self.free else cost(1) / 4  # of a pass of the draft, which nothing has timed
        nodes = nodes or tree.size(lambda nodes, depth: cost(nodes + 1) + depth * level_ms)
        self.width, self.static = max(map(len, table)), tree.places[:nodes]
        self.shapes = [Shape(int(tree.levels[len(self.static)]), len(self.static), self.width)]

    def shape(self) -> Shape:
        return self.auto.choose() if self.auto else self.shapes[0]

    def observe(self, step: Step) -> None:
        if self.auto:
            self.auto.observe(step)

    @cached_property
    def depth(self) -> int:
        """Levels of the deepest shape."""
        return max(shape.depth for shape in self.shapes)

    def attach(self, state: State, prompt: list[int]) -> None:
        self.growth = Dynamic(state, self.depth, self.width) if self.static is None else \
            Static(state, self.static, self.width, self.free)

    def score(self, unembedding: torch.Tensor, part: str, prompt: list[int], rows: int,
              trained: np.ndarray | None = None) -> Head:
        """What the draft scores by the setting `vocab`, told in the settings; arguments as for `Head`."""
        head = Head(self.session, unembedding, part, self.chosen["vocab"], prompt, rows, self.width, trained)
        self.chosen |= {"vocab": head.name, "vocab_size": head.size}
        return head

    def draft(self, state: State, program: Program) -> None:
        shape, growth = program.shape, self.growth
        if shape.depth == 0:
            super().draft(state, program)
            return
        growth.add(*self.begin(state), 1, program)
        for level in range(2, shape.depth + 1):
            growth.add(*self.children(state, level), level, program)
        growth.finish(state, program)

    def begin(self, state: State) -> tuple[torch.Tensor, torch.Tensor]:
        """Ids, int32, and probabilities, fp32, (batch, width) of the root's children, best first."""
        raise NotImplementedError

    def children(self, state: State, level: int) -> tuple[torch.Tensor, torch.Tensor]:
        """The same of the nodes of the level above that get children, (batch, nodes, width); or (batch, width), if it
        is one for all."""
        raise NotImplementedError


class Recurrent(TreeDrafter):
    """block: the drafted rows of the step, level by level, in the draft's own order."""

    free = False

    @property
    def drafted_rows(self) -> int:
        """At most, in the draft's own block."""
        return self.depth * self.width if self.static is None else len(self.static)

    def attach(self, state: State, prompt: list[int]) -> None:
        super().attach(state, prompt)
        self.block, (batch, device, width) = self.growth.block, (state.batch, state.device, self.width)
        self.most = max((rows for _, rows in self.growth.fronts), default=1)  # rows of a level
        self.first = offers(device, batch, width)
        self.offers = {rows: offers(device, batch, rows, width) for _, rows in self.growth.fronts}

    def committed(self, state: State) -> torch.Tensor:
        """Run what was committed and the root; what the unembedding reads of the last row, (batch, hidden)."""
        raise NotImplementedError

    def run(self, state: State, first: int, rows: int) -> torch.Tensor:
        """Run `rows` rows of the block from `first` on; what the unembedding reads of them, (batch * rows, hidden)."""
        raise NotImplementedError

    def begin(self, state: State) -> tuple[torch.Tensor, torch.Tensor]:
        self.unembedding.best(self.committed(state), *self.first)
        return self.first

    def children(self, state: State, level: int) -> tuple[torch.Tensor, torch.Tensor]:
        first, rows = self.growth.front(level - 1)
        self.unembedding.best(self.run(state, first, rows), *self.offers[rows])
        return self.offers[rows]


class Parallel(TreeDrafter):
    """levels: by level, ids and probabilities (batch, width) that `guess` fills."""

    free = True
    levels: list[tuple[torch.Tensor, torch.Tensor]]

    def guess(self, state: State) -> None:
        """Fill the levels."""
        raise NotImplementedError

    def begin(self, state: State) -> tuple[torch.Tensor, torch.Tensor]:
        self.guess(state)
        return self.levels[0]

    def children(self, state: State, level: int) -> tuple[torch.Tensor, torch.Tensor]:
        return self.levels[level - 1]


def offers(device: torch.device, *shape: int) -> tuple[torch.Tensor, torch.Tensor]:
    """Room for ids, int32, and probabilities, fp32."""
    return torch.zeros(shape, dtype=torch.int32, device=device), torch.zeros(shape, device=device)
