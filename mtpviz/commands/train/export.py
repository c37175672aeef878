"""`train export`."""

from __future__ import annotations

import argparse
import datetime
import os
import platform
from pathlib import Path

from mtpviz.commands.train._options import add_corpus
from mtpviz.errors import UserError
from mtpviz.training.card import corpus_notice
from mtpviz.training.checkpoint import load_checkpoint
from mtpviz.training.export import export_run
from mtpviz.training.tokenizer import load_tokenizer


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the command's options."""
    parser.add_argument("--run", type=Path, required=True, help="folder of checkpoint.pt")
    parser.add_argument("--tokenizer", type=Path, required=True, help="folder of tokenizer.json")
    add_corpus(parser)
    parser.add_argument("--out", type=Path, required=True, help="folder for the exported models")
    parser.add_argument("--hardware", help="what the run was trained on; by default this machine")


def run(args: argparse.Namespace) -> None:
    """Write the models with their cards, which take the licences from the corpus' README."""
    state = load_checkpoint(args.run)
    export_run(state, load_tokenizer(args.tokenizer), args.out, record(args.corpus, args.hardware))


def record(corpus: Path, hardware: str | None) -> dict[str, str]:
    """What the cards say beside a checkpoint: hardware (None: this machine), date, licences of the corpus."""
    readme = corpus / "README.md"
    if not readme.is_file():
        raise UserError(f"{readme} does not exist; the model cards take the licences from it.")
    return {"hardware": hardware or f"a {os.cpu_count()}-core {platform.machine()} CPU",
            "date": datetime.date.today().isoformat(),
            "corpus_notice": corpus_notice(readme.read_text(encoding="utf-8"))}
