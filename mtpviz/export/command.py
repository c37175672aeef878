"""`python -m mtpviz export TRACE --to FORMAT`: a trace file to a picture, a table or a page."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from mtpviz import discover
from mtpviz.export import read, write
from mtpviz.export._language import LANGUAGES
from mtpviz.export._scene import PALETTES, SIZES
from mtpviz.export._views import views
from mtpviz.export.csv import TABLES
from mtpviz.foreign import untold


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the command's arguments."""
    parser.add_argument("trace", metavar="TRACE", 
                        help="a trace (.jsonl, .jsonl.gz, .parquet), or a vLLM or Spec-Bench answer (.json, .jsonl)")
    parser.add_argument("--to", metavar="FORMAT",
                        help=f"{', '.join(discover.exports())}; by default what --out ends in")
    parser.add_argument("--view", choices=views(), default="race", metavar="NAME",
                        help=f"what a picture shows: {', '.join(views())}")
    parser.add_argument("--size", choices=SIZES, default="slide", help="1920x1080 slide, or a column of 85 mm")
    parser.add_argument("--theme", choices=PALETTES, default="light")
    parser.add_argument("--lane", metavar="NAME",
                        help="of a tree: a strategy or a lane's title; by default the first that drafts")
    parser.add_argument("--step", type=int, metavar="N",
                        help="of a tree: the step, from 0; by default the one that accepted most")
    parser.add_argument("--rejected", action="store_true", help="show rejected drafts in a race's text")
    parser.add_argument("--language", choices=LANGUAGES, default="en", help="of a picture or an HTML page")
    parser.add_argument("--table", choices=TABLES, default="tokens", help="of a CSV")
    parser.add_argument("--out", metavar="FILE", help="by default the trace's name beside it, with the view and suffix")


def run(args: argparse.Namespace) -> int:
    """Write the export and print where it lies. Bad input is a UserError."""
    traces = read(args.trace)
    for sentence in untold(traces):
        print(sentence, file=sys.stderr)
    to = args.to or (None if args.out else "svg")
    path = args.out or _beside(Path(args.trace), discover.pick("export", to).SUFFIX, args.view)
    write(traces, path, to=to, view=args.view, size=args.size, theme=args.theme, lane=args.lane, step=args.step,
          rejected=args.rejected, table=args.table, language=args.language)
    print(path)
    return 0


def _beside(trace: Path, suffix: str, view: str) -> Path:
    """TRACE's name with the format's suffix; a picture's name tells its view."""
    stem = trace.name.removesuffix(".gz").removesuffix(".jsonl").removesuffix(".parquet")
    return trace.with_name(f"{stem}-{view}{suffix}" if suffix in (".svg", ".png", ".pdf", ".gif") else stem + suffix)
