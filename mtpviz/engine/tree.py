"""A drafted token tree: what every strategy proposes and the verifier walks."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from mtpviz.errors import UserError

NO_INTS, NO_FLOATS = np.zeros(0, np.int64), np.zeros(0, np.float32)


@dataclass(frozen=True)
class TokenTree:
    """Nodes below the root (the last committed token, which is no node itself), parents before children.

    tokens: int64 (n,). parents: int64 (n,), -1 for a child of the root. sources: int64 (n,), the head or depth that
    proposed each node. probs: fp32 (n,), the draft's probability given the parent's path, NaN where it has none.
    dists: for sampled trees, by parent (-1: the root), the full-vocabulary draft distribution, fp32 (vocab,), that its
    children were drawn from, in the order they were drawn; empty when the candidates are deterministic.
    """

    tokens: np.ndarray = field(default_factory=lambda: NO_INTS)
    parents: np.ndarray = field(default_factory=lambda: NO_INTS)
    sources: np.ndarray = field(default_factory=lambda: NO_INTS)
    probs: np.ndarray = field(default_factory=lambda: NO_FLOATS)
    dists: dict[int, np.ndarray] = field(default_factory=dict)

    def __post_init__(self):
        n = len(self.tokens)
        if not len(self.parents) == len(self.sources) == len(self.probs) == n:
            raise ValueError("a tree's tokens, parents, sources and probs have one entry a node")
        if n and ((self.parents < -1).any() or (self.parents >= np.arange(n)).any()):
            raise ValueError("a tree's parents come before their children")

    def __len__(self) -> int:
        return len(self.tokens)

    @staticmethod
    def chain(tokens, probs=None, dists: dict[int, np.ndarray] | None = None) -> TokenTree:
        """The tree without branches: node i hangs on node i - 1."""
        n = len(tokens)
        probs = np.full(n, np.nan, np.float32) if probs is None else np.asarray(probs, np.float32)
        return TokenTree(np.asarray(tokens, np.int64), np.arange(-1, n - 1), np.arange(1, n + 1), probs, dists or {})

    @property
    def depths(self) -> np.ndarray:
        """int64 (n,): levels below the root, from 1."""
        depths = np.zeros(len(self), np.int64)
        for i, parent in enumerate(self.parents):
            depths[i] = 1 if parent < 0 else depths[parent] + 1
        return depths

    def children(self, node: int) -> list[int]:
        """Nodes that hang on `node` (-1: on the root), in the order they were proposed."""
        return np.flatnonzero(self.parents == node).tolist()

    def path(self, node: int) -> list[int]:
        """Nodes from below the root down to `node`."""
        nodes: list[int] = []
        while node >= 0:
            nodes.append(node)
            node = int(self.parents[node])
        return nodes[::-1]

    def first(self, count: int) -> TokenTree:
        """The tree of its first `count` nodes; closed, since parents come first."""
        if count >= len(self):
            return self
        kept = {parent: dist for parent, dist in self.dists.items() if parent < count}
        return TokenTree(self.tokens[:count], self.parents[:count], self.sources[:count], self.probs[:count], kept)

    def shallow(self, depth: int) -> TokenTree:
        """The tree without the nodes below `depth` levels."""
        depths = self.depths
        if not len(self) or depths.max() <= depth:
            return self
        keep = np.flatnonzero(depths <= depth)
        place = {int(old): new for new, old in enumerate(keep)} | {-1: -1}
        parents = np.array([place[int(p)] for p in self.parents[keep]], np.int64)
        dists = {place[parent]: dist for parent, dist in self.dists.items() if parent in place}
        return TokenTree(self.tokens[keep], parents, self.sources[keep], self.probs[keep], dists)

    def block(self, root: int, position: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Tokens, parents and positions of the pass that verifies it: row 0 is the root, row i + 1 node i."""
        tokens = np.concatenate(([root], self.tokens)).astype(np.int64)
        parents = np.concatenate(([-1], self.parents + 1)).astype(np.int32)
        positions = np.concatenate(([position], position + self.depths)).astype(np.int32)
        return tokens, parents, positions

    def check_fits(self, rows: int) -> None:
        """Raises UserError if the tree and its root do not fit into a pass of `rows` rows."""
        if len(self) + 1 > rows:
            raise UserError(f"A tree of {len(self)} nodes does not fit: a pass takes the root and {rows - 1} nodes.")
