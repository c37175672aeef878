"""Speculative decoding with a small draft model (Leviathan et al. 2023; Chen et al. 2023)."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from mtpviz.engine.drafter import Setting
from mtpviz.engine.drafting import Drafting
from mtpviz.engine.random import DRAFT, uniform
from mtpviz.engine.sampling import Sampling, draw
from mtpviz.engine.tree import TokenTree
from mtpviz.errors import UserError
from mtpviz.heads.vocabulary import FULL
from mtpviz.models.cpu import MAX_ROWS
from mtpviz.strategies import _tree, _vocabulary
from mtpviz.strategies._vocabulary import Head


class Draft(_tree.Recurrent):
    """The draft model keeps its own cache of everything committed. Its drafted rows stay in the cache if they are
    accepted; what it has not seen yet (a fully accepted chain's last token) is fed with the next root.
    """

    name = "draft"
    title = "Draft model"
    blurb = "a small model guesses ahead"
    order = 10
    settings = {
        **_tree.SETTINGS, **_tree.DEPTH,
        "vocab": _vocabulary.SETTING,
        "propose": Setting("top", "most probable tokens, or a chain drawn from the draft's distribution",
                           choices=("top", "sample")),
    }

    def __init__(self, session, sampling: Sampling, **settings):
        super().__init__(session, sampling, **settings)
        self.model, self.head = session.draft.model, session.draft.card
        self.cache = self.model.new_cache(min(session.context, self.model.config.context) + MAX_ROWS + 2)
        self.committed = 0  # tokens that the target has committed
        self.pending = np.zeros(0, np.int64)  # the last of them, which the cache lacks
        if self.chosen["propose"] == "sample" and not sampling.greedy:
            self.chosen |= drawn(self.chosen)
            self.rule = "rejection"

    @property
    def folder(self) -> Path | None:
        return self.session.entry.draft_folder

    def prefill(self, tokens: np.ndarray, features) -> None:
        unembedding = self.session.draft.unembedding
        self.unembedding = Head(self.session, self.model, unembedding, "draft head", self.chosen["vocab"], tokens)
        self.chosen |= {"vocab": self.unembedding.name, "vocab_size": self.unembedding.size}
        self.kept = slice(None) if self.unembedding.ids is None else self.unembedding.ids
        self.drafting = Drafting(self.model, self.cache, self.model.embedding, None, self.unembedding.panels,
                                 self.unembedding.ids, self.unembedding.size)
        self.committed, self.pending = len(tokens), tokens  # read once something is to be drafted

    def commit(self, tokens: np.ndarray, accepted: list[int], features) -> None:
        run = [self.rows[node] for node in accepted if node in self.rows]
        self.model.keep(self.cache, np.array(run, np.int64))
        self.committed += len(tokens)
        known = np.append(self.pending, tokens)
        self.pending = known[len(known) - (self.committed - self.cache.length) :]

    def begin(self, root: int, position: int) -> np.ndarray:
        logits = self._feed(np.append(self.pending, root))
        self.pending = self.pending[:0]
        return logits

    def _feed(self, tokens: np.ndarray) -> np.ndarray:
        """Take committed tokens into the cache; the logits behind the last one, fp32 (1, scored)."""
        for first in range(0, len(tokens), MAX_ROWS):
            logits = self.drafting.take(tokens[first : first + MAX_ROWS], None)
        return logits

    def grow(self, logits: np.ndarray, position: int, depth: int) -> TokenTree:
        if self.rule != "rejection":
            return super().grow(logits, position, depth)
        return self._sampled_chain(logits[-1], position, min(depth, self.chosen["depth"] or 4))

    def _sampled_chain(self, logits: np.ndarray, position: int, depth: int) -> TokenTree:
        """Draw each token from the draft's distribution under the run's own sampling settings, and keep that."""
        tokens, probs, dists = [], [], {}
        while len(tokens) < depth:
            level = len(tokens)
            dist = np.zeros(self.session.config.vocab, np.float32)
            dist[self.kept] = self.sampling.distribution(logits)
            token = draw(dist, uniform(self.sampling.seed, position + level + 1, DRAFT))
            tokens.append(token)
            probs.append(float(dist[token]))
            dists[level - 1] = dist
            if len(tokens) < depth:
                logits = self.drafting.run(np.array([token]), np.arange(-1, level), np.array([level + 1]))[0]
                self.rows[level] = level
        return TokenTree.chain(tokens, probs, dists)


def drawn(chosen: dict[str, object]) -> dict[str, object]:
    """Tree and vocabulary of a chain that is drawn from the draft's distribution; UserError for another tree."""
    if chosen["tree"] not in ("auto", "chain"):
        raise UserError(f"propose=sample draws a chain, so tree={chosen['tree']} cannot be had with it; "
                        "tree=chain or propose=top will do.")
    # A token cut off the draft's distribution can only come from the residual: cut if asked, not by itself.
    return {"tree": "chain", "vocab": FULL if chosen["vocab"] == "auto" else chosen["vocab"]}


STRATEGY = Draft
