"""What tree drafters share: the settings of the tree's shape, how it is grown, and what `auto` learns from.

Two bases. `Recurrent`: what follows a node is known once the draft has run on it (draft model, EAGLE, MTP module).
`Parallel`: every level is known before the tree is grown (MTP heads, Medusa, L-MTP, FIRP). A drafter of either kind
keeps its state in `prefill` and `commit` and says in `begin` what may follow the root; the rest is here.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from functools import cached_property
from pathlib import Path

import numpy as np

from mtpviz.engine import auto
from mtpviz.engine.budget import Budget
from mtpviz.engine.drafter import Drafter, Setting
from mtpviz.engine.drafting import Drafting
from mtpviz.engine.grow import Children, Pool, chain, dynamic, fixed, opt
from mtpviz.engine.sampling import Sampling, top_probs
from mtpviz.engine.static import Rows, StaticTree, read_table
from mtpviz.engine.tree import TokenTree
from mtpviz.errors import UserError
from mtpviz.models.cpu import MAX_ROWS
from mtpviz.strategies._vocabulary import Head
from mtpviz.trace import Step

MAX_NODES = 48
USUAL_NODES = 15  # of a dynamic or OPT tree: a pass over 16 rows
SETTINGS = {
    "tree": Setting("auto", "shape of the draft: as it pays, a chain, EAGLE-2's, OPT-Tree's, or of measured accuracies",
                    choices=("auto", "chain", "dynamic", "opt", "static")),
    "width": Setting(4, "of the dynamic tree: nodes expanded a level, and children of each", 1, 16),
    "nodes": Setting(0, f"of the dynamic, opt and static tree; 0 takes {USUAL_NODES}, of the static as many as pay",
                     0, MAX_NODES),
}
WINDOW = 64  # of what a draft head has missed, the prompt or a pause, it reads the last so many tokens only
DEPTH = {"depth": Setting(0, "levels; 0 leaves it to the tree, or takes 4", 0, 16)}
_DEEPEST = {"auto": 16, "chain": 4, "dynamic": 4, "opt": 16, "static": 16}  # where no depth was asked for
_PRICED = ("auto", "opt", "static")  # shapes that ask what a node or a call costs


class TreeDrafter(Drafter):
    """unembedding: what the draft scores; set it in `prefill`. free: whether a further level costs no draft call."""

    unembedding: Head
    free: bool

    def __init__(self, session, sampling: Sampling, **settings):
        super().__init__(session, sampling, **settings)
        self.budget = Budget(session.pass_cost, 0.0 if sampling.greedy else sampling.temperature)
        self._step: Step | None = None  # the last one
        self._begun = False  # whether it drafted
        self._prompted = False  # whether any did, so that the prompt was read
        self._static: StaticTree | None = None
        if self.chosen["tree"] == "static" and self.accuracy is None:
            raise UserError(f"The strategy {self.name} has no measured table of acceptance, so tree=static cannot be "
                            "built; tree=auto, chain, dynamic or opt will do.")

    @property
    def folder(self) -> Path | None:
        """Where its weights are."""
        return self.session.entry.heads.get(self.name)

    @cached_property
    def accuracy(self) -> Rows | None:
        """Measured chances of acceptance by depth and rank (engine/static.py)."""
        return read_table(self.folder) if self.folder else None

    @property
    def branches(self) -> int:
        """Children that the chosen shape considers of a node."""
        shape = self.chosen["tree"]
        if shape == "static":
            return max(len(row) for row in self.accuracy)
        return {"auto": auto.WIDTH, "chain": 1, "dynamic": self.chosen["width"], "opt": self.nodes}[shape]

    @property
    def nodes(self) -> int:
        """Nodes that a dynamic or OPT tree keeps."""
        return self.chosen["nodes"] or USUAL_NODES

    def begin(self, root: int, position: int) -> np.ndarray:
        """Take in what was committed since `begin` was last called (not every step drafts), and the root; the logits
        of what may follow it, fp32 (levels, scored): one level if recurrent, all of them if parallel."""
        raise NotImplementedError

    def grow(self, logits: np.ndarray, position: int, depth: int) -> TokenTree:
        """The tree of at most `depth` >= 1 levels below the root at `position`, from the logits of `begin`."""
        raise NotImplementedError

    def draft(self, root: int, position: int, depth: int) -> TokenTree:
        start = time.perf_counter()
        usual, self._begun = self._begun, False
        if self._step is not None and self.chosen["tree"] in _PRICED:
            (self.budget.observe if usual else self.budget.observe_plain)(self._step)
        if depth < 1:
            return TokenTree()
        if self.chosen["tree"] == "auto" and not self.budget.drafts(self.sure):
            self.notes = {"pause": self.budget.pause}
            return TokenTree()
        logits = self.begin(root, position)
        self.budget.observe_begin(1000 * (time.perf_counter() - start), not self._prompted, usual)
        self._begun = self._prompted = True
        return self.grow(logits, position, depth)

    def observe(self, step: Step) -> None:
        self._step = step  # taken in when the next draft begins, on the lane's clock

    def children(self, logits: np.ndarray) -> Children:
        """The most probable tokens by logits fp32 (scored,), as ids of the target's vocabulary."""
        tokens, probs = top_probs(logits, self.branches)
        return self.unembedding.to_ids(tokens), probs

    def choose(self, pool: Pool, first: Children, levels: int, depth: int) -> list[int]:
        """Grow `pool` by the chosen shape, any but auto; the nodes to keep. levels: how many the draft can reach;
        depth: how many there is room for."""
        shape, deepest = self.chosen["tree"], min(levels, depth)
        if shape == "chain":
            return chain(pool, first, deepest)
        if shape == "dynamic":
            return dynamic(pool, first, deepest, self.chosen["width"], self.nodes)
        if shape == "opt":
            return opt(pool, first, deepest, self.nodes, 0.0 if self.free else self.budget.rate * self.budget.call_ms)
        if self._static is None:
            self._static = StaticTree(self.accuracy[:levels], self.chosen["nodes"] or MAX_NODES)
        size = self.chosen["nodes"] or self._static.size(
            lambda nodes, depth: self.budget.step_ms(nodes, 0 if self.free else depth - 1))
        return fixed(pool, first, deepest, self._static.places[:size])


class Recurrent(TreeDrafter):
    """drafting: the draft on its cache; set it in `prefill`. rows: of the proposed tree's nodes, the row of the drafted
    block that each was run in; a node that nothing was to follow was not run. {} on a step that drafted nothing."""

    free = False
    drafting: Drafting

    def __init__(self, session, sampling: Sampling, **settings):
        super().__init__(session, sampling, **settings)
        self.rows: dict[int, int] = {}
        self._nodes = auto.Nodes.new(_DEEPEST["auto"] * auto.WIDTH**2)

    def draft(self, root: int, position: int, depth: int) -> TokenTree:
        self.rows = {}
        return super().draft(root, position, depth)

    def grow(self, logits: np.ndarray, position: int, depth: int) -> TokenTree:
        shape, levels = self.chosen["tree"], self.chosen["depth"] or _DEEPEST[self.chosen["tree"]]
        expanded = {"auto": auto.WIDTH, "dynamic": self.chosen["width"], "opt": self.nodes}.get(shape, 1)  # a level
        levels = min(levels, 1 + MAX_ROWS // expanded)  # the draft's cache has room for so many drafted rows
        if shape == "auto":
            return self._grow_auto(logits[-1], min(levels, depth))
        block: list[int] = []  # parents of the block's rows

        def expand(pool: Pool, nodes: Sequence[int]) -> list[Children]:
            start = time.perf_counter()
            for node in nodes:
                parent = pool.parents[node]
                self.rows[node] = len(block)
                block.append(self.rows[parent] if parent >= 0 else -1)
            tokens = np.array([pool.tokens[node] for node in nodes], np.int64)
            found = self.drafting.run(tokens, np.array(block), np.array([pool.depths[node] for node in nodes]))
            children = [self.children(row) for row in found]
            self.budget.observe_calls(1000 * (time.perf_counter() - start), 1)
            return children

        pool = Pool(expand)
        kept = self.choose(pool, self.children(logits[-1]), levels, depth)
        place = {old: new for new, old in enumerate(kept)}
        self.rows = {place[node]: row for node, row in self.rows.items() if node in place}
        return pool.tree(kept)

    def _grow_auto(self, logits: np.ndarray, depth: int) -> TokenTree:
        start, budget, nodes = time.perf_counter(), self.budget, self._nodes
        kept, expected, calls, budget.top_prob = self.drafting.grow(logits, depth, MAX_NODES, budget.prices(),
                                                                    budget.top_prob, nodes)
        budget.observe_calls(1000 * (time.perf_counter() - start), calls)
        budget.observe_tree(expected)
        self.rows = {place: row for place, row in enumerate(nodes.rows[kept].tolist()) if row >= 0}
        places = np.searchsorted(kept, nodes.parents[kept])  # kept is ascending, and holds every parent
        return TokenTree(nodes.tokens[kept], np.where(nodes.parents[kept] < 0, -1, places), nodes.depths[kept],
                         nodes.probs[kept])


class Parallel(TreeDrafter):
    """The candidates of a level are the same below every parent."""

    free = True

    def __init__(self, session, sampling: Sampling, **settings):
        super().__init__(session, sampling, **settings)
        self._nodes = auto.Nodes.new(MAX_NODES)

    def grow(self, logits: np.ndarray, position: int, depth: int) -> TokenTree:
        if self.chosen["tree"] == "auto":
            nodes = self._nodes
            count, expected = auto.known(logits, min(depth, len(logits)), self.unembedding.size, MAX_NODES,
                                         self.budget.prices(), nodes)
            self.budget.observe_tree(expected)
            return TokenTree(self.unembedding.to_ids(nodes.tokens[:count].copy()), nodes.parents[:count].copy(),
                             nodes.depths[:count].copy(), nodes.probs[:count].copy())
        levels = [self.children(row) for row in logits]
        pool = Pool(lambda pool, nodes: [levels[pool.depths[node]] for node in nodes])
        return pool.tree(self.choose(pool, levels[0], len(levels), depth))
