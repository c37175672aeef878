"""Growing a token tree level by level with a drafter that can be asked what follows a node.

The shapes: a chain; EAGLE-2's dynamic tree (Li et al. 2024, section 4: expand the best, then rerank all); OPT-Tree
(Wang et al. 2024: the same with a depth that adapts); and a shape fixed beforehand (engine/static.py). The `auto` tree,
the one that is grown by default, is engine/auto.py's.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np

from mtpviz.engine.static import Place
from mtpviz.engine.tree import TokenTree

Children = tuple[np.ndarray, np.ndarray]  # tokens and the draft's probabilities, best first


class Pool:
    """Candidate nodes in the order they were proposed, so parents before children. chances: products of the draft's
    probabilities along the path. A node gets children when `expand` has run the
    drafter on it."""

    def __init__(self, expand: Callable[[Pool, Sequence[int]], list[Children]]):
        self.expand = expand
        self.tokens: list[int] = []
        self.parents: list[int] = []
        self.depths: list[int] = []
        self.probs: list[float] = []
        self.chances: list[float] = []

    def __len__(self) -> int:
        return len(self.tokens)

    def add(self, parent: int, token: int, prob: float) -> int:
        """Add a node; returns its index."""
        self.tokens.append(int(token))
        self.parents.append(parent)
        self.depths.append(1 if parent < 0 else self.depths[parent] + 1)
        self.probs.append(float(prob))
        self.chances.append(float(prob) * (1.0 if parent < 0 else self.chances[parent]))
        return len(self) - 1

    def best(self, nodes: Sequence[int], count: int) -> list[int]:
        """The `count` of `nodes` with the highest chances; of equals the shallower, or a certain child (chance equal
        to its parent's) could be kept without its parent."""
        return sorted(nodes, key=lambda i: (-self.chances[i], self.depths[i], i))[:count]

    def tree(self, kept: Sequence[int]) -> TokenTree:
        """The tree of the pool's nodes `kept` (ascending, closed under parents)."""
        place = {old: new for new, old in enumerate(kept)} | {-1: -1}
        return TokenTree(
            np.array([self.tokens[i] for i in kept], np.int64),
            np.array([place[self.parents[i]] for i in kept], np.int64),
            np.array([self.depths[i] for i in kept], np.int64),
            np.array([self.probs[i] for i in kept], np.float32))


def chain(pool: Pool, first: Children, depth: int) -> list[int]:
    """The most probable token after the root, after that one, ... `depth` times."""
    children, node = first, -1
    while len(pool) < depth:
        node = pool.add(node, children[0][0], children[1][0])
        if len(pool) < depth:
            children = pool.expand(pool, [node])[0]
    return list(range(len(pool)))


def dynamic(pool: Pool, first: Children, depth: int, width: int, nodes: int) -> list[int]:
    """EAGLE-2: `width` children of each of the `width` best nodes a level, then the `nodes` best of all."""
    frontier = _level(pool, [(-1, first)], width)
    for _ in range(depth - 1):
        frontier = _level(pool, _expanded(pool, sorted(pool.best(frontier, width))), width)
    return sorted(pool.best(range(len(pool)), nodes))


def opt(pool: Pool, first: Children, depth: int, nodes: int, worth: float) -> list[int]:
    """OPT-Tree (section 3.2): the `nodes` best children of a level are the next level, until the `nodes` best nodes of
    all together promise no more than `worth` accepted tokens above what they did a level before."""
    frontier, promise = _level(pool, [(-1, first)], nodes), 0.0
    for _ in range(depth - 1):
        before, promise = promise, sum(pool.chances[i] for i in pool.best(range(len(pool)), nodes))
        if promise - before <= worth:
            break
        frontier = _level(pool, _expanded(pool, sorted(pool.best(frontier, nodes))), nodes)
    return sorted(pool.best(range(len(pool)), nodes))


def fixed(pool: Pool, first: Children, depth: int, shape: Sequence[Place]) -> list[int]:
    """The nodes of `shape` down to `depth`, whatever the draft's probabilities; those with children are expanded."""
    below: dict[int, list[int]] = {}
    for i, place in enumerate(shape):
        below.setdefault(place.parent, []).append(i)
    node, frontier = {-1: -1}, [(-1, first)]
    for level in range(1, depth + 1):
        inner = []
        for parent, (tokens, probs) in frontier:
            for i in below[parent]:
                node[i] = pool.add(node[parent], tokens[shape[i].rank], probs[shape[i].rank])
                inner += [i] if i in below else []
        if not inner or level == depth:
            break
        frontier = list(zip(inner, pool.expand(pool, [node[i] for i in inner]), strict=True))
    return list(range(len(pool)))


def _expanded(pool: Pool, nodes: Sequence[int]) -> list[tuple[int, Children]]:
    return list(zip(nodes, pool.expand(pool, nodes), strict=True))


def _level(pool: Pool, frontier: list[tuple[int, Children]], width: int) -> list[int]:
    """Add the `width` best children of each parent."""
    return [pool.add(parent, token, prob) for parent, (tokens, probs) in frontier
            for token, prob in zip(tokens[:width].tolist(), probs[:width].tolist(), strict=True)]
