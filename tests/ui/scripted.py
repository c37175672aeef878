"""A stand-in for the engine: races whose steps are written down beforehand, so that the page is tested
without one.
"""

from __future__ import annotations

import dataclasses
import time

from mtpviz.trace import Trace


class ScriptedRace:
    """Plays given traces step by step on their own clocks, as mtpviz.race.Race runs them."""

    def __init__(self, scripts: list[Trace], pause: float, prompt: str):
        self.scripts, self.pause, self.closed_at = scripts, pause, None
        self.traces = [
            Trace(dataclasses.replace(script.run, prompt=prompt, recorded=False)) for script in scripts
        ]

    def __iter__(self):
        for lane in range(len(self.scripts)):
            yield lane, None
        while running := [i for i, t in enumerate(self.traces) if t.end is None]:
            lane = min(running, key=lambda i: self.traces[i].clock_ms)
            script, trace = self.scripts[lane], self.traces[lane]
            if len(trace.steps) == len(script.steps):
                trace.end = script.end
                continue
            trace.steps.append(script.steps[len(trace.steps)])
            time.sleep(self.pause)
            yield lane, trace.steps[-1]

    def close(self) -> None:
        self.closed_at = self.closed_at or time.monotonic()
        for trace in self.traces:
            trace.end = trace.end or {"reason": "cancelled"}


class ScriptedResident:
    """A resident with such races. pause: seconds per step. loaded: whether its model ever comes. races:
    those begun.
    """

    def __init__(self, scripts: list[Trace], pause: float = 0.0, loaded: bool = True):
        self.scripts, self.pause, self.loaded, self.races = scripts, pause, loaded, []

    def start(self) -> None:
        pass

    def ready(self, seconds: float) -> bool:
        if not self.loaded:
            time.sleep(seconds)
        return self.loaded

    def race(self, order) -> ScriptedRace:
        self.races.append(ScriptedRace(self.scripts, self.pause, order.prompt))
        return self.races[-1]

    def describe(self) -> dict:
        if not self.loaded:
            return {"state": "loading", "error": "", "strategies": []}
        names = dict.fromkeys((script.run.strategy, script.run.title) for script in self.scripts)
        return {
            "state": "ready",
            "error": "",
            "model": "scripted",
            "hardware": "no engine",
            "device": "cpu",
            "dtype": "bf16",
            "strategies": [
                {"name": name, "title": title, "blurb": "one line on how it works", "missing": ""}
                for name, title in names
            ],
        }
