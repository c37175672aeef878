"""`python -m mtpviz doctor`: what this machine can do, measured, and one sentence for what could be better."""

from __future__ import annotations

import argparse
import importlib.metadata

import numba
import numpy as np
import torch

from mtpviz.bench import machine
from mtpviz.bench.linears import linears_alone
from mtpviz.commands.options import add_model, open_session
from mtpviz.commands.output import Progress, print_json
from mtpviz.engine.budget import MEASURED_ROWS
from mtpviz.engine.selfcheck import invariance
from mtpviz.engine.session import Session
from mtpviz.export.png import browser
from mtpviz.kernels.simd import has_bf16_dot


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the command's arguments."""
    add_model(parser)
    parser.add_argument("--json", action="store_true", help="print one JSON document and nothing else")


def run(args: argparse.Namespace) -> int:
    """Measure and print."""
    document = examine(open_session(args), Progress())
    if args.json:
        print_json(document)
    else:
        _print_human(document)
    return 0


def examine(session: Session, progress: Progress) -> dict:
    """Everything `doctor` tells, JSON-ready.

    tokens_per_s: of next-token prediction, by threads. bandwidth_gb_s: of torch.sum over 256 MiB of fp32. pass_ms: of a
    target pass, by rows, medians. linears_ms: of one row through the linear layers alone. invariance: see
    engine/selfcheck.py. exports: the browser that draws PNGs, None without one. problems: what to do, in sentences.
    """
    document = machine.environment(session)  # first: it reads the load before this adds to it
    progress("measuring speed and memory")
    document |= {"dtype_reason": session.dtype_reason, "bf16_instructions": has_bf16_dot(),
                 "tokens_per_s": machine.speed_by_threads(session), "threading_layer": numba.threading_layer(),
                 "bandwidth_gb_s": session.machine["read_gb_s"]}
    progress("measuring passes over 1 to 64 rows")
    passes = machine.pass_ms(session, MEASURED_ROWS, repeats=5)
    alone = linears_alone(session.target)
    document |= {"pass_ms": {rows: float(np.median(ms)) for rows, ms in passes.items()},
                 "linears_ms": float(np.median([alone() for _ in range(20)]))}
    progress("comparing passes bit by bit")
    document |= {"invariance": invariance(session.target), "context": session.context,
                 "draft_model": session.draft.card if session.entry.draft_folder else None,
                 "exports": {"browser": browser(), "kaleido": _version("kaleido")}}
    progress.clear()
    return document | {"problems": problems(document)}


def problems(document: dict) -> list[str]:
    """One sentence for each thing that is not as it could be: what it is, and what to do."""
    speeds, found = document["tokens_per_s"], []
    if document["disturbed"]:
        found.append(f"Other work runs on this machine (load {document['load']}); pause it before trusting any time.")
    if not document["invariance"]["invariant"]:
        found.append("Passes are not bitwise equal here, so drafted text may differ from next-token prediction's at "
                     "near ties; please report this output.")
    if max(speeds, key=speeds.get) == 1 < max(speeds):
        found.append("One thread is faster than all of them, so something else uses the other cores; free them.")
    if document["dtype"] == "bf16" and not document["bf16_instructions"]:
        found.append("This CPU has no bf16 instructions, so a pass over many rows costs more than elsewhere; smaller "
                     "trees, which `auto` finds by itself, pay.")
    if document["threading_layer"] == "workqueue":
        found.append("numba found neither OpenMP nor TBB and shares cores badly with torch; install libgomp1.")
    if document["draft_model"] is None:
        found.append("There is no draft model beside this target, so the strategy draft cannot run; --head names one.")
    if document["exports"]["browser"] is None:
        found.append("No Chromium or Chrome was found, so PNG exports cannot be drawn; install it, or export SVG.")
    if torch.cuda.is_available():
        found.append("There is a CUDA GPU, but the engine decodes on the CPU so far.")
    return found


def _version(package: str) -> str | None:
    try:
        return importlib.metadata.version(package)
    except importlib.metadata.PackageNotFoundError:
        return None


def _weights(card: dict) -> str:
    return f"{card['parameters'] / 1e6:.1f}M parameters, weights {card['hash']}"


def _print_human(document: dict) -> None:
    d, same = document, document["invariance"]
    model, draft = d["model"], d["draft_model"]
    lines = {
        "model": f"{model['name']}, {_weights(model)}, context {d['context']}",
        "draft model": _weights(draft) if draft else "none",
        "device": f"{d['device']}: {d['hardware']}; {' '.join(d['isa'])}",
        "dtype": f"{d['dtype']}: {d['dtype_reason']}",
        "threads": f"{d['threads']}, shared out by numba's {d['threading_layer']}",
        "tokens/s": ", ".join(f"{speed:.0f} with {count} thread{'s' * (count > 1)}"
                              for count, speed in d["tokens_per_s"].items()),
        "bandwidth": f"{d['bandwidth_gb_s']:.1f} GB/s (torch.sum over 256 MiB of fp32)",
        "pass": "  ".join(f"{rows}: {ms:.2f}" for rows, ms in d["pass_ms"].items()) + "  (rows: ms)",
        "linears": f"{d['linears_ms']:.2f} ms for one row through the linear layers alone",
        "bitwise": f"{'invariant' if same['invariant'] else 'NOT INVARIANT'}: of {same['nodes']} nodes in passes of 1 "
                   f"to 64 rows, in scattered slots and after compaction, {same['differing']} differ",
        "exports": f"browser {d['exports']['browser'] or 'none'}, kaleido {d['exports']['kaleido'] or 'none'}",
        "versions": ", ".join(f"{name} {version}" for name, version in d["versions"].items()),
        "load": "unknown" if d["load"] is None else f"{d['load']} before the start",
    }
    width = max(map(len, lines))
    for name, text in lines.items():
        print(f"{name.ljust(width)}  {text}")
    print("\n" + ("\n".join(f"- {problem}" for problem in d["problems"]) or "Nothing stands in the way."))
