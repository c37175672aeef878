"""`python -m mtpviz doctor`: what this machine can do, measured, and one sentence for what could be better."""

from __future__ import annotations

import argparse
import importlib.metadata

import numpy as np
import torch

from mtpviz.bench import machine
from mtpviz.bench.linears import linears_alone
from mtpviz.commands.options import add_model, open_session
from mtpviz.commands.output import Progress, print_json
from mtpviz.engine.budget import MEASURED_ROWS
from mtpviz.engine.selfcheck import invariance
from mtpviz.engine.session import Session
from mtpviz.export._browser import browser
from mtpviz.kernels.compiler import numba
from mtpviz.kernels.device import why_not
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

    gpu: whether one can be used, why not, and the bytes that the models take of it. tokens_per_s: of next-token
    prediction, by threads (0 on a GPU). bandwidth_gb_s: of torch.sum over 256 MiB of fp32. pass_ms: of a
    target pass, by rows, medians. linears_ms: of one row through the linear layers alone, None on a GPU. invariance:
    see engine/selfcheck.py. exports: the browser that draws PNG and PDF, None without one. problems: what to do, in
    sentences.
    """
    document = machine.environment(session)  # first: it reads the load before this adds to it
    progress("measuring speed and memory")
    document |= {"gpu": _gpu(session), "dtype_reason": session.dtype_reason, "bf16_instructions": has_bf16_dot(),
                 "tokens_per_s": machine.speed_by_threads(session),
                 "threading_layer": None if session.gpu else numba.threading_layer(),
                 "bandwidth_gb_s": session.machine["read_gb_s"]}
    progress("measuring passes over 1 to 64 rows")
    document |= _passes(session)
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
    if document["device"] == "cpu" and max(speeds, key=speeds.get) == 1 < max(speeds):
        found.append("One thread is faster than all of them, so something else uses the other cores; free them.")
    if document["device"] == "cpu" and document["dtype"] == "bf16" and not document["bf16_instructions"]:
        found.append("This CPU has no bf16 instructions, so a pass over many rows costs more than elsewhere; smaller "
                     "trees, which `auto` finds by itself, pay.")
    if document["threading_layer"] == "workqueue":
        found.append("numba found neither OpenMP nor TBB and shares cores badly with torch; install libgomp1.")
    if document["draft_model"] is None:
        found.append("There is no draft model beside this target, so the strategy draft cannot run; --head names one.")
    if document["exports"]["browser"] is None:
        found.append("No Chromium or Chrome was found, so no PNG or PDF can be exported; install it, or export SVG.")
    if document["gpu"]["seen"] and document["device"] == "cpu":
        found.append(document["gpu"]["reason"] or "There is a GPU that can be used; --device auto takes it.")
    return found


def _gpu(session: Session) -> dict:
    apple = torch.backends.mps.is_available()
    return {"seen": torch.cuda.is_available() or apple, "reason": why_not(),
            "bytes": session.gpu.plan if session.gpu else {}}


def _passes(session: Session) -> dict:
    """Times of passes by rows, and of the linear layers alone."""
    if session.gpu:
        cost = session.pass_cost
        return {"pass_ms": dict(zip(cost.rows.tolist(), cost.ms.tolist(), strict=True)), "linears_ms": None}
    passes, alone = machine.pass_ms(session, MEASURED_ROWS, repeats=5), linears_alone(session.target)
    return {"pass_ms": {rows: float(np.median(ms)) for rows, ms in passes.items()},
            "linears_ms": float(np.median([alone() for _ in range(20)]))}


def _version(package: str) -> str | None:
    try:
        return importlib.metadata.version(package)
    except importlib.metadata.PackageNotFoundError:
        return None


def _weights(card: dict) -> str:
    return f"{card['parameters'] / 1e6:.1f}M parameters, weights {card['hash']}"


def _memory(gpu: dict) -> str:
    return ", ".join(f"{size / 1e6:.0f} MB of {name}" for name, size in gpu["bytes"].items())


def _print_human(document: dict) -> None:
    d, same = document, document["invariance"]
    model, draft = d["model"], d["draft_model"]
    lines = {
        "model": f"{model['name']}, {_weights(model)}, context {d['context']}",
        "draft model": _weights(draft) if draft else "none",
        "device": f"{d['device']}: {d['hardware']}; {' '.join(d['isa'])}",
        "dtype": f"{d['dtype']}: {d['dtype_reason']}",
        "threads": f"{d['threads']}, shared out by numba's {d['threading_layer']}" if d["threads"] else "-",
        "tokens/s": ", ".join(f"{speed:.0f}" + (f" with {count} thread{'s' * (count > 1)}" if count else "")
                              for count, speed in d["tokens_per_s"].items()),
        "bandwidth": f"{d['bandwidth_gb_s']:.1f} GB/s (torch.sum over 256 MiB of fp32)",
        "pass": "  ".join(f"{rows}: {ms:.2f}" for rows, ms in d["pass_ms"].items()) + "  (rows: ms)",
        "linears": f"{d['linears_ms']:.2f} ms for one row through the linear layers alone" if d["linears_ms"] else "-",
        "GPU": _memory(d["gpu"]) if d["device"] == "cuda" else d["gpu"]["reason"] or "not used (--device cpu)",
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
