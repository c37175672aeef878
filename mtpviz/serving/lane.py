"""A request to a server as a lane of a race: on a wall clock of its own, alone on the machine while it is listened to.

The whole answer is taken in before any local lane runs: so a server on this machine takes nothing from local lanes and
they take nothing from it, and the reader is fast enough that every step arrives by itself. The race then shows the
lanes' steps in the order of their clocks.
"""

from __future__ import annotations

import datetime
import threading
import time
from collections.abc import Iterator
from dataclasses import asdict

from mtpviz.engine.sampling import Sampling
from mtpviz.serving import answer as answers
from mtpviz.serving.client import Failure, Patience, payload
from mtpviz.serving.metrics import growth
from mtpviz.serving.server import Found, Listed
from mtpviz.trace import Run, Step, Trace

BEAT_SECONDS = 0.1
SETTLE_SECONDS = 0.2  # between a stream's end and its counters being up to date


class ServerLane:
    """One request, with the interface of a Decoder (engine/loop.py) for a race."""

    def __init__(self, listed: Listed, found: Found, prompt: str, sampling: Sampling, max_new_tokens: int,
                 command: str = ""):
        self.found, self.prompt, self.sampling, self.limit = found, prompt, sampling, max_new_tokens
        self.pending: list[Step] = []
        self.answer, self.failure = answers.Answer(), ""
        facts, settings = found.facts, asdict(sampling)
        settings.pop("seed")
        self.trace = Trace(Run(
            strategy=listed.lane, title=f"{listed.name} ({found.module.TITLE})", settings={},
            model={"name": found.model, "hash": "", "parameters": facts.get("parameters", 0)},
            head={"name": facts["draft"], "hash": "", "parameters": 0} if facts.get("draft") else None,
            prompt=prompt, prompt_tokens=[], sampling=settings | {"rule": "greedy" if sampling.greedy else "server"},
            seed=sampling.seed, max_new_tokens=max_new_tokens, device="server", hardware=found.client.where,
            dtype=facts.get("dtype", ""), threads=0, versions={found.engine: found.version} if found.version else {},
            date=datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds"), command=command, peer=True,
            server={"name": listed.name, "engine": found.engine, "version": found.version,
                    "address": found.client.where, "baseline": listed.baseline, "counts": {}, "passes": None}))

    @property
    def done(self) -> bool:
        """Whether every step was taken, or the lane was ended."""
        return self.trace.end is not None

    def listen(self) -> Iterator[None]:
        """Ask, and take the answer in; yields now and then until it is all there, and may be left meanwhile."""
        thread = threading.Thread(target=self._ask, name=self.trace.run.strategy, daemon=True)
        thread.start()
        try:
            while thread.is_alive():
                thread.join(BEAT_SECONDS)
                yield
        finally:
            if thread.is_alive():  # left: the server need not go on either
                self.found.client.abort()

    def prefill(self) -> None:
        """Note the first token."""
        if self.done:
            return
        if not self.answer.tokens:
            self._end()
            return
        answers.begin(self.trace.run, self.answer)
        self.pending = answers.steps(self.trace.run, self.answer)
        self._finish_if_over()

    def step(self) -> Step:
        """The next step of those that arrived."""
        step = self.pending.pop(0)
        self.trace.steps.append(step)
        self._finish_if_over()
        return step

    def close(self) -> None:
        """End the lane where it is."""
        if not self.done:
            self.trace.end = {"reason": "cancelled"}

    def _finish_if_over(self) -> None:
        if not self.pending:
            self._end()

    def _end(self) -> None:
        where = self.found.client.where
        if not self.failure and not self.answer.tokens:
            self.failure = f"{where} ended its answer without a token."
        elif not self.failure and not self.answer.reason:
            self.failure = f"{where} broke off after {len(self.answer.tokens)} tokens."
        self.trace.end = ({"reason": "failed", "error": self.failure} if self.failure else
                          {"reason": self.answer.reason})

    def _ask(self) -> None:
        """In the thread: the request from beginning to end. What came before a failure is kept."""
        found, module, arrived, events, before = self.found, self.found.module, [], [], {}
        try:
            before = module.count(found.client)
            path, body = module.request(found, self.prompt, self.sampling, self.limit)
            for event in found.client.events(path, body):
                arrived.append(event)
        except Failure as failure:
            self.failure = str(failure)
        try:
            for seconds, data in arrived:  # only now: while it arrived, the reader had nothing else to do
                events.append((seconds, payload(data, found.client.where)))
        except Failure as failure:
            self.failure = self.failure or str(failure)
        try:
            if before and events:
                time.sleep(SETTLE_SECONDS)
            self.answer = module.read(events, found, growth(before, module.count(found.client)) if before else {})
        except (KeyError, TypeError, ValueError, AttributeError, IndexError, OverflowError) as error:
            self.failure = (f"{found.client.where} answered in a form that mtpviz does not know of {found.title} "
                            f"({type(error).__name__}: {error}).")


def server_lanes(chosen: list[Listed], prompt: str, sampling: Sampling, max_new_tokens: int,
                 patience: Patience | None = None, command: str = "") -> list[ServerLane]:
    """A lane for each. Raises UserError where one of them cannot be reached."""
    return [ServerLane(entry, entry.find(patience), prompt, sampling, max_new_tokens, command) for entry in chosen]
