"""A stand-in for the engine: races whose steps are written down beforehand, so that a page can be tested and measured
without one, at any number of lanes and tokens per second."""

from __future__ import annotations

import dataclasses
import random
import time
from collections.abc import Iterator, Sequence

from mtpviz.trace import PHASES, Node, Row, Run, Step, Trace

STAMP = 10**7  # a stamp is the wall clock in milliseconds modulo this


class ScriptedRace:
    """Plays given traces step by step in the order of their clocks, as mtpviz.race.Race runs them.

    pause: seconds before each step; None: each step comes when its clock says, and its first token's text is the
    moment when it came (see `stamp`), so that a reader elsewhere on this machine can tell how late it is.
    """

    def __init__(self, scripts: Sequence[Trace], pause: float | None, prompt: str):
        self.scripts, self.pause, self.closed_at = scripts, pause, None
        self.traces = [Trace(dataclasses.replace(script.run, prompt=prompt, recorded=False)) for script in scripts]

    def __iter__(self) -> Iterator[tuple[int, Step | None]]:
        for lane in range(len(self.scripts)):
            yield lane, None
        start = time.monotonic()
        while running := [i for i, trace in enumerate(self.traces) if trace.end is None]:
            lane = min(running, key=lambda i: self.traces[i].clock_ms)
            script, trace = self.scripts[lane], self.traces[lane]
            if len(trace.steps) == len(script.steps):
                trace.end = script.end
                continue
            step = script.steps[len(trace.steps)]
            if self.pause is None:
                time.sleep(max(0.0, start + step.clock_ms / 1000 - time.monotonic()))
                step = dataclasses.replace(step, texts=[f" {stamp()}", *step.texts[1:]])
            else:
                time.sleep(self.pause)
            trace.steps.append(step)
            yield lane, step

    def close(self) -> None:
        """End every lane that still runs; the moment is kept in `closed_at`."""
        self.closed_at = self.closed_at or time.monotonic()
        for trace in self.traces:
            trace.end = trace.end or {"reason": "cancelled"}


class ScriptedResident:
    """In place of the page's model (mtpviz/ui/resident.py): every race is the given traces, whatever was ordered.

    pause: as for ScriptedRace. loaded: whether its model ever comes. races: those begun.
    """

    def __init__(self, scripts: Sequence[Trace], pause: float | None = 0.0, loaded: bool = True):
        self.scripts, self.pause, self.loaded, self.races = scripts, pause, loaded, []

    def start(self) -> None:
        """Nothing to load."""

    def ready(self, seconds: float) -> bool:
        """Whether the model is there, at once or never."""
        if not self.loaded:
            time.sleep(seconds)
        return self.loaded

    def race(self, order) -> ScriptedRace:
        """The race, whatever was ordered."""
        self.races.append(ScriptedRace(self.scripts, self.pause, order.prompt))
        return self.races[-1]

    def describe(self) -> dict:
        """What Resident.describe tells."""
        if not self.loaded:
            return {"state": "loading", "error": "", "strategies": []}
        names = dict.fromkeys((script.run.strategy, script.run.title) for script in self.scripts)
        return {"state": "ready", "error": "", "model": "scripted", "hardware": "no engine", "device": "cpu",
                "dtype": "bf16", "strategies": [{"name": name, "title": title, "missing": "",
                                                 "blurb": "one line on how it works"} for name, title in names]}


def stamp() -> int:
    """The wall clock in milliseconds, modulo STAMP."""
    return int(time.time() * 1000) % STAMP


def steady(lanes: int, rate: float, seconds: float, nodes: int, seed: int = 0) -> list[Trace]:
    """Traces of lanes that write the same text, each `rate` tokens a second, two a step; `nodes` are drafted a step."""
    return [_lane(lane, rate, seconds, nodes, random.Random(seed)) for lane in range(lanes)]


def _lane(lane: int, rate: float, seconds: float, nodes: int, rng: random.Random) -> Trace:
    words = [" " + word for word in "the fox went down to the river and slept there until the morning came".split()]
    pieces = dict(enumerate([f" {STAMP}", *words]))
    name, title = ("ntp", "Next-token") if lane == 0 else (f"lane{lane}", f"Lane {lane}")
    trace = Trace(Run(
        strategy=name, title=title, settings={}, model={"name": "scripted", "hash": "0" * 16, "parameters": 0},
        head=None, prompt="", prompt_tokens=[1], sampling={"temperature": 0.0, "top_k": 0, "top_p": 1.0, "min_p": 0.0,
                                                            "rule": "greedy"},
        seed=0, max_new_tokens=int(rate * seconds) + 1, device="cpu", hardware="no engine", dtype="bf16", threads=1,
        versions={}, date="2026-01-01T00:00:00+00:00", prefill_ms=1.0, first=1, first_text=words[0], pieces=pieces))
    step_ms = 2000.0 / rate
    for index in range(int(rate * seconds / 2)):
        word = rng.randrange(1, len(pieces))
        tree = [Node(rng.randrange(1, len(pieces)), rng.randrange(-1, min(i, 12)) if i else -1, 1 + i % 6,
                     round(rng.random(), 3), round(rng.random(), 3)) for i in range(nodes)]
        rows = [Row(word, 0.5, [(word, 0.5), (rng.randrange(1, len(pieces)), 0.2)]) for _ in range(len(tree) + 1)]
        times = dict(zip(PHASES, (step_ms * 0.2, step_ms * 0.7, step_ms * 0.05, step_ms * 0.05), strict=True))
        trace.steps.append(Step(index, 2 * index + 1, word, tree, rows, [0], word, [0, word],
                                [pieces[0], pieces[word]], times, 1.0 + step_ms * (index + 1)))
    trace.end = {"reason": "length"}
    return trace
