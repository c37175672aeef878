"""The recorded races that ship with the project: files of traces, one race each, and an index that labels them.

`python -m mtpviz record` writes them; the page lists and loads them without a model.
"""

from __future__ import annotations

import functools
import json
from collections.abc import Iterable, Sequence
from pathlib import Path

from mtpviz.analysis.lanes import baseline
from mtpviz.analysis.summary import lane_summary
from mtpviz.errors import UserError
from mtpviz.trace import Trace, load

FOLDER = Path(__file__).resolve().parents[1] / "assets" / "traces"
INDEX = "index.json"
_LANE = ("strategy", "title", "tau", "tokens_per_s", "speedup", "exact", "loops")


def entry(name: str, domain: str, traces: Sequence[Trace]) -> dict:
    """A race as the index labels it: "name" (of its file, without suffixes), "domain", "temperature", "prompt",
    "hardware", "device", "dtype", "date", "commit", "command", and of each lane its strategy, title and figures."""
    base = baseline(traces)
    run = (base or traces[0]).run
    lanes = [lane_summary(trace, base) for trace in traces]
    return {"name": name, "domain": domain, "temperature": run.sampling["temperature"], "prompt": run.prompt,
            **{field: getattr(run, field) for field in ("hardware", "device", "dtype", "date", "command")},
            "commit": run.versions.get("commit", ""), "tokens": max(len(trace.token_ids) for trace in traces),
            "lanes": [{key: _rounded(lane[key]) for key in _LANE} for lane in lanes]}


def write_index(entries: Iterable[dict], folder: Path = FOLDER) -> None:
    """Write the index, one entry a line."""
    lines = ",\n".join(json.dumps(found, ensure_ascii=False) for found in entries)
    Path(folder, INDEX).write_text(f"[\n{lines}\n]\n", encoding="utf-8")
    index.cache_clear()
    race.cache_clear()


@functools.cache
def index(folder: Path = FOLDER) -> list[dict]:
    """The entries whose files are there; none without an index."""
    try:
        entries = json.loads(Path(folder, INDEX).read_text(encoding="utf-8"))
    except FileNotFoundError:
        return []
    return [found for found in entries if path(found["name"], folder).is_file()]


def path(name: str, folder: Path = FOLDER) -> Path:
    """The file of the race called `name`."""
    return Path(folder, f"{name}.jsonl.gz")


@functools.lru_cache(maxsize=8)
def race(name: str, folder: Path = FOLDER) -> list[Trace]:
    """The traces of a race in the index. Raises UserError where there is none of this name."""
    known = [found["name"] for found in index(folder)]
    if name not in known:
        raise UserError(f"There is no recorded race {name[:40]!r}; the gallery has {len(known)}.")
    return load(path(name, folder))


def _rounded(value: object) -> object:
    return float(f"{value:.4g}") if isinstance(value, float) else value
