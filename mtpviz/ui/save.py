"""What a visitor takes away: a race as a file, made by the same code as `python -m mtpviz export`."""

from __future__ import annotations

import base64
import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path

from mtpviz import export
from mtpviz.analysis.lanes import lane_names
from mtpviz.errors import UserError
from mtpviz.strings import say
from mtpviz.trace import Trace

FORMATS = ("html", "svg", "pdf", "gif", "csv", "parquet")  # PNG the browser draws from the SVG; JSON Lines it has
OPTIONS = ("view", "size", "theme", "lane", "step", "rejected", "table", "language")


def saver(find: Callable[[object], Sequence[Trace]]) -> Callable[[object], dict]:
    """The server function `save`. find: the traces of a run by its id, none where it is unknown or still running."""

    def save(wish: object) -> dict:
        """{"run", "to", and options of the format} -> {"name", "data": base64}, {"unknown": true} or {"error"}."""
        wish = wish if isinstance(wish, dict) else {}
        traces = find(wish.get("run"))
        if not traces:
            return {"unknown": True}
        try:
            return _file(traces, wish)
        except UserError as error:
            return {"error": str(error)}

    return save


def _file(traces: Sequence[Trace], wish: dict) -> dict:
    to = wish.get("to")
    if to not in FORMATS:
        raise UserError(say("save.unknown", to=to))
    options = {name: wish[name] for name in OPTIONS if isinstance(wish.get(name), str | int)}
    if isinstance(lane := options.get("lane"), int):  # the page tells a lane by its place
        options["lane"] = lane_names(traces)[max(0, min(lane, len(traces) - 1))]
    parts = [str(options[name]) for name in ("view", "table", "size") if name in options]
    name = "-".join(["mtpviz", *parts]) + f".{to}"
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, f"race.{to}")
        export.write(traces, path, to=to, **options)
        return {"name": name, "data": base64.b64encode(path.read_bytes()).decode("ascii")}
