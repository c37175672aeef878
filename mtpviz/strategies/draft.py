"""Speculative decoding with a small draft model (Leviathan et al. 2023; Chen et al. 2023)."""

from __future__ import annotations

import time
from collections.abc import Sequence

import numpy as np

from mtpviz.engine.budget import Budget
from mtpviz.engine.drafter import Drafter, Setting
from mtpviz.engine.grow import AUTO_WIDTH, Children, Pool, auto, chain, dynamic, promised
from mtpviz.engine.random import DRAFT, uniform
from mtpviz.engine.sampling import Sampling, draw, top_probs
from mtpviz.engine.tree import TokenTree
from mtpviz.heads.vocabulary import FULL
from mtpviz.models.cpu import MAX_ROWS
from mtpviz.strategies import _vocabulary
from mtpviz.strategies._vocabulary import Head
from mtpviz.trace import Step

MAX_NODES = 48


class Draft(Drafter):
    """The draft model keeps its own cache of everything committed. Its drafted rows stay in the cache if they are
    accepted; what it has not seen yet (a fully accepted chain's last token) is fed with the next root.
    """

    name = "draft"
    title = "Draft model"
    blurb = "a small model guesses ahead"
    order = 10
    settings = {
        "tree": Setting("auto", "shape of the draft", choices=("auto", "chain", "dynamic")),
        "depth": Setting(0, "levels; 0 leaves it to `auto`, or takes 4", 0, 16),
        "width": Setting(4, "of the dynamic tree: nodes expanded a level, and children of each", 1, 16),
        "nodes": Setting(15, "of the dynamic tree: nodes kept", 1, MAX_NODES),
        "vocab": _vocabulary.SETTING,
        "propose": Setting("top", "most probable tokens, or a chain drawn from the draft's distribution",
                           choices=("top", "sample")),
    }

    def __init__(self, session, sampling: Sampling, **settings):
        super().__init__(session, sampling, **settings)
        self.model, self.head = session.draft.model, session.draft.card
        self.cache = self.model.new_cache(min(session.context, self.model.config.context) + MAX_ROWS + 2)
        self.pending = np.zeros(0, np.int64)
        self.rows: dict[int, int] = {}  # node of the proposed tree -> row of the drafted block that ran it
        self.budget = Budget(session.pass_cost)
        if self.chosen["propose"] == "sample" and not sampling.greedy:
            self.chosen |= {"tree": "chain", "vocab": FULL}
            self.rule = "rejection"

    def prefill(self, tokens: np.ndarray, features) -> None:
        unembedding = self.session.draft.unembedding
        self.unembedding = Head(self.session, self.model, unembedding, "draft head", self.chosen["vocab"], tokens)
        self.chosen |= {"vocab": self.unembedding.name, "vocab_size": self.unembedding.size}
        for first in range(0, len(tokens), MAX_ROWS):
            chunk = tokens[first : first + MAX_ROWS]
            rows = np.arange(len(chunk))
            self.model.forward(self.cache, chunk, rows - 1, first + rows, head_rows=0)
            self.model.keep(self.cache, rows)

    def commit(self, tokens: np.ndarray, accepted: list[int], features) -> None:
        run = [self.rows[node] for node in accepted if node in self.rows]
        self.model.keep(self.cache, np.array(run, np.int64))
        self.pending = tokens[self.cache.length - self.position :]

    def draft(self, root: int, position: int, depth: int) -> TokenTree:
        start = time.perf_counter()
        fed = np.append(self.pending, root)
        rows = np.arange(len(fed))
        logits = self._logits(fed, rows - 1, self.cache.length + rows)[-1]
        self.model.keep(self.cache, rows)
        self.position, self.rows = position, {}
        self.budget.observe_draft(1000 * (time.perf_counter() - start))
        if self.rule == "rejection":
            return self._sampled_chain(logits, position, min(depth, self.chosen["depth"] or 4))
        return self._tree(logits, depth)

    def _tree(self, logits: np.ndarray, depth: int) -> TokenTree:
        shape, levels = self.chosen["tree"], self.chosen["depth"]
        self.block: list[int] = []  # parents of the block's rows
        self.branches = {"auto": AUTO_WIDTH, "chain": 1, "dynamic": self.chosen["width"]}[shape]
        pool, first = Pool(self._expand), self._children(logits)
        if shape == "chain":
            kept = chain(pool, first, min(depth, levels or 4))
        elif shape == "dynamic":
            kept = dynamic(pool, first, min(depth, levels or 4), self.chosen["width"], self.chosen["nodes"])
        else:
            kept = auto(pool, first, min(depth, levels or 16), MAX_NODES, self.budget)
        place = {old: new for new, old in enumerate(kept)}
        self.rows = {place[node]: row for node, row in self.rows.items() if node in place}
        return pool.tree(kept)

    def _expand(self, pool: Pool, nodes: Sequence[int]) -> list[Children]:
        """Run the draft model on `nodes`, whose parents it has run; what follows each of them."""
        for node in nodes:
            parent = pool.parents[node]
            self.rows[node] = len(self.block)
            self.block.append(self.rows[parent] if parent >= 0 else -1)
        tokens = np.array([pool.tokens[node] for node in nodes], np.int64)
        positions = np.array([self.position + pool.depths[node] for node in nodes])
        return [self._children(row) for row in self._logits(tokens, np.array(self.block), positions)]

    def _logits(self, tokens: np.ndarray, parents: np.ndarray, positions: np.ndarray) -> np.ndarray:
        """A pass of the draft model, scoring the tokens of its unembedding: all rows of a tree's level, the last row of
        a chain that is fed."""
        normed = self.model.forward(self.cache, tokens, parents, positions, head_rows=0).normed
        return self.model.unembed(normed, self.unembedding.panels, self.unembedding.size)

    def _children(self, logits: np.ndarray) -> Children:
        tokens, probs = top_probs(logits, self.branches)
        return self.unembedding.to_ids(tokens), probs

    def _sampled_chain(self, logits: np.ndarray, position: int, depth: int) -> TokenTree:
        """Draw each token from the draft's distribution under the run's own sampling settings, and keep that."""
        tokens, probs, dists = [], [], {}
        while len(tokens) < depth:
            level = len(tokens)
            dist = self.sampling.distribution(logits)
            token = draw(dist, uniform(self.sampling.seed, position + level + 1, DRAFT))
            tokens.append(token)
            probs.append(float(dist[token]))
            dists[level - 1] = dist
            if len(tokens) < depth:
                at = np.array([position + level + 1])
                logits = self._logits(np.array([token]), np.arange(-1, level), at)[0]
                self.rows[level] = level
        return TokenTree.chain(tokens, probs, dists)

    def observe(self, step: Step) -> None:
        self.budget.observe(len(step.accepted) + 1, sum(step.time_ms.values()), promised(step), len(step.accepted))


STRATEGY = Draft
