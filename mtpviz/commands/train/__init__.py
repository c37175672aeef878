"""`python -m mtpviz train WHAT`: the bundled models and their draft heads, step by step from a corpus.

What is trained is a name of `COMMANDS`, or draft heads: one, several with commas between them, or all as "heads". The
module of a command is imported only when it is called.
"""

from __future__ import annotations

import argparse
import importlib

COMMANDS = {
    "tokenizer": "the byte-level BPE tokenizer",
    "target": "a target with four-token prediction, its draft model beside it",
    "draft": "a new draft model, distilled from the target of a finished run",
    "export": "target/, draft/ and heads/mtp/ from a checkpoint",
    "texts": "texts that a target writes itself, which its heads are trained and judged on",
    "vocabulary": "the sub-vocabularies of compressed draft heads, counted over a target's own texts or a corpus",
    "bundle": "all of it, from the corpus to the model folders, in calls of a few minutes that go on from one another",
    "heads": "draft heads of a frozen target, side by side on one pass of it",
}
HEADS = "heads"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare what is trained; its own options follow it."""
    known = "; ".join(f"{name}: {about}" for name, about in COMMANDS.items())
    parser.add_argument("what", metavar="WHAT", help=f"{known}; or a head's name, or several with commas between them")
    parser.add_argument("options", nargs=argparse.REMAINDER, metavar="...", help="WHAT --help lists them")
    parser.set_defaults(train_parser=parser)


def run(args: argparse.Namespace) -> int:
    """Carry out what was asked for; bad input is a UserError."""
    name = args.what if args.what in COMMANDS else HEADS
    module = importlib.import_module(f"{__name__}.{name}")
    names = module.names(args.what) if name == HEADS else None
    own = type(args.train_parser)(prog=f"{args.train_parser.prog} {args.what}", description=COMMANDS[name],
                                  formatter_class=argparse.ArgumentDefaultsHelpFormatter)
    module.add_arguments(own)
    options = own.parse_args(args.options)
    options.names = names
    module.run(options)
    return 0
