"""The options that commands share, and what they make: a session, sampling settings, a prompt, a trace file."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from mtpviz import trace
from mtpviz.engine.sampling import Sampling
from mtpviz.errors import UserError
from mtpviz.models.catalogue import BUNDLED, ModelEntry, resolve

if TYPE_CHECKING:
    from mtpviz.engine.session import Session


def add_model_name(parser: argparse.ArgumentParser) -> None:
    """Which model."""
    parser.add_argument("--model", default=BUNDLED, metavar="NAME", help="the bundled model, or a Hugging Face folder")


def add_model(parser: argparse.ArgumentParser) -> None:
    """Which model, and where it runs."""
    add_model_name(parser)
    parser.add_argument("--head", action="append", default=[], metavar="FOLDER",
                        help="what drafts for it, in place of its own: a draft head, or a small model with the same "
                             "tokenizer; may be repeated")
    parser.add_argument("--vocabulary", type=Path, metavar="FOLDER",
                        help="maps of compressed draft vocabularies, {en,zh,code}.json or .pt, in place of its own")
    parser.add_argument("--device", default="auto", help="auto, cpu or cuda")
    parser.add_argument("--dtype", default="auto", help="of the weights: auto, bf16 or fp32")
    parser.add_argument("--threads", type=int, metavar="N", help="CPU threads; by default all that numba sees")


def add_prompt(parser: argparse.ArgumentParser) -> None:
    """The prompt, its length, the sampling, and what is written."""
    parser.add_argument("prompt", metavar="PROMPT", help="text to go on from; - reads it from standard input")
    parser.add_argument("--max-new-tokens", type=int, default=128, metavar="N")
    parser.add_argument("--temperature", type=float, default=0.0, metavar="T", help="0 is greedy")
    parser.add_argument("--top-p", type=float, default=1.0, metavar="P", help="1 is off")
    parser.add_argument("--top-k", type=int, default=0, metavar="K", help="0 is off")
    parser.add_argument("--min-p", type=float, default=0.0, metavar="P", help="0 is off")
    parser.add_argument("--seed", type=int, default=0, metavar="N", help="of the random numbers, keyed by position")
    parser.add_argument("--trace", type=Path, metavar="FILE", help="record the run: .jsonl, .jsonl.gz or .parquet")
    parser.add_argument("--json", action="store_true", help="print one JSON document and nothing else")


def open_session(args: argparse.Namespace, dtype: str | None = None) -> Session:
    """The session that `add_model`'s options describe; `dtype` in place of theirs."""
    from mtpviz.engine.session import Session  # torch and the tokenizer take a second

    entry = resolve(args.model)
    for name in args.head:
        entry = _with_head(entry, name)
    if args.vocabulary is not None:
        if not args.vocabulary.is_dir():
            raise UserError(f"There is no folder {args.vocabulary}; one with a language's map, like en.json, is right.")
        entry = replace(entry, vocabulary=args.vocabulary)
    return Session(entry, args.device, dtype or args.dtype, args.threads)


def _with_head(entry: ModelEntry, name: str) -> ModelEntry:
    """The entry with a draft head or a draft model, whichever the folder's tensors are of."""
    from mtpviz.heads.formats import kind_of

    folder = resolve(name).folder
    kind = kind_of(folder)
    if kind is None:
        return replace(entry, draft_folder=folder)
    return replace(entry, heads=entry.heads | {kind: folder})


def sampling(args: argparse.Namespace) -> Sampling:
    """The sampling settings of `add_prompt`'s options."""
    return Sampling(args.temperature, args.top_k, args.top_p, args.min_p, args.seed)


def read_prompt(args: argparse.Namespace) -> str:
    """The prompt; of standard input without the line feed at its end, which the shell put there."""
    if args.prompt != "-":
        return args.prompt
    try:
        return sys.stdin.buffer.read().decode().removesuffix("\n")
    except UnicodeDecodeError:
        raise UserError("Standard input is no UTF-8 text; a prompt must be.") from None


def check_writable(path: Path | None) -> None:
    """Raise UserError before the run, not after it, if `path` can't be written."""
    if path is not None and (path.is_dir() or not path.parent.is_dir()):
        raise UserError(f"{path} can't be written; it must be a file in a folder that exists.")


def save_trace(traces: Sequence[trace.Trace], path: Path | None) -> None:
    """Write the traces to `path` if one was asked for."""
    if path is None:
        return
    try:
        if path.suffix == ".parquet":
            from mtpviz.export import parquet  # pyarrow, only where it is asked for

            parquet.write(traces, path)
        else:
            trace.dump(traces, path)
    except OSError as error:
        raise UserError(f"{path} can't be written ({error.strerror or error}).") from None
