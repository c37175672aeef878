"""The `auto` tree, compiled: grown while it is expected to pay, with the prices that engine/budget.py has learnt.

A tree's worth is the number of nodes that are expected to be accepted, less what its rows and the draft's calls cost in
tokens. A recurrent draft is asked level by level; where every level is known beforehand (heads that do not see each
other's choice) nothing is asked.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from mtpviz.engine.budget import chance_of, worth
from mtpviz.engine.sampling import fill_top_probs
from mtpviz.kernels.compiler import numba
from mtpviz.models.drafting import level

WIDTH = 4  # nodes that are expanded in one draft call, and children considered of each


class Nodes(NamedTuple):
    """Candidates in the order they were proposed: tokens, parents (-1: the root), depths from 1, the draft's probs,
    chances (of the whole path), and the row of the draft's block that ran them, -1 where none did."""

    tokens: np.ndarray
    parents: np.ndarray
    depths: np.ndarray
    probs: np.ndarray
    chances: np.ndarray
    rows: np.ndarray

    @staticmethod
    def new(count: int) -> Nodes:
        """Room for `count` candidates."""
        return Nodes(*(np.zeros(count, dtype) for dtype in (np.int64, np.int64, np.int64, np.float32, np.float64,
                                                            np.int64)))


@numba.njit(cache=True, nogil=True)
def _best(nodes, first, size, count):
    """The `count` nodes of first..size-1 with the highest chances, best first; of equals the shallower, or a certain
    child could be kept without its parent."""
    taken = np.empty(min(count, size - first), np.int64)
    free = np.ones(size, np.uint8)
    for n in range(taken.shape[0]):
        top = -1
        for i in range(first, size):
            if free[i] and (top < 0 or nodes.chances[i] > nodes.chances[top]
                            or (nodes.chances[i] == nodes.chances[top] and nodes.depths[i] < nodes.depths[top])):
                top = i
        taken[n], free[top] = top, 0
    return taken


@numba.njit(cache=True, nogil=True)
def grow(draft, keys, values, length, logits, depth, most, prices, top_prob, nodes):
    """Grow the tree of at most `depth` levels and `most` nodes below the last committed row, of which `logits` is.

    draft, keys, values, length: models.drafting. Expands the best new nodes while that is expected to pay for a draft
    call, then keeps what is expected to pay for its rows. Returns the kept nodes, ascending; how many are expected to
    be accepted; the draft calls; how sure the draft was of late of its best candidate (as `top_prob` told before); and
    whether the teams of threads were whole.
    """
    candidates, chances = np.empty((WIDTH, WIDTH), np.int64), np.empty((WIDTH, WIDTH), np.float32)
    frontier, block = np.full(1, -1, np.int64), np.empty(0, np.int64)
    size, calls, whole = 0, 0, True
    fill_top_probs(logits[: draft.scored], candidates[0], chances[0])
    for depth_here in range(1, depth + 1):
        first = size
        for k in range(frontier.shape[0]):
            parent = frontier[k]
            above = 1.0 if parent < 0 else nodes.chances[parent]
            for rank in range(WIDTH):
                prob = np.float64(chances[k, rank])
                chance = above * chance_of(prices.odds, depth_here, rank, prob)
                if chance > prices.least:
                    token = candidates[k, rank]
                    nodes.tokens[size] = draft.ids[token] if draft.ids.shape[0] > 0 else token
                    nodes.parents[size], nodes.depths[size], nodes.rows[size] = parent, depth_here, -1
                    nodes.probs[size], nodes.chances[size] = chances[k, rank], chance
                    size += 1
        if depth_here == depth:
            break
        guess = chance_of(prices.odds, depth_here + 1, 0, top_prob)
        found = _best(nodes, first, size, WIDTH)
        count = 0
        while count < found.shape[0] and nodes.chances[found[count]] * guess > prices.least:
            count += 1
        if count == 0:
            break
        have = nodes.chances[_best(nodes, 0, size, most)]
        hoped = np.sort(np.concatenate((have, nodes.chances[found[:count]] * guess)))[::-1]
        gained = worth(hoped, min(hoped.shape[0], most), prices.rows)[1] - worth(have, have.shape[0], prices.rows)[1]
        if gained <= prices.call:
            break
        calls += 1
        frontier = np.sort(found[:count])
        block = np.concatenate((block, np.empty(count, np.int64)))
        for k in range(count):
            node = frontier[k]
            nodes.rows[node] = block.shape[0] - count + k
            block[nodes.rows[node]] = nodes.rows[nodes.parents[node]] if nodes.parents[node] >= 0 else -1
        whole = level(draft, keys, values, length, nodes.tokens[frontier], block, nodes.depths[frontier]) and whole
        scored = draft.model[2][9]  # the model's logits
        for k in range(count):
            fill_top_probs(scored[k, : draft.scored], candidates[k], chances[k])
        top_prob += 0.1 * (np.float64(chances[0, 0]) - top_prob)
    kept = _best(nodes, 0, size, most)
    count = worth(nodes.chances[kept], kept.shape[0], prices.rows)[0]
    return np.sort(kept[:count]), np.sum(nodes.chances[kept[:count]]), calls, top_prob, whole


@numba.njit(cache=True, nogil=True)
def known(logits, levels, scored, most, prices, nodes):
    """The same where logits fp32 (>= levels, >= scored) tell every level beforehand, whatever stands above. Fills
    `nodes` with the tree's, best first (tokens are indices of what is scored); how many, and how many are expected to
    be accepted. levels comes apart because a slice of one row is another type to the compiler, to be compiled anew."""
    tokens, probs = np.empty((levels, WIDTH), np.int64), np.empty((levels, WIDTH), np.float32)
    for i in range(levels):
        fill_top_probs(logits[i, :scored], tokens[i], probs[i])
    chances, ranks = np.empty((levels, WIDTH)), np.empty((levels, WIDTH), np.int64)
    for i in range(levels):
        for rank in range(WIDTH):
            chances[i, rank] = chance_of(prices.odds, i + 1, rank, np.float64(probs[i, rank]))
        ranks[i] = np.argsort(-chances[i], kind="mergesort")
    # A node offers its next sibling and its first child; the best offer is the next node. An offer: parent, place in
    # its level's ranks, chance.
    room = most + 1
    parents, places, depths = np.empty(room, np.int64), np.empty(room, np.int64), np.empty(room, np.int64)
    offered = np.empty(room)
    parents[0], places[0], depths[0], offered[0] = -1, 0, 1, chances[0, ranks[0, 0]]
    offers, size = 1, 0
    while size < most:
        top = 0
        for i in range(1, offers):
            if offered[i] > offered[top] or (offered[i] == offered[top] and depths[i] < depths[top]):
                top = i
        if offers == 0 or offered[top] <= prices.least:
            break
        parent, place, depth = parents[top], places[top], depths[top]
        rank = ranks[depth - 1, place]
        nodes.tokens[size], nodes.probs[size] = tokens[depth - 1, rank], probs[depth - 1, rank]
        nodes.parents[size], nodes.depths[size], nodes.chances[size] = parent, depth, offered[top]
        above = 1.0 if parent < 0 else nodes.chances[parent]
        if place + 1 < WIDTH:
            places[top], offered[top] = place + 1, above * chances[depth - 1, ranks[depth - 1, place + 1]]
        else:
            offered[top] = -1.0
        if depth < levels:
            parents[offers], places[offers], depths[offers] = size, 0, depth + 1
            offered[offers] = nodes.chances[size] * chances[depth, ranks[depth, 0]]
            offers += 1
        size += 1
    count = worth(nodes.chances, size, prices.rows)[0]
    return count, np.sum(nodes.chances[:count])
