"""What goes over the wire to the browser: numbered messages in a sliding window.

Gradio sends a component's value as differences to the one before. The value here is a dictionary of the last
WINDOW messages, {"<run>.<number>": message}; the browser takes those it has not seen yet, and asks for a
resync where a number is missing. A message is one opaque string: a line of JSON, its header, and for a
recorded "race" the traces' own JSON Lines after it. Headers by "kind":

- "wait": {"for"}: nothing to show yet, and why.
- "open": {"lanes": [{"strategy", "title"}], "limit", "hardware", "dtype", "model"}: a live race begins. A server's lane
  has its own "server", "model", "hardware" and "dtype".
- "tick": {"lanes": [[lane, [ms of each phase so far], [step, ...]]], "first": [[lane, prefill_ms, text]],
  "tree": [lane, step, pieces]}; a step is [clock_ms, drafted, accepted, text, ...]: about 20 bytes a token.
  The tree is the newest step of one lane as in a trace file, with the alternatives of one row only.
- "race": {"live", "exact": [[exact, first difference], ...], "end"}: whole traces, of a recorded race; at the end of a
  live one they are there to be fetched, lane by lane (`whole` in mtpviz/ui/library.py).
- "left": {}: stopped before it began.
- "error": {"text"}: a sentence for the visitor; with {"name", "values"} where it is one of mtpviz/strings.
"""

from __future__ import annotations

import json
import time
from collections.abc import Sequence

from mtpviz import trace as tracefile
from mtpviz.analysis.exactness import exactness
from mtpviz.analysis.lanes import baseline
from mtpviz.trace import PHASES, Step, Trace

WINDOW = 8
TICK_SECONDS = 1 / 15
TREE_SECONDS = 0.25  # between two trees of one lane: the eye follows no more, and they are most of the bytes


class Wire:
    """The numbered messages of one run."""

    def __init__(self, run: str):
        self.run = run
        self.log: list[str] = []

    def send(self, header: dict, body: str = "") -> dict[str, str]:
        """Append a message; the component's new value."""
        self.log.append(_json(header) + ("\n" + body if body else ""))
        return self.window(len(self.log) - WINDOW)

    def window(self, start: int = 0) -> dict[str, str]:
        """Messages from number `start` on, by key."""
        start = max(0, start)
        return {f"{self.run}.{number}": text for number, text in enumerate(self.log[start:], start)}


class Ticker:
    """Tells what is new in growing traces since it was last asked."""

    def __init__(self, traces: Sequence[Trace]):
        self.traces = traces
        self.told = [-1] * len(traces)  # steps told of each lane; -1: not even its first token
        self.sums = [dict.fromkeys(PHASES, 0.0) for _ in traces]
        self.tree_at = [0.0] * len(traces)

    def tick(self, now: float | None = None) -> dict | None:
        """The header of a "tick" message, or None where nothing has happened."""
        first, lanes = [], []
        for lane, trace in enumerate(self.traces):
            if self.told[lane] < 0 and trace.run.begun:
                self.told[lane] = 0
                first.append([lane, round(trace.run.prefill_ms, 2), trace.run.first_text])
            steps = trace.steps[max(self.told[lane], 0) :]
            if steps:
                self.told[lane] = max(self.told[lane], 0) + len(steps)
                for step in steps:
                    for phase in PHASES:
                        self.sums[lane][phase] += step.time_ms.get(phase, 0.0)
                lanes.append(
                    [
                        lane,
                        [round(self.sums[lane][phase], 2) for phase in PHASES],
                        [light(step) for step in steps],
                    ]
                )
        if not first and not lanes:
            return None
        header = {"kind": "tick", "lanes": lanes}
        if first:
            header["first"] = first
        tree = self._tree([entry[0] for entry in lanes], time.monotonic() if now is None else now)
        return header | {"tree": tree} if tree else header

    def _tree(self, lanes: list[int], now: float) -> list | None:
        due = [lane for lane in lanes if now - self.tree_at[lane] > TREE_SECONDS]
        if not due:
            return None
        lane = min(due, key=lambda index: self.tree_at[index])
        self.tree_at[lane] = now
        step = self.traces[lane].steps[-1]
        plain = tracefile.step_to_dict(step)
        failed = step.accepted[-1] + 1 if step.accepted else 0
        plain["rows"] = [
            [token, prob, top if index == failed else []]
            for index, (token, prob, top) in enumerate(plain["rows"])
        ]
        tokens = {
            step.root,
            step.bonus,
            *(node.token for node in step.nodes),
            *(row.token for row in step.rows),
            *(token for token, _ in step.rows[failed].top),
        }
        pieces = self.traces[lane].run.pieces
        return [lane, plain, {str(token): pieces[token] for token in sorted(tokens) if token in pieces}]


def light(step: Step) -> list:
    """A step as a tick tells it: [clock_ms, drafted, accepted, text of each emitted token, ...]."""
    return [round(step.clock_ms, 2), len(step.nodes), len(step.accepted), *step.texts]


def race_header(traces: Sequence[Trace], live: bool, end: str = "done") -> dict:
    """The header of a "race" message."""
    return {
        "kind": "race",
        "live": live,
        "end": end,
        "exact": [list(exactness(trace, baseline(traces, trace))) for trace in traces],
    }


def race_body(traces: Sequence[Trace]) -> str:
    """Whole traces as their file has them."""
    return "\n".join(line for trace in traces for line in tracefile.lines(trace))


def _json(value: dict) -> str:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"), allow_nan=False)
