"""The recorded race that plays on opening, before any model is loaded."""

from __future__ import annotations

from pathlib import Path

from mtpviz.errors import UserError
from mtpviz.strings import say
from mtpviz.trace import Trace, load
from mtpviz.ui.wire import Wire, race_body, race_header

FIRST = Path(__file__).resolve().parents[2] / "assets" / "traces" / "first.jsonl.gz"
RUN = "recorded"  # its id, in place of one that a browser draws


def first_race(path: Path = FIRST) -> list[Trace]:
    """The lanes of the recorded race; none where the file is missing or damaged."""
    try:
        return load(path)
    except UserError:
        return []


def opening(traces: list[Trace]) -> dict[str, str]:
    """The component's first value: the recorded race, or the sentence that there is none."""
    wire = Wire(RUN)
    if not traces:
        return wire.send({"kind": "error", "text": say("error.no_recording")})
    return wire.send(race_header(traces, live=False), race_body(traces))
