"""`bench engine --device cuda`: the GPU engine against its floors and beside transformers, in one command.

Sections run one after the other, the most telling first; one that fails is reported with its error and the rest goes
on, and none begins once the time is up. The report fails (exit status 1) if a section did.
"""

from __future__ import annotations

import argparse
import gc
import time
import traceback
from collections.abc import Callable
from dataclasses import dataclass, field

from mtpviz.bench import machine
from mtpviz.bench.harness import Bench, Suite, names_in
from mtpviz.bench.report import Report, Table
from mtpviz.errors import UserError

# name -> (module, function) under mtpviz.bench.device, in the order in which they run
SECTIONS = {"ceilings": ("passes", "ceilings"), "checks": ("checks", "kernels"), "strategies": ("lanes", "strategies"),
            "graphs": ("lanes", "graphs"), "bitwise": ("passes", "bitwise"), "steps": ("passes", "steps"),
            "products": ("kernels", "products"), "attention": ("kernels", "tree_attention"),
            "generate": ("peers", "generate"), "batches": ("lanes", "batches"), "kernels": ("kernels", "in_situ"),
            "compiled": ("peers", "compiled")}
_USUAL = "Qwen3-0.6B,Qwen3-1.7B,Llama-3.1-8B"


@dataclass
class EngineReport(Report):
    """sections: by name, its seconds and the error that ended it, or that it was left out."""

    sections: dict[str, dict] = field(default_factory=dict)

    def markdown(self) -> str:
        """With a table of the sections, which says what failed."""
        rows = [{"section": name, "seconds": found.get("seconds"), "": _last(found.get("error", "done"))}
                for name, found in self.sections.items()]
        return super().markdown() + "\n" + Table("Sections", rows).markdown() + "\n"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Which sections, which shapes, how long."""
    parser.add_argument("--sections", default=",".join(SECTIONS), metavar="NAMES", help="separated by commas")
    parser.add_argument("--models", default=_USUAL, metavar="NAMES", help="shapes with random weights; tiny is for "
                        "Triton's interpreter")
    parser.add_argument("--contexts", default="512,2048,8192", metavar="N,N,...", help="committed positions")
    parser.add_argument("--repeats", type=int, default=20, metavar="N", help="of each timing")
    parser.add_argument("--minutes", type=float, default=8.5, metavar="M", help="after which no section begins")


def run(bench: Bench) -> Report:
    """Run the sections; what they found, and what they could not."""
    args, start = bench.args, time.monotonic()
    chosen = names_in(args.sections, SECTIONS, "section")
    session = bench.open(None)
    if session.gpu is None:
        raise UserError("bench engine measures a GPU, and this session runs on the CPU; --device cuda says why none "
                        "can be used.")
    from mtpviz.bench.device.probe import MODELS, Probe  # imports triton

    models = names_in(args.models, MODELS, "model")
    probe = Probe(session, models, _contexts(args.contexts, min(MODELS[name].context for name in models)),
                  args.repeats, start + 60 * args.minutes, bench.progress)
    environment = machine.environment(session) | {"device_memory": session.gpu.plan}
    report = EngineReport("engine", environment)
    for name in chosen:
        begun = time.monotonic()
        if probe.over:
            report.sections[name] = {"error": "left out: the time was up"}
            continue
        try:
            found = _section(name)(probe)
            report.tables += found.tables
            report.goals += found.goals
            report.sections[name] = {"seconds": round(time.monotonic() - begun, 1)}
        except Exception as error:  # whatever a GPU can do to a section, the others are still worth having
            told = traceback.format_exc(limit=-4).strip() or repr(error)
            report.sections[name] = {"seconds": round(time.monotonic() - begun, 1), "error": told}
            report.passed = False
        gc.collect()
    report.passed = report.passed and not any(goal.met is False and goal.wanted == "<= 0" for goal in report.goals)
    return report


def _last(error: str) -> str:
    return error.splitlines()[-1][:200]


def _section(name: str) -> Callable:
    import importlib

    module, function = SECTIONS[name]
    return getattr(importlib.import_module(f"mtpviz.bench.device.{module}"), function)


def _contexts(text: str, most: int) -> list[int]:
    try:
        found = [int(number) for number in text.split(",")]
    except ValueError:
        found = []
    if not found or min(found) < 1 or max(found) > most - 64:
        raise UserError(f"The contexts are {text!r}; they must be numbers from 1 to {most - 64}, separated by commas.")
    return found


SUITE = Suite("engine", "the GPU engine: steps, passes, kernels and strategies against their floors and transformers",
              add_arguments, run)
