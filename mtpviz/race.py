"""A race of strategies on one device by a fair clock.

Discrete events: the lane whose own clock is furthest behind takes the next step, and its clock grows by the time of
that step alone. So what arrives in order is the true relative speed, live, however slowly it is shown.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Protocol

from mtpviz.analysis.exactness import exactness
from mtpviz.analysis.lanes import BASELINE, baseline
from mtpviz.discover import peers, pick
from mtpviz.engine.drafter import Drafter
from mtpviz.engine.loop import Decoder
from mtpviz.engine.sampling import Sampling
from mtpviz.engine.session import Session
from mtpviz.errors import UserError
from mtpviz.trace import Step, Trace


class Guest(Protocol):
    """A lane that another machine runs on a clock of its own (mtpviz/serving/lane.py); it never fails, it ends."""

    trace: Trace
    done: bool

    def listen(self) -> Iterator[None]:
        """Take in all that it will tell, alone; yields now and then, and may be left meanwhile."""

    def prefill(self) -> None:
        """Note the first token in the trace."""

    def step(self) -> Step:
        """Note the next step in the trace."""

    def close(self) -> None:
        """End the lane where it is."""


class Race:
    """Lanes of one prompt. Iterating runs them: (lane, None) once its first token is known, then (lane, Step). Before
    all of them the guests are listened to, one by one, so that no local lane is slowed by one or slows it: then
    (lane, None) comes now and then for a guest.

    strategies: names, each optionally with settings: "draft", "draft:tree=chain:depth=4". Next-token prediction is
    put first if it is not among them, since speedup is always against it. guests: lanes behind the local ones. The
    session is held until the race is over or closed. Raises UserError for an unknown strategy or setting, and whatever
    the prompt or the sampling deserve.
    """

    def __init__(self, session: Session, strategies: Sequence[str], prompt: str, sampling: Sampling,
                 max_new_tokens: int, record: bool = True, command: str = "", guests: Sequence[Guest] = ()):
        names = list(dict.fromkeys(strategies))
        if not any(name.partition(":")[0] == BASELINE for name in names):
            names.insert(0, BASELINE)
        self.session, self.guests = session, list(guests)
        with session.lock:  # what is measured here must not meet another race's passes
            session.tune()
            drafters = [make_drafter(name, session, sampling) for name in names]
            self.decoders = [Decoder(session, drafter, prompt, sampling, max_new_tokens, record, command)
                             for drafter in drafters]

    @property
    def traces(self) -> list[Trace]:
        """One trace a lane; they grow while the race runs."""
        return [lane.trace for lane in (*self.decoders, *self.guests)]

    def __iter__(self) -> Iterator[tuple[int, Step | None]]:
        with self.session.lock:
            try:
                lanes = [*self.decoders, *self.guests]
                for lane, guest in enumerate(self.guests, len(self.decoders)):
                    for _ in guest.listen():
                        yield lane, None
                for lane, decoder in enumerate(lanes):
                    decoder.prefill()
                    yield lane, None
                while running := [i for i, decoder in enumerate(lanes) if not decoder.done]:
                    lane = min(running, key=lambda i: lanes[i].trace.clock_ms)
                    yield lane, lanes[lane].step()
            finally:
                self.close()

    def exact(self, lane: int) -> bool | None:
        """Whether a lane's tokens equal next-token prediction's as far as both have come; None while nothing can be
        said (see analysis.exactness)."""
        return exactness(self.traces[lane], baseline(self.traces, self.traces[lane]))[0]

    def close(self) -> None:
        """End every lane that still runs."""
        for lane in (*self.decoders, *self.guests):
            lane.close()


def read_spec(spec: str) -> tuple[str, dict[str, str]]:
    """Name and settings of "name:setting=value:setting=value"."""
    name, *pairs = spec.strip().split(":")
    settings = {}
    for pair in pairs:
        key, equals, value = pair.partition("=")
        if not equals:
            raise UserError(f"The setting {pair!r} of {name} has no value; write {name}:{pair}=VALUE.")
        settings[key] = value
    return name, settings


def make_drafter(spec: str, session: Session, sampling: Sampling) -> Drafter:
    """A drafter from "name" or "name:setting=value:setting=value"."""
    name, settings = read_spec(spec)
    if name in peers():
        return peers()[name](session, sampling, **settings)
    kind = pick("strategy", name) if session.device == "cpu" else pick("strategy on a GPU", name)
    return kind(session, sampling, **settings)
