"""N-gram lookup in prompt and output (Saxena 2023, "Prompt lookup decoding"): no model, no cost, exact repeats only."""

from __future__ import annotations

import numpy as np

from mtpviz.engine.budget import Budget
from mtpviz.engine.drafter import Drafter, Setting
from mtpviz.engine.sampling import Sampling
from mtpviz.engine.tree import TokenTree
from mtpviz.trace import Step

MAX_NODES = 15  # a pass over 16 rows


class Lookup(Drafter):
    """Drafts what followed the last tokens where they last occurred; the longest match wins.

    nodes = 0 is `auto`: as many nodes as pay, from how often matches of this length have gone on right so far.
    """

    name = "lookup"
    title = "N-gram lookup"
    blurb = "copies what followed the same words before"
    order = 20
    settings = {
        "ngram": Setting(4, "longest match to look for, in tokens", 1, 8),
        "nodes": Setting(0, "tokens to draft; 0 chooses as many as pay", 0, MAX_NODES),
    }

    def __init__(self, session, sampling: Sampling, **settings):
        super().__init__(session, sampling, **settings)
        self.tokens: list[int] = []
        self.seen: list[dict[tuple[int, ...], int]] = [{} for _ in range(self.chosen["ngram"])]
        self.budget = Budget(session.pass_cost)
        # Accepted and tried by length, as if two had been tried: one word alone tells little of what comes.
        self.prior = {length: 2 * length / (length + 3) for length in range(1, self.chosen["ngram"] + 1)}
        self.hits = {length: [accepted, 2.0] for length, accepted in self.prior.items()}
        self.matched = 0

    def prefill(self, tokens: np.ndarray, features) -> None:
        self._append(tokens)

    def commit(self, tokens: np.ndarray, accepted: list[int], features) -> None:
        self._append(tokens)

    def _append(self, tokens: np.ndarray) -> None:
        """Note, for every n-gram that a token completes, that what follows it starts behind that token."""
        for token in tokens.tolist():
            self.tokens.append(token)
            end = len(self.tokens)
            for length, table in enumerate(self.seen, 1):
                if end >= length:
                    table[tuple(self.tokens[end - length :])] = end

    def draft(self, root: int, position: int, depth: int) -> TokenTree:
        self.matched = 0
        if not self.chosen["nodes"] and not self.budget.drafts(self.sure):
            self.notes = {"pause": self.budget.pause}
            return TokenTree()
        tail = [*self.tokens[-self.chosen["ngram"] :], root]
        for length in range(min(self.chosen["ngram"], len(tail)), 0, -1):
            start = self.seen[length - 1].get(tuple(tail[-length:]))
            if start is not None:
                self.matched = length
                break
        if not self.matched:
            return TokenTree()
        known = [*self.tokens, root]
        count = min(depth, self._count())
        drafted = [known[start]]  # the copy may run into the text that it is about to write: a repeating loop
        while len(drafted) < count:
            at = start + len(drafted)
            drafted.append(known[at] if at < len(known) else drafted[at - len(known)])
        self.notes = {"match": self.matched}
        return TokenTree.chain(drafted[:count])

    def _count(self) -> int:
        if self.chosen["nodes"]:
            return self.chosen["nodes"]
        accepted, tried = self.hits[self.matched]
        chances: list[float] = []
        chance = accepted / tried
        while len(chances) < MAX_NODES and self.budget.pays(chance, len(chances) + 1):
            chances.append(chance)
            chance *= accepted / tried
        count = self.budget.best(chances)[0]
        self.budget.observe_tree(sum(chances[:count]))
        return count

    def observe(self, step: Step) -> None:
        accepted = len(step.accepted)
        (self.budget.observe if step.nodes else self.budget.observe_plain)(step)
        for length, hits in self.hits.items():  # back towards the prior, or a bad start would never be tried again
            hits[0], hits[1] = 0.98 * hits[0] + 0.02 * self.prior[length], 0.98 * hits[1] + 0.04
        if step.nodes:
            hits = self.hits[self.matched]
            tried = accepted + (accepted < len(step.nodes))  # nodes behind the first reject were never judged
            hits[0], hits[1] = 0.9 * hits[0] + accepted, 0.9 * hits[1] + tried


STRATEGY = Lookup
