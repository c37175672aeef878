"""Traces of other programs: what a file tells of its passes, as lanes of ours. One file a format, with
`read(records) -> list[Trace] | None`; `discover.foreign()` lists them.

Nothing is guessed. A token that the file does not name is UNKNOWN and drawn as BLANK; what else is not in the file
stands in sentences in the lane's end, `{"reason": ..., "untold": [sentence, ...]}`, and goes wherever the lane goes.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path

from mtpviz import trace as own
from mtpviz.errors import UserError
from mtpviz.trace import Trace


def load(path: str | Path) -> list[Trace]:
    """Traces from a file of ours or of another program, gzip-compressed if its name ends in .gz. Errors as for
    `trace.load`."""
    return loads(own.unpacked(path), Path(path).name)


def loads(data: bytes, name: str) -> list[Trace]:
    """The same from the bytes of a file (decompressed); `name` is for errors."""
    found = _read(data, name)
    return own.loads(data, name) if found is None else found


def untold(traces: Sequence[Trace]) -> list[str]:
    """What the files that these traces came from do not tell, a sentence each."""
    return list(dict.fromkeys(sentence for trace in traces for sentence in (trace.end or {}).get("untold", [])))


def _read(data: bytes, name: str) -> list[Trace] | None:
    """The traces of another program's file; None where it is none that is known. Raises UserError for a damaged one."""
    from mtpviz import discover  # here, because discover imports the formats of this package

    records = _records(data)
    if not records or "mtpviz_trace" in records[0]:
        return None
    for entry in discover.foreign().values():
        try:
            if (traces := entry.read(records)) is not None:
                return traces
        except (KeyError, TypeError, ValueError, AttributeError, IndexError, OverflowError) as error:
            detail = str(error) or type(error).__name__
            raise UserError(f"{name} looks like {entry.NAME}, but is damaged ({detail}).") from None
    return None


def _records(data: bytes) -> list[dict]:
    """The objects of a file of one JSON document, or of one a line; none where it is neither."""
    try:
        text = data.decode("utf-8")
        try:
            whole = json.loads(text)
            found = whole if isinstance(whole, list) else [whole]
        except ValueError:
            found = [json.loads(line) for line in text.split("\n") if line.strip()]
    except (ValueError, RecursionError):
        return []
    return found if all(isinstance(record, dict) for record in found) else []
