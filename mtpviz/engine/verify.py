"""Verification: walk a drafted tree with the target's logits, accept a path, add the target's own next token.

Two rules, one walk each (methods: Leviathan et al. 2023, Chen et al. 2023, Jeong et al. 2024 "Sequoia" section 3.3):

match      The candidates are deterministic (greedy, top-k, lookup). The target draws its own token at the node; if one
           of the children is that token, descend to it, otherwise the token is the bonus. Lossless, and because the
           draw depends on seed and position alone, sampled text is next-token prediction's to the token.
rejection  The candidates were drawn from the draft's distribution q: each sibling, in the order drawn, is accepted with
           probability min(1, R/D), else R <- norm(max(R - D, 0)) and D loses the sibling (draws without replacement).
           A chain is the case of one child. Lossless in distribution, not token for token.
typical    Lossy (Cai et al. 2024, "Medusa", section 2.3.1): a candidate that the target gives more than min(EPSILON,
           DELTA exp(-entropy)) is typical enough; the longest path of such candidates is accepted, and the target draws
           the token behind it.

Greedy decoding takes the target's most probable token under every rule.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from mtpviz.engine.random import ACCEPT, SAMPLE, uniform
from mtpviz.engine.sampling import Sampling, draw
from mtpviz.engine.tree import TokenTree

EPSILON, DELTA = 0.09, 0.3  # of typical acceptance, the authors' code's: posterior_threshold and posterior_alpha


@dataclass(frozen=True)
class Verdict:
    """accepted: nodes of the accepted path, root downwards. bonus: the target's token after its end.
    wanted: the token that the target chose at each row it was asked at (row 0 is the root, row i + 1 node i).
    sure: the probability of the target's most probable token where it drew the bonus by the match rule, else None."""

    accepted: list[int]
    bonus: int
    wanted: dict[int, int]
    sure: float | None = None


def verify(tree: TokenTree, logits: np.ndarray, sampling: Sampling, position: int, rule: str = "match") -> Verdict:
    """Walk `tree` with the target's logits, fp32 (nodes + 1, vocab). position: absolute position of the root."""
    walk = _match if sampling.greedy or not len(tree) else _RULES[rule]
    return walk(tree, logits, sampling, position)


def _match(tree: TokenTree, logits: np.ndarray, sampling: Sampling, position: int) -> Verdict:
    node, accepted, wanted = -1, [], {}
    while True:
        token, sure = sampling.draw(logits[node + 1], position + len(accepted) + 1)
        wanted[node + 1] = token
        child = next((c for c in tree.children(node) if tree.tokens[c] == token), None)
        if child is None:
            return Verdict(accepted, token, wanted, sure)
        accepted.append(child)
        node = child


def _rejection(tree: TokenTree, logits: np.ndarray, sampling: Sampling, position: int) -> Verdict:
    node, accepted, wanted = -1, [], {}
    while True:
        at = position + len(accepted) + 1
        residual = sampling.distribution(logits[node + 1]).astype(np.float64)
        children = tree.children(node)
        draft = tree.dists[node].astype(np.float64) if children else None
        chosen = None
        for order, child in enumerate(children):
            token = int(tree.tokens[child])
            if draft[token] > 0 and uniform(sampling.seed, at, ACCEPT + order) * draft[token] < residual[token]:
                chosen = child
                break
            residual = np.maximum(residual - draft, 0.0)
            if residual.sum() <= 0.0:  # p == q to the last bit: nothing is left to prefer, any draw is p's own
                residual = sampling.distribution(logits[node + 1]).astype(np.float64)
            residual /= residual.sum()
            draft[token] = 0.0
            if draft.sum() > 0.0:
                draft /= draft.sum()
        if chosen is None:
            bonus = draw(residual, uniform(sampling.seed, at, SAMPLE))
            wanted[node + 1] = bonus
            return Verdict(accepted, bonus, wanted)
        wanted[node + 1] = int(tree.tokens[chosen])
        accepted.append(chosen)
        node = chosen


def _typical(tree: TokenTree, logits: np.ndarray, sampling: Sampling, position: int) -> Verdict:
    path: list[int] = []
    paths = {-1: path}  # by node that is typical, with all before it
    for node in range(len(tree)):
        parent = int(tree.parents[node])
        if parent in paths:
            probs = sampling.distribution(logits[parent + 1]).astype(np.float64)
            entropy = -np.sum(probs * np.log(np.maximum(probs, 1e-300)))
            if probs[tree.tokens[node]] > min(EPSILON, DELTA * np.exp(-entropy)):
                paths[node] = [*paths[parent], node]
                if len(paths[node]) > len(path):
                    path = paths[node]
    last = path[-1] if path else -1
    bonus = sampling.choose(logits[last + 1], position + len(path) + 1)
    wanted = {int(tree.parents[node]) + 1: int(tree.tokens[node]) for node in path} | {last + 1: bonus}
    return Verdict(path, bonus, wanted)


_RULES = {"match": _match, "rejection": _rejection, "typical": _typical}
