"""The best tree that any drafter could have proposed at a step, from the target itself.

Under the match rule a node is reached with the target's own probability of its path, so a tree's expected number of
tokens is 1 + the sum of these probabilities, exactly, and the best tree of n nodes holds the n most probable
continuations: they are closed under prefixes, and best-first search finds them. Greedy, that is the argmax path.
"""

from __future__ import annotations

import heapq
from dataclasses import dataclass

import numpy as np

from mtpviz.engine.sampling import Sampling
from mtpviz.engine.session import Session
from mtpviz.engine.tree import TokenTree
from mtpviz.errors import UserError
from mtpviz.models.cpu import MAX_ROWS, Cache, CpuModel
from mtpviz.trace import Run, Trace

USUAL_NODES = 15  # where the step drafted nothing


@dataclass(frozen=True)
class Comparison:
    """A step beside the best tree of its size. tree: that tree, probs the target's probabilities given the parent.
    Expected tokens of the step: best with it, drafted with the tree that was drafted (None where its nodes were drawn
    at random: the rejection rule accepts by other chances); realised: those it committed, uncut by a limit."""

    tree: TokenTree
    best: float
    drafted: float | None
    realised: int


def compare(session: Session, trace: Trace, index: int, nodes: int | None = None) -> Comparison:
    """Compare step `index` of a trace with the best tree of `nodes` nodes (by default as many as it drafted, or
    USUAL_NODES). UserError for a trace of another model, a step that it has not, and a tree that fits no pass."""
    if not isinstance(session.target, CpuModel):
        raise UserError("The best tree is searched on the CPU only; open the model with --device cpu.")
    if trace.run.model["hash"] != session.model_card["hash"]:
        raise UserError(f"The trace is of {trace.run.model['name']} ({trace.run.model['hash']}), not of the model that "
                        f"is open ({session.model_card['hash']}).")
    if not 0 <= index < len(trace.steps):
        raise UserError(f"The trace has no step {index}; its steps are 0 to {len(trace.steps) - 1}.")
    step = trace.steps[index]
    nodes = len(step.nodes) or USUAL_NODES if nodes is None else nodes
    if not 1 <= nodes < MAX_ROWS:
        raise UserError(f"A tree of {nodes} nodes was asked for; it must have from 1 to {MAX_ROWS - 1}.")
    sampling = _sampling(trace.run)
    with session.lock:
        cache = _committed(session.target, (trace.run.prompt_tokens + trace.token_ids)[: step.position])
        tree, chances = best_tree(session.target, cache, step.root, sampling, nodes)
        drawn = trace.run.sampling.get("rule") == "rejection"
        drafted = None if drawn else 1.0 + _reached(session.target, cache, step.root, sampling, TokenTree(
            np.array([node.token for node in step.nodes], np.int64),
            np.array([node.parent for node in step.nodes], np.int64),
            np.array([node.source for node in step.nodes], np.int64),
            np.zeros(len(step.nodes), np.float32)))
    return Comparison(tree, 1.0 + sum(chances), drafted, len(step.accepted) + 1)


def best_tree(target: CpuModel, cache: Cache, root: int, sampling: Sampling,
              nodes: int) -> tuple[TokenTree, list[float]]:
    """The `nodes` most probable continuations of the committed tokens and `root`, the most probable first, and the
    probability of each one's path. Fewer where the rest is impossible."""
    tokens, parents, probs, chances = [], [], [], []
    block, depths = [-1], [0]  # parent rows and depths of the rows that were run: the root, then the nodes
    heap: list[tuple[float, int, int, int, float]] = []  # minus chance, depth, parent, token, probability

    def run(token: int, node: int, chance: float) -> None:
        """Run the row of a node (-1: the root) and offer what may follow it."""
        logits = target.forward(cache, np.array([token]), np.array(block), np.array([cache.length + depths[-1]])).logits
        dist = sampling.distribution(logits[0])
        count = min(nodes, len(dist))
        for child in np.argpartition(-dist, count - 1)[:count].tolist():
            if dist[child] > 0.0:
                prob = float(dist[child])
                heapq.heappush(heap, (-chance * prob, depths[-1] + 1, node, child, prob))

    run(root, -1, 1.0)
    while heap:
        minus, depth, parent, token, prob = heapq.heappop(heap)
        tokens.append(token)
        parents.append(parent)
        probs.append(prob)
        chances.append(-minus)
        if len(tokens) == nodes:
            break
        block.append(parent + 1)
        depths.append(depth)
        run(token, len(tokens) - 1, -minus)
    sources = np.array([*depths[1:], depth][: len(tokens)], np.int64)
    return TokenTree(np.array(tokens, np.int64), np.array(parents, np.int64), sources,
                     np.array(probs, np.float32)), chances


def _reached(target: CpuModel, cache: Cache, root: int, sampling: Sampling, tree: TokenTree) -> float:
    """Expected number of accepted nodes of a tree under the match rule."""
    logits = target.forward(cache, *tree.block(root, cache.length)).logits
    chances: list[float] = []
    dists: dict[int, np.ndarray] = {}
    for token, parent in zip(tree.tokens.tolist(), tree.parents.tolist(), strict=True):
        if parent not in dists:
            dists[parent] = sampling.distribution(logits[parent + 1])
        chances.append(float(dists[parent][token]) * (1.0 if parent < 0 else chances[parent]))
    return sum(chances)


def _committed(target: CpuModel, tokens: list[int]) -> Cache:
    """A cache with these tokens committed and room for a pass."""
    cache = target.new_cache(len(tokens) + MAX_ROWS)
    for first in range(0, len(tokens), MAX_ROWS):
        rows = np.arange(len(tokens[first : first + MAX_ROWS]))
        target.forward(cache, np.array(tokens[first : first + MAX_ROWS], np.int64), rows - 1, first + rows, head_rows=0)
        target.keep(cache, rows)
    return cache


def _sampling(run: Run) -> Sampling:
    known = {name: run.sampling[name] for name in ("temperature", "top_k", "top_p", "min_p") if name in run.sampling}
    return Sampling(**known, seed=run.seed)
