"""`train tokenizer`."""

from __future__ import annotations

import argparse
from pathlib import Path

from mtpviz.commands.train._options import add_corpus, existing, writable
from mtpviz.training.tokenizer import save_tokenizer, train_tokenizer


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the command's options."""
    add_corpus(parser)
    parser.add_argument("--out", type=Path, required=True, help="folder for tokenizer.json")
    parser.add_argument("--sample-mb", type=int, default=60, help="size of the sample in MB")


def run(args: argparse.Namespace) -> None:
    """Train on a sample of the corpus and write tokenizer.json."""
    corpus, out = existing(args.corpus), writable(args.out)
    save_tokenizer(train_tokenizer(corpus, sample_bytes=args.sample_mb * 1_000_000), out)
