"""What tree drafters share: the settings of the tree's shape, how it is grown, and what `auto` learns from.

Two bases. `Recurrent`: what follows a node is known once the draft has run on it (draft model, EAGLE, MTP module).
`Parallel`: every level is known before the tree is grown (MTP heads, Medusa, L-MTP, FIRP). A drafter of either kind
keeps its state in `prefill` and `commit` and says in `begin` what may follow the root; the rest is here.
"""

from __future__ import annotations

import time
from collections.abc import Sequence

import numpy as np

from mtpviz.engine.budget import Budget
from mtpviz.engine.drafter import Drafter, Setting
from mtpviz.engine.grow import AUTO_WIDTH, Children, Pool, auto, chain, dynamic, promised
from mtpviz.engine.sampling import Sampling, top_probs
from mtpviz.engine.tree import TokenTree
from mtpviz.strategies._vocabulary import Head
from mtpviz.trace import Step

MAX_NODES = 48
SETTINGS = {
    "tree": Setting("auto", "shape of the draft", choices=("auto", "chain", "dynamic")),
    "width": Setting(4, "of the dynamic tree: nodes expanded a level, and children of each", 1, 16),
    "nodes": Setting(15, "of the dynamic tree: nodes kept", 1, MAX_NODES),
}
DEPTH = {"depth": Setting(0, "levels; 0 leaves it to `auto`, or takes 4", 0, 16)}
_DEEPEST = {"auto": 16, "chain": 4, "dynamic": 4}  # levels of a recurrent drafter where none were asked for


class TreeDrafter(Drafter):
    """unembedding: what the draft scores; set it in `prefill`."""

    unembedding: Head

    def __init__(self, session, sampling: Sampling, **settings):
        super().__init__(session, sampling, **settings)
        self.budget = Budget(session.pass_cost)

    @property
    def branches(self) -> int:
        """Children that the chosen shape considers of a node."""
        return {"auto": AUTO_WIDTH, "chain": 1, "dynamic": self.chosen["width"]}[self.chosen["tree"]]

    def begin(self, root: int, position: int) -> np.ndarray:
        """Take in what was committed since `begin` was last called (not every step drafts), and the root; the logits
        of what may follow it, fp32 (levels, scored): one level if recurrent, all of them if parallel."""
        raise NotImplementedError

    def grow(self, logits: np.ndarray, position: int, depth: int) -> TokenTree:
        """The tree of at most `depth` >= 1 levels below the root at `position`, from the logits of `begin`."""
        raise NotImplementedError

    def draft(self, root: int, position: int, depth: int) -> TokenTree:
        if depth < 1:
            return TokenTree()
        start = time.perf_counter()
        logits = self.begin(root, position)
        self.budget.observe_draft(1000 * (time.perf_counter() - start))
        return self.grow(logits, position, depth)

    def children(self, logits: np.ndarray) -> Children:
        """The most probable tokens by logits fp32 (scored,), as ids of the target's vocabulary."""
        tokens, probs = top_probs(logits, self.branches)
        return self.unembedding.to_ids(tokens), probs

    def choose(self, pool: Pool, first: Children, depth: int, free: bool) -> list[int]:
        """Grow `pool` from the root's children by the chosen shape; the nodes to keep. free: as for grow.auto."""
        shape = self.chosen["tree"]
        if shape == "chain":
            return chain(pool, first, depth)
        if shape == "dynamic":
            return dynamic(pool, first, depth, self.chosen["width"], self.chosen["nodes"])
        return auto(pool, first, depth, MAX_NODES, self.budget, free)

    def observe(self, step: Step) -> None:
        self.budget.observe(len(step.accepted) + 1, sum(step.time_ms.values()), promised(step), len(step.accepted))


class Recurrent(TreeDrafter):
    """rows: of the proposed tree's nodes, the row of the drafted block that each was run in; a node that nothing was
    to follow was not run. {} on a step that drafted nothing."""

    def __init__(self, session, sampling: Sampling, **settings):
        super().__init__(session, sampling, **settings)
        self.rows: dict[int, int] = {}

    def run(self, tokens: np.ndarray, parents: np.ndarray, positions: np.ndarray) -> np.ndarray:
        """Run the draft on drafted tokens, int64 (rows,), at `positions`. parents: int64 (block,), the row of each
        row's parent in the block of rows drafted since `begin`, -1 for a child of the root; the tokens are the last
        rows of that block. Logits fp32 (rows, scored)."""
        raise NotImplementedError

    def draft(self, root: int, position: int, depth: int) -> TokenTree:
        self.rows = {}
        return super().draft(root, position, depth)

    def grow(self, logits: np.ndarray, position: int, depth: int) -> TokenTree:
        block: list[int] = []  # parents of the block's rows

        def expand(pool: Pool, nodes: Sequence[int]) -> list[Children]:
            for node in nodes:
                parent = pool.parents[node]
                self.rows[node] = len(block)
                block.append(self.rows[parent] if parent >= 0 else -1)
            tokens = np.array([pool.tokens[node] for node in nodes], np.int64)
            positions = np.array([position + pool.depths[node] for node in nodes])
            return [self.children(row) for row in self.run(tokens, np.array(block), positions)]

        pool = Pool(expand)
        levels = self.chosen["depth"] or _DEEPEST[self.chosen["tree"]]
        kept = self.choose(pool, self.children(logits[-1]), min(depth, levels), free=False)
        place = {old: new for new, old in enumerate(kept)}
        self.rows = {place[node]: row for node, row in self.rows.items() if node in place}
        return pool.tree(kept)


class Parallel(TreeDrafter):
    """The candidates of a level are the same below every parent."""

    def grow(self, logits: np.ndarray, position: int, depth: int) -> TokenTree:
        levels = [self.children(row) for row in logits]
        pool = Pool(lambda pool, nodes: [levels[pool.depths[node]] for node in nodes])
        return pool.tree(self.choose(pool, levels[0], min(depth, len(levels)), free=True))
