"""Traces and views to files: CSV, Parquet, JSON Lines; SVG, PNG, PDF, GIF; one self-contained HTML page.

A format is a module with SUFFIX and `write(traces, path, **options)`; `discover.exports()` lists them. Options that
every picture shares: view "race" | "tree" | "speedup", size "slide" | "paper", theme "light" | "dark", language "en" |
"zh", and for a tree its lane (strategy or title) and step.
"""

from __future__ import annotations

import inspect
from collections.abc import Sequence
from pathlib import Path

from mtpviz.errors import UserError
from mtpviz.foreign import load
from mtpviz.trace import Trace


def write(traces: Sequence[Trace], path: str | Path, to: str | None = None, **options) -> None:
    """Write traces as the format called `to`, or the one that the path's suffix names.

    Options that do not concern a format are passed over (a table has no theme); an unknown one, a missing folder and a
    disk that refuses are one UserError each.
    """
    from mtpviz import discover  # here, because discover imports the formats of this package

    known = discover.exports()
    unknown = set(options) - {name for module in known.values() for name in _options(module)}
    if unknown:
        raise UserError(f"There is no export option {sorted(unknown)[0]!r}.")
    module = discover.pick("export", to) if to else _by_suffix(known, Path(path))
    mine = {name: value for name, value in options.items() if name in _options(module) and value is not None}
    try:
        module.write(traces, path, **mine)
    except OSError as error:
        raise UserError(f"{path} cannot be written ({error.strerror or error}).") from None


def read(path: str | Path) -> list[Trace]:
    """Traces from a file that `write` made as Parquet or JSON Lines (.gz too), or that another program wrote
    (mtpviz/foreign); errors as for `trace.load`."""
    if Path(path).suffix == ".parquet":
        from mtpviz.export import parquet  # pyarrow takes long to import, and most traces are JSON Lines

        return parquet.read(path)
    return load(path)


def _by_suffix(known: dict, path: Path):
    name = path.name.removesuffix(".gz") if path.name.endswith(".jsonl.gz") else path.name
    for module in known.values():
        if name.endswith(module.SUFFIX):
            return module
    suffixes = ", ".join(module.SUFFIX for module in known.values())
    raise UserError(f"{path.name} names no format; end it in one of {suffixes}, or say which with --to.")


def _options(module) -> set[str]:
    """Names of the options of a format; one that takes any takes those of a picture."""
    from mtpviz.export._views import scene

    names = set()
    for function in (module.write, scene):
        parameters = inspect.signature(function).parameters.values()
        names |= {p.name for p in parameters} - {"traces", "path"}
        if not any(p.kind is p.VAR_KEYWORD for p in parameters):
            break
    return names - {"options"}
