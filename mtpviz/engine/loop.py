"""The one loop of every strategy: draft a token tree, verify it in one target pass, commit what was accepted."""

from __future__ import annotations

import datetime
import time
from dataclasses import asdict
from typing import TYPE_CHECKING

import numpy as np

from mtpviz.engine.drafter import Drafter, Features
from mtpviz.engine.sampling import Sampling, softmax, top_probs
from mtpviz.engine.tree import TokenTree
from mtpviz.engine.verify import Verdict, verify
from mtpviz.models.cpu import MAX_ROWS
from mtpviz.models.tokenizer import TextStream
from mtpviz.trace import Node, Row, Run, Step, Trace

if TYPE_CHECKING:
    from mtpviz.engine.session import Session

ALTERNATIVES = 5  # of the target's candidates kept per row of a trace


class Decoder:
    """One lane: a prompt, a drafter, a KV cache, a trace that grows by one Step a call.

    record: whether steps carry the target's probabilities and alternatives; taking them down costs time that no
    strategy owes, so it is kept out of the lane's clock.
    Raises UserError for an empty prompt, one that fills the context, and a limit that is not positive.
    """

    def __init__(self, session: Session, drafter: Drafter, prompt: str, sampling: Sampling, max_new_tokens: int,
                 record: bool = True, command: str = ""):
        tokens = session.encode(prompt, max_new_tokens)
        self.session, self.drafter, self.sampling, self.record = session, drafter, sampling, record
        self.limit = min(max_new_tokens, session.context - len(tokens))
        self.cache = session.target.new_cache(len(tokens) + self.limit + MAX_ROWS)
        self.text = TextStream(session.tokenizer)
        self.trace = Trace(Run(
            strategy=drafter.name, title=drafter.title, settings=dict(drafter.chosen), model=session.model_card,
            head=drafter.head, prompt=prompt, prompt_tokens=tokens, sampling=_plain(sampling, drafter.rule),
            seed=sampling.seed, max_new_tokens=max_new_tokens, device=session.device, hardware=session.hardware,
            dtype=session.dtype_name, threads=session.threads, versions=session.versions,
            date=datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds"), command=command,
            machine=session.machine))
        self.root = -1

    @property
    def done(self) -> bool:
        """Whether the lane has reached its limit, a stop token or the end of the context."""
        return self.trace.end is not None

    def prefill(self) -> None:
        """Run the prompt through the target, in passes of MAX_ROWS rows, and choose the first token."""
        run, target, tokens = self.trace.run, self.session.target, np.array(self.trace.run.prompt_tokens, np.int64)
        start = time.perf_counter()
        kept: list[Features] = []
        for first in range(0, len(tokens), MAX_ROWS):
            chunk = tokens[first : first + MAX_ROWS]
            rows = len(chunk)
            last = first + rows == len(tokens)
            out = target.forward(self.cache, chunk, np.arange(-1, rows - 1), np.arange(first, first + rows),
                                 self.drafter.taps, head_rows=1 if last else 0)
            target.keep(self.cache, np.arange(rows))
            if self.drafter.reads_features:
                kept.append(Features(out.normed.copy(), out.taps.copy()))
        features = Features(np.concatenate([f.normed for f in kept]),
                            np.concatenate([f.taps for f in kept], 1)) if kept else None
        self.root = self.sampling.choose(out.logits[-1], len(tokens))
        run.prefill_ms = 1000 * (time.perf_counter() - start)
        run.first, run.first_text = self.root, self.text.push(self.root)
        self._name(self.root)
        start = time.perf_counter()
        self.drafter.prefill(tokens, features)  # after the first token is known: no reader waits for it
        self._debt = 1000 * (time.perf_counter() - start)  # but the first step does
        run.settings = dict(self.drafter.chosen)  # what was left to the prompt is chosen now
        self._finish_if_over([self.root])

    def step(self) -> Step:
        """One pass of the loop; appends the Step to the trace and returns it."""
        start = time.perf_counter()
        position = self.cache.length
        left = self.limit - len(self.trace.token_ids)  # the bonus token takes one of them
        tree = self.drafter.draft(self.root, position, left - 1)
        tree.check_fits(MAX_ROWS)
        drafted = time.perf_counter()
        rows, parents, positions = tree.block(self.root, position)
        out = self.session.target.forward(self.cache, rows, parents, positions, self.drafter.taps)
        verdict = verify(tree, out.logits, self.sampling, position)
        verified = time.perf_counter()
        path = np.array([0, *(node + 1 for node in verdict.accepted)])
        self.session.target.keep(self.cache, path)
        features = Features(out.normed[path], out.taps[:, path]) if self.drafter.reads_features else None
        self.drafter.commit(rows[path], verdict.accepted, features)
        committed = time.perf_counter()
        emitted, stopped = self._emitted(rows[path[1:]].tolist() + [verdict.bonus])
        texts = [self.text.push(token) for token in emitted]
        done = time.perf_counter()

        marks = (start - self._debt / 1000, drafted, verified, committed, done)
        self._debt = 0.0
        times = {name: 1000 * (b - a) for name, a, b in zip(
            ("draft", "verify", "commit", "host"), marks[:-1], marks[1:], strict=True)}
        step = Step(len(self.trace.steps), position, self.root, *self._record(tree, out.logits, verdict),
                    verdict.accepted, verdict.bonus, emitted, texts, times,
                    self.trace.clock_ms + sum(times.values()), self.drafter.notes)
        self.drafter.notes = {}
        self.root = verdict.bonus
        self.trace.steps.append(step)
        self.drafter.observe(step)
        self._finish_if_over(emitted if stopped else [])
        return step

    def close(self) -> None:
        """End the lane where it is."""
        if not self.done:
            self._end("cancelled")

    def _emitted(self, tokens: list[int]) -> tuple[list[int], bool]:
        """Cut behind the first stop token and at the limit; and whether a stop token ends them."""
        tokens = tokens[: self.limit - len(self.trace.token_ids)]
        for i, token in enumerate(tokens):
            if token in self.session.stop_ids:
                return tokens[: i + 1], True
        return tokens, False

    def _finish_if_over(self, last: list[int]) -> None:
        if last and last[-1] in self.session.stop_ids:
            self._end("stop")
        elif len(self.trace.token_ids) >= self.limit:
            self._end("length" if self.limit == self.trace.run.max_new_tokens else "context")

    def _end(self, reason: str) -> None:
        rest = self.text.finish()  # an unfinished character at the end shows as such
        if rest and self.trace.steps and self.trace.steps[-1].texts:
            self.trace.steps[-1].texts[-1] += rest
        elif rest:
            self.trace.run.first_text += rest
        self.trace.end = {"reason": reason}

    def _record(self, tree: TokenTree, logits: np.ndarray, verdict: Verdict) -> tuple[list[Node], list[Row]]:
        """Nodes and rows of the trace. Not on the clock."""
        columns = zip(tree.tokens, tree.parents, tree.sources, tree.probs, strict=True)
        nodes = [Node(int(token), int(parent), int(source), None if np.isnan(prob) else float(prob))
                 for token, parent, source, prob in columns]
        rows = [Row(verdict.wanted.get(i, -1)) for i in range(len(tree) + 1)]
        for i, row in enumerate(rows):
            if row.token < 0:  # a row that the walk did not ask: what the target would take there
                row.token = int(logits[i].argmax())
            self._name(row.token)
            if self.record:
                tokens, probs = top_probs(logits[i], ALTERNATIVES)
                row.top = [(int(token), float(prob)) for token, prob in zip(tokens, probs, strict=True)]
                dist = softmax(logits[i]) if self.sampling.greedy else self.sampling.distribution(logits[i])
                row.prob = float(dist[row.token])
                for child in tree.children(i - 1):
                    nodes[child].target_prob = float(dist[nodes[child].token])
                for token, _ in row.top:
                    self._name(token)
        for node in nodes:
            self._name(node.token)
        return nodes, rows

    def _name(self, token: int) -> None:
        pieces = self.trace.run.pieces
        if token not in pieces:
            pieces[token] = self.session.tokenizer.piece(token)


def _plain(sampling: Sampling, rule: str) -> dict:
    settings = asdict(sampling)
    settings.pop("seed")
    return settings | {"rule": "greedy" if sampling.greedy else rule}

