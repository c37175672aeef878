"""Races that a visitor can open: those recorded in the gallery, and traces of their own."""

from __future__ import annotations

import base64
import binascii
import gzip
import io
import secrets
import zlib
from collections.abc import Callable, Sequence

from mtpviz import gallery
from mtpviz.errors import UserError
from mtpviz.foreign import loads
from mtpviz.limits import LIMITS
from mtpviz.strings import say
from mtpviz.trace import MAX_FILE_BYTES, Trace
from mtpviz.ui.recorded import RUN
from mtpviz.ui.runs import Runs
from mtpviz.ui.wire import race_body, race_header

GALLERY = "gallery"  # a run's id begins with it: "gallery:NAME:STRATEGY+STRATEGY"


class Library:
    """Traces by the id of their run, whoever made them; and the server functions that open them.

    What opens one gives {"run", "header", "body"}, a "race" message as wire.py has it, or {"error": sentence}.
    """

    def __init__(self, runs: Runs, opened: Sequence[Trace]):
        self.runs, self.opened = runs, list(opened)

    def find(self, run: object) -> list[Trace]:
        """The traces of a run that has ended; none where it is unknown, forgotten or still going on."""
        if run == RUN:
            return self.opened
        if isinstance(run, str) and run.startswith(GALLERY + ":"):
            return self._recorded(*run.split(":")[1:3])
        entry = self.runs.get(run)
        traces = list(entry.traces) if entry else []
        return traces if all(trace.end is not None for trace in traces) else []

    def functions(self) -> list[Callable[[object], object]]:
        """The server functions by the names that the browser calls them by: index, recorded, adopt, whole."""

        def index(_: object = None) -> list[dict]:
            return gallery.index()

        def recorded(wish: object) -> dict:
            return self.recorded(wish)

        def adopt(file: object) -> dict:
            return self.adopt(file)

        def whole(wish: object) -> dict:
            return self.whole(wish)

        return [index, recorded, adopt, whole]

    def whole(self, wish: object) -> dict:
        """{"body": one lane's trace as its file has it}; {} where there is none. wish: [run, number of the lane]."""
        run, lane = wish if isinstance(wish, list) and len(wish) == 2 else (None, None)
        traces = self.find(run)
        return {"body": race_body([traces[lane]])} if isinstance(lane, int) and 0 <= lane < len(traces) else {}

    def recorded(self, wish: object) -> dict:
        """Open a race of the gallery. wish: [name, [strategy, ...]], none for all; next-token prediction always
        comes along."""
        try:
            name, strategies = wish  # type: ignore[misc]
            chosen = "+".join(str(strategy) for strategy in strategies)
            return _opened(f"{GALLERY}:{name}:{chosen}", self._recorded(str(name), chosen))
        except UserError as error:
            return {"error": str(error)}
        except (TypeError, ValueError):
            return {"error": say("open.unknown")}

    def adopt(self, file: object) -> dict:
        """Open a visitor's own trace. file: {"name", "data": base64 of the file as it is}."""
        try:
            traces = _read(file if isinstance(file, dict) else {})
        except UserError as error:
            return {"error": str(error)}
        run = secrets.token_urlsafe(12)
        self.runs.add(run, traces)
        return _opened(run, traces)

    @staticmethod
    def _recorded(name: str, strategies: str) -> list[Trace]:
        chosen = {"ntp", *strategies.split("+")}
        traces = gallery.race(name)
        return [trace for trace in traces if not strategies or trace.run.strategy in chosen][: LIMITS.trace_lanes]


def _opened(run: str, traces: Sequence[Trace]) -> dict:
    return {"run": run, "header": race_header(traces, live=False), "body": race_body(traces)}


def _read(file: dict) -> list[Trace]:
    """The traces in a file that came from outside, held against every limit before anything is built from it."""
    name, data = str(file.get("name") or "the file")[-80:], file.get("data")
    if not isinstance(data, str):
        raise UserError(say("open.unknown"))
    if len(data) * 3 // 4 > LIMITS.trace_bytes + 2:
        raise UserError(say("open.large", file=name, limit=LIMITS.trace_bytes >> 20))
    try:
        packed = base64.b64decode(data, validate=True)
    except binascii.Error:
        raise UserError(say("open.unknown")) from None
    text = _unpacked(packed, name)
    lines = text.split(b"\n")
    if len(lines) > LIMITS.trace_steps or max(map(len, lines)) > LIMITS.trace_line_bytes:
        raise UserError(say("open.steps", file=name, steps=f"{LIMITS.trace_steps:,}"))
    traces = loads(text, name)
    if sum(len(trace.steps) for trace in traces) > LIMITS.trace_steps:
        raise UserError(say("open.steps", file=name, steps=f"{LIMITS.trace_steps:,}"))
    if len(traces) > LIMITS.trace_lanes:
        raise UserError(say("open.lanes", file=name, n=len(traces), limit=LIMITS.trace_lanes))
    return traces


def _unpacked(data: bytes, name: str) -> bytes:
    """What a gzip file holds, read no further than a trace may be large; any other file as it is."""
    if not data.startswith(b"\x1f\x8b"):
        return data
    try:
        with gzip.GzipFile(fileobj=io.BytesIO(data)) as file:
            text = file.read(MAX_FILE_BYTES + 1)
    except (OSError, EOFError, zlib.error):
        raise UserError(say("open.damaged", file=name)) from None
    if len(text) > MAX_FILE_BYTES:
        raise UserError(say("open.bomb", file=name, limit=MAX_FILE_BYTES >> 20))
    return text
