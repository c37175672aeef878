"""`bench scale --device cuda`: speedup against batch and context at a large model's shapes, and where drafting stops.

Weights are random, made on the device, so times are real and acceptance is not: it is forced to what `bench strategies`
measured of the bundled heads. A chain of k drafts yields 1 + r_1 + ... + r_k tokens, r_i being the share of steps whose
first i drafts were accepted, and costs a pass over k + 1 rows of every sequence and the draft of one layer that really
ran. The longest chain is not always best; the best of those measured is told, and 0 where not drafting is.
"""

from __future__ import annotations

import argparse
import gc
import itertools
import json
import time
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path

from mtpviz.analysis.scaling import FOLDER, Point, reach_of
from mtpviz.bench import machine
from mtpviz.bench.figures import NATURAL
from mtpviz.bench.harness import Bench, Suite
from mtpviz.bench.report import Goal, Report, Table
from mtpviz.errors import UserError

PAPERS = 1.9  # the least of the speedups that the papers tell, 1.9 to 3
PAYS = 1.05
_USUAL = "Llama-3.1-8B"


@dataclass
class ScaleReport(Report):
    """scale: {"model", "points": [{"batch", "context", "pass_ms": {rows: ms}, "draft_ms": {length: ms}}, ...]}, which
    analysis/scaling.py reads."""

    scale: dict = field(default_factory=dict)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Which shapes, which points, whose acceptance, how long."""
    parser.add_argument("--shape", default=_USUAL, metavar="NAME", help="random weights of these sizes; tiny is for "
                        "Triton's interpreter")
    parser.add_argument("--batches", default="1,2,4,8,16,32,64", metavar="N,N,...", help="sequences at once")
    parser.add_argument("--contexts", default="512,1024,2048,4096,8192,16384,32768", metavar="N,N,...",
                        help="committed positions of each")
    parser.add_argument("--acceptance", type=Path, metavar="FILE", help="a report of bench strategies; by default the "
                        "newest in assets/benchmarks")
    parser.add_argument("--repeats", type=int, default=5, metavar="N", help="of each timing")
    parser.add_argument("--minutes", type=float, default=8.0, metavar="M", help="after which no point begins")


def run(bench: Bench) -> Report:
    """Measure point by point, the two axes first; tell what did not fit or was left out."""
    args, start = bench.args, time.monotonic()
    batches, contexts = _numbers(args.batches, "batches"), _numbers(args.contexts, "contexts")
    source, reach = acceptance(args.acceptance)
    session = bench.open(None)
    if session.gpu is None:
        raise UserError("bench scale measures a GPU, and this session runs on the CPU; --device cuda says why none can "
                        "be used.")
    from mtpviz.bench.device.probe import MODELS, Probe, make  # imports triton
    from mtpviz.bench.device.scale import Machine

    name = args.shape
    if name not in MODELS:
        raise UserError(f"There is no shape {name!r}; the known ones are {', '.join(MODELS)}.")
    config = replace(MODELS[name], context=max(contexts) + 256)
    probe = Probe(session, [name], contexts, args.repeats, start + 60 * args.minutes, bench.progress)
    bench.progress(f"{name}: making random weights")
    under = Machine(probe, name, make(config, probe.dtype, probe.device))
    points, left = [], []
    for batch, context in order(batches, contexts):
        why = "the time was up" if probe.over else under.misfit(batch, context)
        if why is None:
            bench.progress(f"{name}: {batch} sequences of {context}; {under.planned(batch, context) / 1e9:.1f} GB")
            points.append(under.point(batch, context))
            gc.collect()
        else:
            left.append({"batch": batch, "context": context, "left out": why})
    scale = {"model": name, "points": [asdict(point) for point in points]}
    tables = [*_tables(points, reach, batches, contexts), _prices(points), Table("Points that were left out", left)]
    environment = machine.environment(session) | {"acceptance": source}
    return ScaleReport("scale", environment, tables, _goals(points, reach, name), True, scale)


def order(batches: Sequence[int], contexts: Sequence[int]) -> list[tuple[int, int]]:
    """All points: those of one sequence, then those of a middle context, then the rest, small ones first."""
    middle = sorted(contexts)[(len(contexts) - 1) // 3]
    grid = itertools.product(sorted(batches), sorted(contexts))
    return sorted(grid, key=lambda point: (point[0] > min(batches), point[1] != middle, point[0] * point[1]))


def acceptance(path: Path | None) -> tuple[str, dict[str, dict[str, list[float]]]]:
    """The report's name, and by group of domains ("natural", "tales") and strategy the reach by depth, greedy."""
    known = sorted(FOLDER.glob("strategies-*.json"), key=lambda file: ("cpu" in file.name, file.name))
    if path is None and not known:
        raise UserError(f"There is no report of bench strategies in {FOLDER}; --acceptance names one.")
    path = path or known[0]
    try:
        tables = {table["title"]: table["rows"] for table in json.loads(path.read_text(encoding="utf-8"))["tables"]}
        rows = [row for row in tables["Strategies"] if row["temperature"] == 0.0 and row["conditional"]]
        groups = {"natural": reach_of([row for row in rows if row["domain"] in NATURAL]),
                  "tales": reach_of([row for row in rows if row["domain"] == "tales"])}
    except (OSError, ValueError, KeyError, TypeError):
        raise UserError(f"{path} is no report of bench strategies (its JSON form).") from None
    groups = {name: found for name, found in groups.items() if found}
    if not groups:
        raise UserError(f"{path} tells no acceptance of greedy text; measure more prompts.")
    return path.name, groups


def _tables(points: Sequence[Point], reach: Mapping[str, Mapping[str, list[float]]], batches: Sequence[int],
            contexts: Sequence[int]) -> list[Table]:
    note = ("Speedup over plain steps of the same batch, of the best measured chain; its length in brackets, 0 where "
            "not drafting is best. Times are real; acceptance is that of the report of bench strategies: of a "
            "drafter's chain where it has one, else of its adaptive trees, a step without a draft counting as one "
            "that was rejected, which is the least that a chain would reach.")
    found = []
    for group, strategies in reach.items():
        rows = [{"batch": point.batch, "context": point.context} |
                {name: "{:.2f} ({})".format(*point.best(shares)) for name, shares in strategies.items()}
                for point in sorted(points, key=lambda one: (one.context, one.batch))]
        found.append(Table(f"Speedup, acceptance of {group} text", rows, note))
        stops = []
        for context in sorted(contexts):
            at = [point for point in points if point.context == context]
            stops.append({"context": context} | {name: _last_that_pays(at, shares)
                                                 for name, shares in strategies.items()})
        found.append(Table(f"Where drafting stops paying, acceptance of {group} text", stops,
                           f"The largest measured batch with a speedup of {PAYS} or more; 0: none, not even one "
                           "sequence."))
    return found


def _last_that_pays(points: Sequence[Point], shares: Sequence[float]) -> int | None:
    if not points:
        return None
    return max((point.batch for point in points if point.best(shares)[0] >= PAYS), default=0)


def _prices(points: Sequence[Point]) -> Table:
    rows = [{"batch": point.batch, "context": point.context,
             **{f"{rows} rows ms": ms for rows, ms in point.pass_ms.items()},
             **{f"draft of {length} ms": ms for length, ms in point.draft_ms.items()}} for point in points]
    return Table("Prices", rows, "A pass over so many rows of every sequence with choice, walk and commit; a chain "
                 "drafted by one layer with a quarter of the vocabulary. Captured, by the device's clock.")


def _goals(points: Sequence[Point], reach: Mapping[str, Mapping[str, list[float]]], model: str) -> list[Goal]:
    one = [point for point in points if point.batch == 1]
    found = []
    for group, strategies in reach.items():
        best = max(((point.best(shares)[0], name, point.context) for point in one
                    for name, shares in strategies.items()), default=None)
        where = f" ({best[1]}, context {best[2]})" if best else ""
        found.append(Goal(f"{model}: the papers' 1.9x to 3x, one sequence, {group} text{where}", f">= {PAPERS}",
                          best and best[0], best and best[0] >= PAPERS))
    return found


def _numbers(text: str, what: str) -> list[int]:
    try:
        found = [int(number) for number in text.split(",")]
    except ValueError:
        found = []
    if not found or min(found) < 1:
        raise UserError(f"The {what} are {text!r}; they must be numbers from 1 on, separated by commas.")
    return found


SUITE = Suite("scale", "speedup against batch and context at a large model's shapes, and where drafting stops paying",
              add_arguments, run)
