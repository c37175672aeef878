"""`bench tune --device cuda`: a short list of launch configurations for every entry of the kernels' tables, timed on
the card at hand at real models' shapes; prints the entries to commit.

The engine reads tables and never tunes itself: a configuration fixes the order of the sums. So the tables of
kernels/device/tiles.py and kernels/device/attention.py change by a commit, which this command prepares.
"""

from __future__ import annotations

import argparse
import time
from dataclasses import dataclass, field

from mtpviz.bench import machine
from mtpviz.bench.harness import Bench, Suite, names_in
from mtpviz.bench.report import Report, Table
from mtpviz.errors import UserError

KINDS = ("linear", "vocabulary", "attention")
GAIN = 1.03  # by which a new configuration must be faster: less is noise
_SHOWN = 4


@dataclass
class TuneReport(Report):
    """commit: lines for the tables, by file."""

    commit: dict[str, list[str]] = field(default_factory=dict)

    def markdown(self) -> str:
        """With the lines to commit."""
        lines = [f"# {file}\n" + "\n".join(found) for file, found in self.commit.items()]
        return super().markdown() + "\n### To commit\n\n```python\n" + "\n".join(lines) + "\n```\n"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Which kernels, at which shapes, how long."""
    parser.add_argument("--kernels", default=",".join(KINDS), metavar="NAMES", help="separated by commas")
    parser.add_argument("--models", default="Qwen3-0.6B,Qwen3-1.7B,Llama-3.1-8B", metavar="NAMES",
                        help="shapes beside the bundled model's; tiny is for Triton's interpreter")
    parser.add_argument("--repeats", type=int, default=10, metavar="N", help="of each timing")
    parser.add_argument("--minutes", type=float, default=8.0, metavar="M", help="shared out evenly over the entries")


def run(bench: Bench) -> Report:
    """Try, rank by time over floor (geometric mean over the shapes that an entry is for), and say what to commit."""
    args, start = bench.args, time.monotonic()
    kinds = names_in(args.kernels, KINDS, "kernel")
    session = bench.open(None)
    if session.gpu is None:
        raise UserError("bench tune measures a GPU, and this session runs on the CPU; --device cuda says why none can "
                        "be used.")
    from mtpviz.bench.device import passes, tune  # imports triton
    from mtpviz.bench.device.probe import MODELS, Probe
    from mtpviz.kernels.device.launch import card

    models = names_in(args.models, MODELS, "model")
    end = start + 60 * args.minutes
    probe = Probe(session, models, [512], args.repeats, end, bench.progress)
    tables = passes.ceilings(probe).tables
    todo, commit = tune.groups(probe, kinds, models), {}
    left = tune.count(session.config, kinds, models)
    for group in todo:
        now = time.monotonic()
        probe.ends = now + max(0.0, end - now) / max(1, left)
        left -= 1
        trials = tune.tune(probe, group)
        before = next(trial for trial in trials if trial.config == group.now)
        best = trials[0] if before.over > GAIN * trials[0].over else before
        rows = [{"configuration": repr(trial.config), "time over floor": trial.over,
                 "": "".join(["now "] * (trial is before) + ["best"] * (trial is best)), **trial.us}
                for trial in dict.fromkeys([*trials[:_SHOWN], before])]
        tables.append(Table(f"{group.kind}: {group.entry}", rows, f"Microseconds; {len(trials)} of "
                            f"{len({group.now, *group.candidates})} configurations ran."))
        file = "kernels/device/attention.py" if group.kind == "attention" else "kernels/device/tiles.py"
        commit.setdefault(file, []).append(
            f"{card()}, {group.kind}, {group.entry}: {best.config!r}"
            + ("" if best is before else f"  # was {before.config!r}: {before.over / best.over:.2f}x slower"))
    return TuneReport("tune", machine.environment(session), tables, [], True, commit)


SUITE = Suite("tune", "launch configurations of the GPU kernels, tried on this card; prints the table to commit",
              add_arguments, run)
