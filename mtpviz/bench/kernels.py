"""The device kernels: what each must move and compute at real models' shapes, and what it takes of a multiprocessor.

With --dry-run nothing is measured: kernels are compiled ahead of time, which needs no GPU.
"""

from __future__ import annotations

import argparse
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field

from mtpviz.bench.harness import Bench, Suite, names_in
from mtpviz.bench.report import Report, Table
from mtpviz.errors import UserError
from mtpviz.kernels.device.build import build_apart
from mtpviz.kernels.device.launch import TARGETS

# The card that stands for a target: bytes and bf16 operations per second. H200: measured; the others: data sheets.
CEILINGS = {"sm_80": ("A100 80GB", 2.0e12, 312e12), "sm_90": ("H200", 4.3e12, 790e12),
            "sm_120": ("RTX 5090", 1.79e12, 210e12)}
SHAPES = ("bundled-256", "bundled-320", "Qwen3-0.6B", "Llama-3.2-1B", "Llama-3.1-8B")
_COLUMNS = ("kernel", "shape", "target", "bytes", "flops", "floor_us", "registers", "local_bytes", "spills",
            "shared_bytes")


@dataclass
class KernelReport(Report):
    """A report whose JSON is {"kernels": [...]}, one entry a kernel, shape and target."""

    kernels: list[dict] = field(default_factory=list)

    def document(self) -> dict:
        """JSON-ready data."""
        return {"kernels": self.kernels}

    def markdown(self) -> str:
        """The same as a table."""
        cards = "; ".join(f"{target}: {card}" for target, (card, _, _) in CEILINGS.items())
        note = (f"floor_us: the larger of bytes / bandwidth and operations / peak ({cards}). Whoever stays above it "
                "by a factor moves more bytes, or waits.")
        return f"## bench kernels\n\n{Table('Compiled ahead of time', self.kernels, note).markdown()}\n"


def floor_us(target: str, moved: int, flops: int) -> float:
    """Microseconds below which no version of a kernel can run on the card that stands for `target`."""
    _, bandwidth, peak = CEILINGS[target]
    return round(1e6 * max(moved / bandwidth, flops / peak), 3)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Targets, shapes, and whether anything is to be measured."""
    parser.add_argument("--dry-run", action="store_true", help="compile and report; needs no GPU")
    parser.add_argument("--targets", default=",".join(TARGETS), metavar="NAMES", help="separated by commas")
    parser.add_argument("--shapes", default=",".join(SHAPES), metavar="NAMES", help="models, separated by commas")


def run(bench: Bench) -> Report:
    """Compile every kernel for every target, each target in a process of its own."""
    targets, shapes = names_in(bench.args.targets, TARGETS, "target"), names_in(bench.args.shapes, SHAPES, "shape")
    if not bench.args.dry_run:
        raise UserError("The kernels are measured by `bench engine` on a GPU; --dry-run compiles them without one.")
    bench.progress(f"compiling {len(shapes)} shapes for {len(targets)} targets")
    with ThreadPoolExecutor(2) as pool:
        built = [record for of_target in pool.map(lambda target: build_apart(target, shapes), targets)
                 for record in of_target]
    rows = [record | {"shape": f"{record['shape']} {record['case']}",
                      "floor_us": floor_us(record["target"], record["bytes"], record["flops"])} for record in built]
    kernels = [{column: row[column] for column in _COLUMNS} for row in rows]
    return KernelReport("kernels", {}, passed=all(not row["local_bytes"] for row in kernels), kernels=kernels)


SUITE = Suite("kernels", "what the GPU kernels move, compute and occupy, compiled for each GPU generation",
              add_arguments, run)
