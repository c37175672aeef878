"""`python -m mtpviz bench SUITE`: measure, print a report, write it as .json or .md."""

from __future__ import annotations

import argparse
import functools
from pathlib import Path

from mtpviz.bench import suites
from mtpviz.bench.harness import Bench
from mtpviz.commands.options import add_model, check_writable, open_session
from mtpviz.commands.output import Progress, print_json
from mtpviz.errors import UserError


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """One subcommand a suite, with the suite's own options."""
    chosen = parser.add_subparsers(metavar="SUITE", required=True)
    for name, suite in suites().items():
        own = chosen.add_parser(name, help=suite.about, description=f"{suite.about[0].upper()}{suite.about[1:]}.",
                                formatter_class=parser.formatter_class)
        suite.add_arguments(own)
        add_model(own)
        own.add_argument("--out", type=Path, metavar="FILE", help="write the report there too: .json or .md")
        own.add_argument("--json", action="store_true", help="print one JSON document and nothing else")
        own.set_defaults(suite=suite)


def run(args: argparse.Namespace) -> int:
    """Run the suite; exit status 1 if its own check failed."""
    check_writable(args.out)
    if args.out is not None and args.out.suffix not in (".json", ".md"):
        raise UserError(f"{args.out.name} names no format; a report is a .json or a .md file.")
    progress = Progress()
    open_once = functools.cache(lambda dtype: open_session(args, dtype))
    try:
        report = args.suite.run(Bench(args, open_once, progress))
    finally:
        progress.clear()
    if args.out is not None:
        report.write(args.out)
    if args.json:
        print_json(report.document())
    else:
        print(report.markdown(), end="")
    return 0 if report.passed else 1
