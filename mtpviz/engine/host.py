"""The CPU's lane: draft, verify and commit as numpy calls, one after the other on the host's clock."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

import numpy as np

from mtpviz.engine.drafter import Drafter, Features
from mtpviz.engine.lane import Outcome, nodes_of
from mtpviz.engine.sampling import Sampling, softmax, top_probs
from mtpviz.engine.verify import verify
from mtpviz.models.cpu import MAX_ROWS
from mtpviz.trace import Node, Row

if TYPE_CHECKING:
    from mtpviz.engine.session import Session

ALTERNATIVES = 5  # of the target's candidates kept per row of a trace


class HostLane:
    """A sequence, its KV cache and its drafter. limit: new tokens at most."""

    def __init__(self, session: Session, drafter: Drafter, sampling: Sampling, tokens: list[int], limit: int):
        self.target, self.drafter, self.sampling = session.target, drafter, sampling
        self.tokens = np.array(tokens, np.int64)
        self.cache = self.target.new_cache(len(tokens) + limit + MAX_ROWS)
        self.root, self._debt = -1, 0.0
        drafter.join(self.cache)

    def prefill(self) -> tuple[int, float]:
        """Run the prompt in passes of MAX_ROWS rows and choose the first token."""
        tokens, start = self.tokens, time.perf_counter()
        kept: list[Features] = []
        for first in range(0, len(tokens), MAX_ROWS):
            chunk = tokens[first : first + MAX_ROWS]
            rows = len(chunk)
            last = first + rows == len(tokens)
            out = self.target.forward(self.cache, chunk, np.arange(-1, rows - 1), np.arange(first, first + rows),
                                      self.drafter.taps, head_rows=1 if last else 0)
            self.target.keep(self.cache, np.arange(rows))
            if self.drafter.reads_features:
                kept.append(Features(out.normed.copy(), out.taps.copy()))
        self.features = Features(np.concatenate([f.normed for f in kept]),
                                 np.concatenate([f.taps for f in kept], 1)) if kept else None
        self.root = self.sampling.choose(out.logits[-1], len(tokens))
        return self.root, 1000 * (time.perf_counter() - start)

    def ready(self) -> None:
        """Let the drafter take in the prompt. The first step's clock pays for it."""
        start = time.perf_counter()
        self.drafter.prefill(self.tokens, self.features)
        self.features = None
        self._debt = time.perf_counter() - start

    def step(self, left: int) -> Outcome:
        """Draft, verify, commit."""
        start = time.perf_counter()
        root, position = self.root, self.cache.length
        tree = self.drafter.draft(root, position, left)
        tree.check_fits(MAX_ROWS)
        drafted = time.perf_counter()
        rows, parents, positions = tree.block(root, position)
        out = self.target.forward(self.cache, rows, parents, positions, self.drafter.taps)
        verdict = verify(tree, out.logits, self.sampling, position, self.drafter.rule)
        verified = time.perf_counter()
        path = np.array([0, *(node + 1 for node in verdict.accepted)])
        self.target.keep(self.cache, path)
        features = Features(out.normed[path], out.taps[:, path]) if self.drafter.reads_features else None
        self.drafter.sure = verdict.sure
        self.drafter.commit(rows[path], verdict.accepted, features)
        committed = time.perf_counter()
        marks = (start - self._debt, drafted, verified, committed)
        times = {name: 1000 * (b - a) for name, a, b in zip(
            ("draft", "verify", "commit"), marks[:-1], marks[1:], strict=True)}
        self._debt, self.root = 0.0, verdict.bonus
        self._last = tree, out.logits, verdict
        return Outcome(position, root, tree, verdict, times)

    def describe(self, record: bool) -> tuple[list[Node], list[Row]]:
        """Of the last step, by its logits."""
        tree, logits, verdict = self._last
        nodes, rows = nodes_of(tree), [Row(verdict.wanted.get(i, -1)) for i in range(len(tree) + 1)]
        for i, row in enumerate(rows):
            if row.token < 0:  # a row that the walk did not ask: what the target would take there
                row.token = int(logits[i].argmax())
            if record:
                tokens, probs = top_probs(logits[i], ALTERNATIVES)
                row.top = [(int(token), float(prob)) for token, prob in zip(tokens, probs, strict=True)]
                dist = softmax(logits[i]) if self.sampling.greedy else self.sampling.distribution(logits[i])
                row.prob = float(dist[row.token])
                for child in tree.children(i - 1):
                    nodes[child].target_prob = float(dist[nodes[child].token])
        return nodes, rows

    def spent(self, seconds: float) -> None:
        """The host's work is on this lane's clock already."""
