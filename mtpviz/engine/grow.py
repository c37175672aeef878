"""Growing a token tree level by level with a drafter that can be asked what follows a node.

Three shapes: a chain; EAGLE-2's dynamic tree (Li et al. 2024, section 4: expand the best, then rerank all); and
`auto`, which adds a node only while it pays (engine/budget.py).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np

from mtpviz.engine.budget import Budget
from mtpviz.engine.tree import TokenTree
from mtpviz.trace import Step

Children = tuple[np.ndarray, np.ndarray]  # tokens and the draft's probabilities, best first
AUTO_WIDTH = 4  # nodes that `auto` expands in one draft call, and children it considers of each


class Pool:
    """Candidate nodes in the order they were proposed, so parents before children. chances: products of the draft's
    probabilities along the path. A node gets children when `expand` has run the drafter on it."""

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

    def tree(self, kept: Sequence[int]) -> TokenTree:
        """The tree of the pool's nodes `kept` (ascending, closed under parents)."""
        place = {old: new for new, old in enumerate(kept)} | {-1: -1}
        return TokenTree(
            np.array([self.tokens[i] for i in kept], np.int64),
            np.array([place[self.parents[i]] for i in kept], np.int64),
            np.array([self.depths[i] for i in kept], np.int64),
            np.array([self.probs[i] for i in kept], np.float32))


def chain(pool: Pool, first: Children, depth: int, budget: Budget | None = None) -> list[int]:
    """The most probable token after the root, after that one, ... `depth` times, or with a budget while it pays."""
    children, node = first, -1
    while len(pool) < depth:
        chance = (pool.chances[node] if node >= 0 else 1.0) * float(children[1][0])
        if budget and not budget.pays(chance, len(pool) + 1):
            break
        node = pool.add(node, children[0][0], children[1][0])
        if len(pool) >= depth or budget and not budget.pays(chance * budget.top_prob, len(pool) + 1, budget.draft_ms):
            break
        children = pool.expand(pool, [node])[0]
        if budget:
            budget.observe_top(float(children[1][0]))
    return list(range(len(pool)))


def dynamic(pool: Pool, first: Children, depth: int, width: int, nodes: int) -> list[int]:
    """EAGLE-2: `width` children of each of the `width` best nodes a level, then the `nodes` best of all.

    Ranked by chance; of equals the shallower wins, or a certain child (chance equal to its parent's) could be kept
    without its parent.
    """
    if depth < 1:
        return []
    frontier = [pool.add(-1, token, prob) for token, prob in zip(first[0][:width], first[1][:width], strict=True)]
    for _ in range(depth - 1):
        level = []
        for parent, (tokens, probs) in zip(frontier, pool.expand(pool, frontier), strict=True):
            level += [pool.add(parent, t, p) for t, p in zip(tokens[:width], probs[:width], strict=True)]
        frontier = sorted(_best(pool, level, width))
    return sorted(_best(pool, range(len(pool)), nodes))


def auto(pool: Pool, first: Children, depth: int, nodes: int, budget: Budget, free: bool = False) -> list[int]:
    """Add nodes in the order of their chances while each pays for its row; expand the new ones while that is expected
    to pay for a draft call. free: expanding costs nothing, because every level was predicted beforehand."""
    candidates = [(-1, first)]
    for level in range(1, depth + 1):
        offers = sorted(
            ((float(prob) * (1.0 if parent < 0 else pool.chances[parent]), -order, parent, int(token), float(prob))
             for order, (parent, (tokens, probs)) in enumerate(candidates)
             for token, prob in zip(tokens[:AUTO_WIDTH], probs[:AUTO_WIDTH], strict=True)), reverse=True)
        added = []
        for chance, _, parent, token, prob in offers:
            if len(pool) >= nodes or not budget.pays(chance, len(pool) + 1):
                break
            added.append(pool.add(parent, token, prob))
        grown = [node for node in _best(pool, added, AUTO_WIDTH)
                 if budget.pays(pool.chances[node] * budget.top_prob, len(pool) + 1)]
        hope = sum(pool.chances[node] for node in grown) * budget.top_prob
        if level == depth or not grown or not budget.pays(hope, len(pool) + 1, 0.0 if free else budget.draft_ms):
            break
        candidates = list(zip(grown, pool.expand(pool, grown), strict=True))
        budget.observe_top(float(candidates[0][1][1][0]))
    return list(range(len(pool)))


def _best(pool: Pool, nodes: Sequence[int], count: int) -> list[int]:
    return sorted(nodes, key=lambda i: (-pool.chances[i], pool.depths[i], i))[:count]


def promised(step: Step) -> float:
    """Nodes of a step that its draft expected to be accepted: the sum of their chances."""
    chances: list[float] = []
    for node in step.nodes:
        chances.append((node.draft_prob or 0.0) * (1.0 if node.parent < 0 else chances[node.parent]))
    return sum(chances)
