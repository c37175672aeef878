"""Static trees from a measured table of acceptance (Medusa, section 2.3; Chen et al. 2024, "Sequoia", section 3.1).

table[d][k] is the chance that the draft's candidate of rank k at depth d + 1 is the target's choice, its parent being
accepted. A node is accepted with the product along its path, so a tree's expected number of accepted nodes is the sum
of these products, and the best tree of n nodes holds the n largest.
"""

from __future__ import annotations

import heapq
import json
import math
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np

from mtpviz.errors import UserError

Rows = Sequence[Sequence[float]]


class Place(NamedTuple):
    """A node of a shape. parent: index in the shape, -1 for the root. rank: which of the parent's candidates it is.
    chance: product of the table's entries along its path."""

    parent: int
    rank: int
    chance: float


class StaticTree:
    """The best trees of one table, of every size up to `nodes` at once: the first n of `places` are that of n nodes.

    expected: fp64 (size + 1,), accepted nodes. levels: int (size + 1,), of the tree of so many nodes.
    """

    def __init__(self, table: Rows, nodes: int):
        self.places = list(best_first(table, nodes))
        self.expected = sequoia(table, len(self.places))
        depths = [0]
        for place in self.places:
            depths.append(depths[place.parent + 1] + 1)
        self.levels = np.maximum.accumulate(depths)

    def size(self, step_ms: Callable[[int, int], float]) -> int:
        """The number of nodes, at least one, that is expected to give the most tokens a millisecond; step_ms(nodes,
        levels) is the time of a step."""
        sizes = range(1, len(self.places) + 1)
        return max(sizes, key=lambda n: (1.0 + self.expected[n]) / step_ms(n, int(self.levels[n])))


def best_first(table: Rows, nodes: int) -> Iterator[Place]:
    """Up to `nodes` nodes, the most probable first, of equals the shallower; the first n are the best tree of n."""
    ranks = [sorted(range(len(row)), key=lambda k, row=row: -row[k]) for row in table]
    heap: list[tuple[float, int, int, int, float]] = []  # minus chance, level, parent, place in ranks, parent's chance

    def offer(level: int, parent: int, place: int, above: float) -> None:
        if level < len(table) and place < len(ranks[level]):
            heapq.heappush(heap, (-above * table[level][ranks[level][place]], level, parent, place, above))

    offer(0, -1, 0, 1.0)
    for node in range(nodes):
        if not heap:
            return
        minus, level, parent, place, above = heapq.heappop(heap)
        yield Place(parent, ranks[level][place], -minus)
        offer(level, parent, place + 1, above)
        offer(level + 1, node, 0, -minus)


def sequoia(table: Rows, nodes: int) -> np.ndarray:
    """fp64 (nodes + 1,): the largest expected number of accepted nodes of a tree of at most 0, 1, ..., nodes nodes.

    Sequoia's dynamic program with a row of chances for each depth. Below one node, T[n, b] is the best of n nodes
    under its first b candidates: T[n, b] = max over m of T[n - m, b - 1] + p_b (1 + Tmax[m - 1] a level deeper).
    """
    deeper = np.zeros(nodes + 1)
    for row in reversed(table):
        best = np.zeros(nodes + 1)
        for chance in row:
            without = best.copy()
            for m in range(1, nodes + 1):
                np.maximum(best[m:], without[: nodes + 1 - m] + chance * (1.0 + deeper[m - 1]), out=best[m:])
        deeper = best
    return deeper


def read_table(folder: Path) -> list[list[float]] | None:
    """The acceptance table of a draft's folder, the field "accuracy" of its config.json; None if it has none.

    UserError for one that is no table of chances.
    """
    try:
        table = json.loads((folder / "config.json").read_text(encoding="utf-8")).get("accuracy")
    except (OSError, ValueError, AttributeError):
        return None
    if table is None:
        return None
    try:
        rows = [[float(chance) for chance in row] for row in table]
    except (TypeError, ValueError):
        rows = []
    if not rows or not all(rows) or not all(0.0 <= p <= 1.0 and math.isfinite(p) for row in rows for p in row):
        raise UserError(f'The field "accuracy" of {folder / "config.json"} must list, for each depth, the chances '
                        "from 0 to 1 of the candidates by rank.")
    return rows
