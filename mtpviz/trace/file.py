"""The trace as a file: JSON Lines, written and read, and one clear sentence for whatever is none."""

from __future__ import annotations

import dataclasses
import gzip
import json
import math
import zlib
from collections.abc import Iterable, Iterator
from pathlib import Path

from mtpviz.errors import UserError
from mtpviz.trace.records import Node, Row, Run, Step, Trace

VERSION = 1
MAX_FILE_BYTES = 64 * 2**20  # of decompressed text: a trace of a long race is about 5 MB


def dump(traces: Iterable[Trace], path: str | Path) -> None:
    """Write traces as JSON Lines; gzip-compressed (without a time stamp, so that equal traces give equal files) if
    the name ends in `.gz`."""
    text = "".join(line + "\n" for trace in traces for line in lines(trace))
    data = text.encode("utf-8")
    Path(path).write_bytes(gzip.compress(data, mtime=0) if str(path).endswith(".gz") else data)


def lines(trace: Trace) -> Iterator[str]:
    """The JSON lines of one trace."""
    run = {f.name: getattr(trace.run, f.name) for f in dataclasses.fields(Run)}
    run["pieces"] = {str(token): text for token, text in trace.run.pieces.items()}
    yield _json({"mtpviz_trace": VERSION, "run": run})
    for step in trace.steps:
        yield _json({"step": step_to_dict(step)})
    yield _json({"end": trace.end or {"reason": "cancelled"}})


def step_to_dict(step: Step) -> dict:
    """A step as JSON-ready data; nodes and rows as short lists in the order of their fields."""
    plain = {f.name: getattr(step, f.name) for f in dataclasses.fields(Step)}
    plain["nodes"] = [[n.token, n.parent, n.source, _round(n.draft_prob), _round(n.target_prob)] for n in step.nodes]
    plain["rows"] = [[r.token, _round(r.prob), [[t, _round(p)] for t, p in r.top]] for r in step.rows]
    plain["time_ms"] = {phase: round(ms, 4) for phase, ms in step.time_ms.items()}
    plain["clock_ms"] = round(step.clock_ms, 4)
    return plain


def step_from_dict(plain: dict) -> Step:
    """The inverse of `step_to_dict`. Raises KeyError, TypeError or ValueError on a damaged record."""
    step = Step(**{**plain, "nodes": [Node(*n) for n in plain["nodes"]],
                   "rows": [Row(token, prob, [(t, p) for t, p in top]) for token, prob, top in plain["rows"]]})
    _check(step)
    return step


def load(path: str | Path) -> list[Trace]:
    """Read a trace file. Raises UserError with one sentence for a foreign, damaged, truncated or too large file."""
    return loads(unpacked(path), Path(path).name)


def unpacked(path: str | Path) -> bytes:
    """What a trace file holds, decompressed, and read no further than MAX_FILE_BYTES + 1. Errors as for `load`."""
    path = Path(path)
    try:
        with (gzip.open if path.name.endswith(".gz") else open)(path, "rb") as file:
            return file.read(MAX_FILE_BYTES + 1)
    except FileNotFoundError:
        raise UserError(f"There is no trace file {path}.") from None
    except (OSError, EOFError, zlib.error) as error:
        raise UserError(f"The trace file {path.name} cannot be read ({error}); it may be damaged.") from None


def loads(data: bytes, name: str = "the trace") -> list[Trace]:
    """Read traces from the bytes of a JSON Lines file (decompressed). Errors as for `load`; `name` is for them."""
    if len(data) > MAX_FILE_BYTES:
        raise UserError(f"{name} holds more than {MAX_FILE_BYTES >> 20} MiB; a trace of a race is far smaller.")
    try:
        text_lines = data.decode("utf-8").split("\n")
    except UnicodeDecodeError:
        raise UserError(f"{name} is not a text file; a trace is JSON Lines, optionally named .gz.") from None
    traces: list[Trace] = []
    for number, line in enumerate(text_lines, 1):
        if not line.strip():
            continue
        try:
            _read_line(json.loads(line, parse_constant=_no_number), traces)
        except _Version as error:
            raise UserError(f"{name} {error}") from None
        except (ValueError, KeyError, TypeError, AttributeError, IndexError, RecursionError) as error:
            detail = str(error) or type(error).__name__
            raise UserError(f"{name} is not a whole mtpviz trace: line {number} is damaged ({detail}).") from None
    if not traces or traces[-1].end is None:
        raise UserError(f"{name} is not a whole mtpviz trace: its closing line is missing; it may be truncated.")
    return traces


class _Version(Exception):
    pass


def _read_line(record: dict, traces: list[Trace]) -> None:
    if "mtpviz_trace" in record:
        if record["mtpviz_trace"] != VERSION:
            found = record["mtpviz_trace"]
            raise _Version(f"has trace version {found}; this mtpviz reads version {VERSION}.")
        if traces and traces[-1].end is None:
            raise ValueError("the lane before it has no end")
        run = dict(record["run"])
        run["pieces"] = {int(token): str(text) for token, text in run["pieces"].items()}
        traces.append(Trace(_checked_run(Run(**{**run, "recorded": True}))))
    elif "step" in record:
        if not traces or traces[-1].end is not None:
            raise ValueError("a step before its run")
        step = step_from_dict(record["step"])
        if step.index != len(traces[-1].steps):
            raise ValueError(f"step {step.index} where step {len(traces[-1].steps)} belongs")
        traces[-1].steps.append(step)
    elif "end" in record:
        traces[-1].end = dict(record["end"])
    else:
        raise ValueError("it is neither a run, a step nor an end")


_RUN_TYPES = {"str": str, "int": int, "float": (int, float), "bool": bool, "dict": dict, "list": list}


def _checked_run(run: Run) -> Run:
    """The run, if every field has the type that its declaration says; its text must be writable again as UTF-8."""
    for entry in dataclasses.fields(Run):
        value, kind = getattr(run, entry.name), entry.type.partition("[")[0].partition(" ")[0]
        if not isinstance(value, _RUN_TYPES[kind]) and not (value is None and "None" in entry.type):
            raise ValueError(f"{entry.name} is no {kind}")
    _check_numbers([run.prefill_ms], [run.first, *run.prompt_tokens], [])
    if run.server is not None:
        _check_server(run.server)
    _json({f.name: getattr(run, f.name) for f in dataclasses.fields(Run)}).encode("utf-8")
    return run


def _check_server(server: dict) -> None:
    texts = [server[name] for name in ("name", "engine", "version", "address")]
    passes, counts, base = server["passes"], server["counts"], server["baseline"]
    numbers = [counts.get(name) for name in ("num_draft_tokens", "num_accepted_draft_tokens", "num_spec_steps")]
    _check_numbers([], [value for value in (passes, *numbers) if value is not None], texts)
    if not isinstance(base, bool) or (passes is not None and passes < 1):
        raise ValueError("what it says of its server is not whole")


def _check_numbers(reals: list, whole: list, texts: list) -> None:
    """Raise ValueError unless these are finite numbers, integers and writable texts, as the fields declare."""
    if not all(isinstance(value, (int, float)) and math.isfinite(value) for value in reals):
        raise ValueError("a time or probability is no finite number")
    if not all(isinstance(value, int) and abs(value) < 2**53 for value in whole):
        raise ValueError("a token, index or position is no whole number")
    if not all(isinstance(text, str) for text in texts):
        raise ValueError("a text is not a string")
    "".join(texts).encode("utf-8")


def _check(step: Step) -> None:
    """A step read from outside must be a tree with an accepted path in it, or every reader would trip over it."""
    probs = [p for node in step.nodes for p in (node.draft_prob, node.target_prob) if p is not None]
    probs += [p for row in step.rows for p in (row.prob, *(p for _, p in row.top)) if p is not None]
    whole = [step.index, step.position, step.root, step.bonus, *step.accepted, *step.emitted]
    whole += [value for node in step.nodes for value in (node.token, node.parent, node.source)]
    whole += [token for row in step.rows for token in (row.token, *(token for token, _ in row.top))]
    _check_numbers([step.clock_ms, *step.time_ms.values(), *probs], whole, step.texts)
    for index, node in enumerate(step.nodes):
        if not -1 <= node.parent < index:
            raise ValueError(f"node {index} has parent {node.parent}")
    if len(step.rows) != len(step.nodes) + 1:
        raise ValueError(f"{len(step.rows)} rows for {len(step.nodes)} nodes")
    parent = -1
    for index in step.accepted:
        if not 0 <= index < len(step.nodes) or step.nodes[index].parent != parent:
            raise ValueError("the accepted nodes are no path from the root")
        parent = index
    if len(step.texts) != len(step.emitted) or len(step.emitted) > len(step.accepted) + 1:
        raise ValueError("emitted tokens and their texts do not fit the accepted path")
    if not isinstance(step.notes, dict):
        raise ValueError("the notes are no object")


def _no_number(name: str) -> float:
    raise ValueError(f"{name} is no number")


def _round(value: float | None) -> float | None:
    return None if value is None else float(f"{value:.4g}")


def _json(value: dict) -> str:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"), allow_nan=False)
