"""`train texts`."""

from __future__ import annotations

import argparse
from pathlib import Path

from mtpviz.commands.options import add_model, open_session
from mtpviz.commands.train._options import add_corpus, existing, report, writable
from mtpviz.errors import UserError
from mtpviz.training.selfdistill import GREEDY_SHARE, write_texts


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the command's options."""
    add_corpus(parser)
    parser.add_argument("--tokens", type=int, required=True, help="of all texts together; what OUT holds counts")
    parser.add_argument("--out", type=Path, required=True, help="folder for {domain}.bin; continued where it has some")
    parser.add_argument("--held-out", action="store_true",
                        help="greedy texts from the corpus' val files, to judge heads on")
    parser.add_argument("--fixed", action="store_true",
                        help="the corpus' documents as they are, to tell what it brings that the target writes them")
    parser.add_argument("--strategy", default="ntp", help="that writes them; all are lossless, so the fastest will do")
    parser.add_argument("--seed", type=int, default=0)
    add_model(parser)


def run(args: argparse.Namespace) -> None:
    """Write texts until OUT holds so many tokens."""
    if args.tokens < 1:
        raise UserError("The number of tokens must be greater than zero.")
    if args.fixed and args.held_out:
        raise UserError("Heads are judged on what the target writes, so --held-out cannot be had with --fixed.")
    corpus, out = existing(args.corpus), writable(args.out)
    split, greedy = ("val", 1.0) if args.held_out else ("train", GREEDY_SHARE)
    arrays = write_texts(open_session(args), corpus, split, out, args.tokens, strategy=args.strategy, seed=args.seed,
                         greedy_share=greedy, fixed=args.fixed, report=report)
    print(", ".join(f"{domain} {len(array):,}" for domain, array in arrays.items()) + f" tokens in {out}")
