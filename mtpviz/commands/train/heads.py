"""`train HEAD[,HEAD...]` and `train heads`."""

from __future__ import annotations

import argparse
import json
from collections.abc import Mapping
from pathlib import Path

from mtpviz.commands.options import add_model_name
from mtpviz.commands.output import table
from mtpviz.commands.train import _options
from mtpviz.errors import UserError
from mtpviz.export import svg
from mtpviz.export._curves import curves_scene
from mtpviz.export._scene import palette, size_of
from mtpviz.models.catalogue import resolve
from mtpviz.training.acceptance import Acceptance
from mtpviz.training.checkpoint import load_checkpoint
from mtpviz.training.heads import HeadTraining, pick_recipe, recipes
from mtpviz.training.selfdistill import read_texts

ALL = "heads"  # every known one


def names(what: str) -> list[str]:
    """The heads that a command line asks for, all of them as "heads"; UserError for an unknown one."""
    asked = list(recipes()) if what == ALL else what.split(",")
    for name in asked:
        pick_recipe(name)
    if len(set(asked)) < len(asked):
        raise UserError("A head is asked for twice; once would be right.")
    return asked


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the command's options."""
    add_model_name(parser)
    parser.add_argument("--texts", type=Path, required=True, help="folder of `train texts`")
    parser.add_argument("--held-out", type=Path, required=True, help="folder of `train texts --held-out`")
    parser.add_argument("--start", type=Path, action="append", default=[], metavar="FOLDER",
                        help="of a head to go on from, of this target; may be repeated")
    _options.add_run(parser)


def run(args: argparse.Namespace) -> None:
    """Train, draw the curves as OUT/curves.svg, and print what the heads reach."""
    budget, entry, (device, dtype) = _options.budget(args), resolve(args.model), _options.device(args)
    state = load_checkpoint(args.out, ",".join(args.names)) if args.resume else None
    out = _options.writable(args.out)
    training = HeadTraining(args.names, entry, read_texts(args.texts), read_texts(args.held_out), out, device=device,
                            dtype=dtype, seed=args.seed, start=args.start)
    for folder in (args.texts, args.held_out):
        read_texts(folder, training.teacher.weights.sha256)
    if state is not None:
        training.load_state_dict(state)
    judged = training.run(budget, args.checkpoint_minutes, _options.report)
    write_curves(out)
    print(acceptance_table({name: found["all"] for name, found in judged.items()}))


def write_curves(folder: Path) -> None:
    """Draw `folder`/log.jsonl as `folder`/curves.svg."""
    records = [json.loads(line) for line in (folder / "log.jsonl").read_text(encoding="utf-8").splitlines()]
    scene = curves_scene(records, size_of("slide"), palette("light"))
    (folder / "curves.svg").write_text(svg.markup(scene), encoding="utf-8")


def acceptance_table(judged: Mapping[str, Acceptance]) -> str:
    """Held out, by head: the prefix rate of every level, in brackets the conditional one, and tau of a chain of 3."""
    levels = max(len(found.prefix) for found in judged.values())
    rows = []
    for name, found in judged.items():
        rates = [f"{p:.3f} ({c:.3f})" for p, c in zip(found.prefix, found.conditional, strict=True)]
        rows.append([name, f"{found.tau(3):.3f}", *rates, *[""] * (levels - len(rates))])
    return table(["head", "tau of 3", *(f"level {k}" for k in range(1, levels + 1))], rows)
