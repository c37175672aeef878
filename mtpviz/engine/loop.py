"""The one loop of every strategy: draft a token tree, verify it in one target pass, commit what was accepted."""

from __future__ import annotations

import datetime
import time
from dataclasses import asdict
from typing import TYPE_CHECKING

from mtpviz.engine.drafter import Drafter
from mtpviz.engine.sampling import Sampling
from mtpviz.models.tokenizer import TextStream
from mtpviz.trace import Run, Step, Trace

if TYPE_CHECKING:
    from mtpviz.engine.session import Session


class Decoder:
    """A prompt, a drafter, a lane that runs them, a trace that grows by one Step a call.

    record: whether steps carry the target's probabilities and alternatives; taking them down costs time that no
    strategy owes, so it is kept out of the lane's clock.
    Raises UserError for an empty prompt, one that fills the context, and a limit that is not positive.
    """

    def __init__(self, session: Session, drafter: Drafter, prompt: str, sampling: Sampling, max_new_tokens: int,
                 record: bool = True, command: str = ""):
        tokens = session.encode(prompt, max_new_tokens)
        self.session, self.drafter, self.sampling, self.record = session, drafter, sampling, record
        self.limit = min(max_new_tokens, session.context - len(tokens))
        self.lane = drafter.lane(tokens, self.limit, record)
        self.text = TextStream(session.tokenizer)
        self.trace = Trace(Run(
            strategy=drafter.name, title=drafter.title, settings=dict(drafter.chosen), model=session.model_card,
            head=drafter.head, prompt=prompt, prompt_tokens=tokens, sampling=_plain(sampling, drafter.rule),
            seed=sampling.seed, max_new_tokens=max_new_tokens, device=session.device, hardware=session.hardware,
            dtype=session.dtype_name, threads=session.threads, versions=session.versions, machine=session.machine,
            lossless=drafter.rule != "typical" or sampling.greedy, peer=drafter.peer,
            date=datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds"), command=command))

    @property
    def done(self) -> bool:
        """Whether the lane has reached its limit, a stop token or the end of the context."""
        return self.trace.end is not None

    def prefill(self) -> None:
        """Run the prompt through the target and choose the first token."""
        run = self.trace.run
        run.first, run.prefill_ms = self.lane.prefill()
        run.first_text = self.text.push(run.first)
        self._name(run.first)
        self.lane.ready()
        run.settings = dict(self.drafter.chosen)  # what was left to the prompt is chosen now
        self._finish_if_over([run.first])

    def step(self) -> Step:
        """One pass of the loop; appends the Step to the trace and returns it."""
        left = self.limit - len(self.trace.token_ids)  # the bonus token takes one of them
        outcome = self.lane.step(left - 1)
        start = time.perf_counter()
        tree, verdict = outcome.tree, outcome.verdict
        emitted, stopped = self._emitted([int(tree.tokens[node]) for node in verdict.accepted] + [verdict.bonus])
        texts = [self.text.push(token) for token in emitted]
        times = dict(outcome.times)
        times.setdefault("host", 1000 * (time.perf_counter() - start))
        described = time.perf_counter()
        nodes, rows = self.lane.describe(self.record)
        for token in (t for row in rows for t in (row.token, *(token for token, _ in row.top))):
            self._name(token)
        for node in nodes:
            self._name(node.token)
        described = time.perf_counter() - described
        step = Step(len(self.trace.steps), outcome.position, outcome.root, nodes, rows, verdict.accepted, verdict.bonus,
                    emitted, texts, times, self.trace.clock_ms + sum(times.values()), self.drafter.notes)
        self.drafter.notes = {}
        self.trace.steps.append(step)
        self.drafter.observe(step)
        self._finish_if_over(emitted if stopped else [])
        self.lane.spent(time.perf_counter() - start - (described if self.record else 0.0))
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

    def _name(self, token: int) -> None:
        pieces = self.trace.run.pieces
        if token not in pieces:
            pieces[token] = self.session.tokenizer.piece(token)


def _plain(sampling: Sampling, rule: str) -> dict:
    settings = asdict(sampling)
    settings.pop("seed")
    return settings | {"rule": "greedy" if sampling.greedy else rule}
