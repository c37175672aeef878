"""`python -m mtpviz generate PROMPT --strategy NAME`: the continuation, streamed, or as a JSON document."""

from __future__ import annotations

import argparse
import sys

from mtpviz.analysis.summary import race_document
from mtpviz.bench.harness import warm_up
from mtpviz.commands.options import (
    add_model,
    add_prompt,
    check_writable,
    open_session,
    read_prompt,
    sampling,
    save_trace,
)
from mtpviz.commands.output import print_json, printable
from mtpviz.engine.loop import Decoder
from mtpviz.race import BASELINE, make_drafter


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the command's arguments."""
    add_prompt(parser)
    parser.add_argument("--strategy", default=BASELINE, metavar="NAME",
                        help="with settings if wanted: draft, draft:tree=chain:depth=4")
    add_model(parser)


def run(args: argparse.Namespace) -> int:
    """Decode, print, record."""
    check_writable(args.trace)
    settings, prompt, session = sampling(args), read_prompt(args), open_session(args)
    drafter = make_drafter(args.strategy, session, settings)
    decoder = Decoder(session, drafter, prompt, settings, args.max_new_tokens, record=args.trace is not None,
                      command=args.command_line)
    warm_up(session, [args.strategy], settings)
    decoder.prefill()
    _stream(args, decoder.trace.run.first_text)
    while not decoder.done:
        _stream(args, "".join(decoder.step().texts))
    save_trace([decoder.trace], args.trace)
    if args.json:
        document = race_document([decoder.trace])
        lane = document.pop("lanes")[0]
        print_json(lane | {name: value for name, value in document.items() if name != "baseline"})
    else:
        print()
        if sys.stderr.isatty():
            run = decoder.trace
            print(f"{len(run.token_ids)} tokens, {run.tokens_per_s:.0f} tokens/s, tau {run.tau:.2f}, first after "
                  f"{run.run.prefill_ms:.0f} ms, on {run.run.hardware} in {run.run.dtype}", file=sys.stderr)
    return 0


def _stream(args: argparse.Namespace, text: str) -> None:
    if not args.json:
        print(printable(text), end="", flush=True)
