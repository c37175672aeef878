"""How often the target takes the draft's first choice, its second, its third, at each depth; and what follows for
trees that were not tried."""

from __future__ import annotations

import heapq
from dataclasses import dataclass

from mtpviz.trace import Step, Trace

ENOUGH = 20  # offers at one depth, below which all depths are taken together


@dataclass(frozen=True)
class Ranks:
    """rates[d - 1][r]: share of the offers at depth d (1 is the first) in which the child of rank r (0 is the one that
    the draft thinks likeliest) was accepted, given that its parent was. Beyond the last depth the last row holds.
    offers[d - 1]: of how many. pooled: the same over all depths.

    Where trees adapt, a depth is offered only when the draft is sure of it, so its rates flatter a fixed tree. The
    careful reading counts a missing offer as one that failed; the truth lies between the two."""

    rates: list[list[float]]
    offers: list[int]
    pooled: list[float]

    def at(self, depth: int) -> list[float]:
        """The rates of a depth: its own if it was offered ENOUGH, else those of all depths together."""
        place = min(depth, len(self.rates)) - 1
        return self.rates[place] if place >= 0 and self.offers[place] >= ENOUGH else self.pooled


def ranks(trace: Trace, careful: bool = False) -> Ranks | None:
    """Measured on a lane; None for one that never drafted. careful: a step that got as far as a depth and had no draft
    there counts as an offer of the ranks seen at that depth, none of which was accepted."""
    hits: list[dict[int, int]] = []
    tries: list[dict[int, int]] = []
    offers: list[int] = []
    for step in trace.steps:
        if not step.told:
            continue
        for depth, (siblings, taken) in enumerate(_offers(step)):
            if depth == len(hits):
                hits.append({})
                tries.append({})
                offers.append(0)
            offers[depth] += 1
            for rank in range(len(siblings)):
                tries[depth][rank] = tries[depth].get(rank, 0) + 1
                hits[depth][rank] = hits[depth].get(rank, 0) + (siblings[rank] == taken)
    if not offers:
        return None
    if careful:
        for depth in range(len(offers)):
            offers[depth] = sum(len(step.accepted) >= depth for step in trace.steps)
            tries[depth] = dict.fromkeys(tries[depth], offers[depth])
    together = [sum(row.get(rank, 0) for row in hits) / sum(row.get(rank, 0) for row in tries)
                for rank in range(max(max(row) for row in tries) + 1)]
    return Ranks([[hits[d][r] / tries[d][r] for r in sorted(tries[d])] for d in range(len(hits))], offers, together)


def _offers(step: Step) -> list[tuple[list[int], int | None]]:
    """Along the accepted path: the children by falling draft probability, and the accepted one (None at its end)."""
    found, at = [], -1
    for taken in [*step.accepted, None]:
        children = [i for i, node in enumerate(step.nodes) if node.parent == at]
        if not children:
            break
        children.sort(key=lambda i: -(step.nodes[i].draft_prob or 0.0))
        found.append((children, taken))
        at = taken
    return found


def best_tau(measured: Ranks, nodes: int, deepest: int) -> float:
    """Tokens per pass, the bonus included, of the best fixed tree of so many nodes and at most so deep.

    A node is worth the product of the rates on its path (Sequoia, arXiv 2402.12374, proposition 3.4), and taking the
    worthiest first is best for rates that fall with the rank. The rates are those of the whole run, so what a tree
    that adapts to each step wins beyond a fixed one is not in it.
    """
    tau = 1.0
    front: list[tuple[float, float, int, int]] = []  # (-worth, worth of the parent, depth, rank)

    def offer(parent: float, depth: int, rank: int) -> None:
        rates = measured.at(depth)
        if depth <= deepest and rank < len(rates):
            heapq.heappush(front, (-parent * rates[rank], parent, depth, rank))

    offer(1.0, 1, 0)
    for _ in range(nodes):
        if not front:
            break
        worth, parent, depth, rank = heapq.heappop(front)
        tau -= worth
        offer(parent, depth, rank + 1)
        offer(-worth, depth + 1, 0)
    return tau
