"""Traces as Parquet: one row per step with its tree nested in it, the runs in the schema's metadata. Exact both ways.

Columns: lane (number), strategy, index, position, root, nodes and rows (lists of structs, fields as in mtpviz/trace),
accepted, bonus, emitted, texts, draft_ms ... host_ms (missing where the step has no such phase), clock_ms, notes
(JSON). The metadata key `mtpviz_trace` holds {"version", "lanes": [{"run", "end"}]} as JSON, so lanes without a step
survive too.
"""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Sequence
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from mtpviz.errors import UserError
from mtpviz.trace import MAX_FILE_BYTES, PHASES, VERSION, Node, Step, Trace, lines, loads, step_from_dict

SUFFIX = ".parquet"
KEY = b"mtpviz_trace"
_WHOLE, _REAL, _TEXT = pa.int64(), pa.float64(), pa.string()
_NODE = pa.struct([("token", _WHOLE), ("parent", _WHOLE), ("source", _WHOLE), ("draft_prob", _REAL), ("target_prob",
                                                                                                      _REAL)])
_TOP = pa.list_(pa.struct([("token", _WHOLE), ("prob", _REAL)]))
_ROW = pa.struct([("token", _WHOLE), ("prob", _REAL), ("top", _TOP)])
SCHEMA = pa.schema([
    ("lane", _WHOLE), ("strategy", _TEXT), ("index", _WHOLE), ("position", _WHOLE), ("root", _WHOLE),
    ("nodes", pa.list_(_NODE)), ("rows", pa.list_(_ROW)), ("accepted", pa.list_(_WHOLE)), ("bonus", _WHOLE),
    ("emitted", pa.list_(_WHOLE)), ("texts", pa.list_(_TEXT)), *((f"{phase}_ms", _REAL) for phase in PHASES),
    ("clock_ms", _REAL), ("notes", _TEXT)])
_SAME = ("index", "position", "root", "accepted", "bonus", "emitted", "texts", "clock_ms")


def write(traces: Sequence[Trace], path: str | Path) -> None:
    """Write the traces with every digit of their numbers."""
    records = [_record(lane, trace, step) for lane, trace in enumerate(traces) for step in trace.steps]
    heads = [{"run": json.loads(next(lines(trace)))["run"],
              "end": trace.end or {"reason": "cancelled"}} for trace in traces]
    told = json.dumps({"version": VERSION, "lanes": heads}, ensure_ascii=False)
    table = pa.Table.from_pylist(records, schema=SCHEMA.with_metadata({KEY: told.encode("utf-8")}))
    pq.write_table(table, str(path), compression="zstd")


def read(path: str | Path) -> list[Trace]:
    """Read the traces of a file that `write` made. UserError with one sentence for a foreign, damaged or too large
    one."""
    name = Path(path).name
    try:
        with pq.ParquetFile(str(path)) as file:
            metadata = file.metadata
            size = sum(metadata.row_group(i).total_byte_size for i in range(metadata.num_row_groups))
            told = (metadata.metadata or {}).get(KEY)
            if told is None:
                raise UserError(f"{name} is no mtpviz trace: it is Parquet without the key {KEY.decode()}.")
            if size + len(told) > MAX_FILE_BYTES:
                raise UserError(f"{name} holds more than {MAX_FILE_BYTES >> 20} MiB; a trace of a race is far smaller.")
            head, records = json.loads(told), file.read().to_pylist()
        if head["version"] != VERSION:
            raise UserError(f"{name} has trace version {head['version']}; this mtpviz reads version {VERSION}.")
        return _traces(head["lanes"], records, name)
    except FileNotFoundError:
        raise UserError(f"There is no trace file {path}.") from None
    except UserError:
        raise
    except (OSError, pa.ArrowException, ValueError, KeyError, TypeError, IndexError, AttributeError) as error:
        detail = (str(error).splitlines() or ["damaged"])[0][:120]
        raise UserError(f"{name} is not a whole mtpviz trace ({detail}).") from None


def _record(lane: int, trace: Trace, step: Step) -> dict:
    plain = {name: getattr(step, name) for name in _SAME}
    rows = [{"token": row.token, "prob": row.prob, "top": [{"token": t, "prob": p} for t,
                                                           p in row.top]} for row in step.rows]
    return plain | {"lane": lane, "strategy": trace.run.strategy, "nodes": [dataclasses.asdict(n) for n in step.nodes],
                    "rows": rows, "notes": json.dumps(step.notes, ensure_ascii=False),
                    **{f"{phase}_ms": step.time_ms.get(phase) for phase in PHASES}}


def _traces(lanes: list, records: list[dict], name: str) -> list[Trace]:
    """Traces from heads and rows; heads are checked as those of JSON Lines are, steps likewise."""
    traces = []
    for entry in lanes:
        head = json.dumps({"mtpviz_trace": VERSION, "run": entry["run"]}, ensure_ascii=False)
        traces += loads(f"{head}\n{json.dumps({'end': entry['end']})}".encode(), name)
    for record in records:
        trace = traces[record["lane"]]
        plain = {name: record[name] for name in _SAME}
        plain["nodes"] = [[node[entry.name] for entry in dataclasses.fields(Node)] for node in record["nodes"]]
        plain["rows"] = [[row["token"], row["prob"], [[top["token"], top["prob"]] for top in row["top"]]]
                         for row in record["rows"]]
        times = {phase: record[f"{phase}_ms"] for phase in PHASES}
        plain["time_ms"] = {phase: ms for phase, ms in times.items() if ms is not None}
        step = step_from_dict(plain | {"notes": json.loads(record["notes"])})
        if step.index != len(trace.steps):
            raise ValueError(f"step {step.index} where step {len(trace.steps)} belongs")
        trace.steps.append(step)
    return traces
