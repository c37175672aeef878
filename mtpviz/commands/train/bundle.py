"""`train bundle`."""

from __future__ import annotations

import argparse
import time
from pathlib import Path

from mtpviz.commands.train import _options
from mtpviz.commands.train.export import record
from mtpviz.errors import UserError
from mtpviz.training.bundle import Plan
from mtpviz.training.presets import PRESETS, find_preset
from mtpviz.training.run import Budget
from mtpviz.training.tokenizer import load_tokenizer


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the command's options."""
    _options.add_corpus(parser)
    parser.add_argument("--tokenizer", type=Path, required=True, help="folder of tokenizer.json")
    parser.add_argument("--state", type=Path, required=True, help="folder that calls go on from; STATE/models is what "
                        "comes out")
    parser.add_argument("--preset", default="base20", help=f"one of {', '.join(PRESETS)}")
    parser.add_argument("--call-minutes", type=float, default=8.0, help="after which this call leaves the rest to the "
                        "next")
    parser.add_argument("--target-minutes", type=float, default=15.0, help="of pretraining, all calls together; its "
                        "schedule is that of the whole")
    parser.add_argument("--draft-minutes", type=float, default=1.0, help="of distilling the draft once more")
    parser.add_argument("--heads-minutes", type=float, default=4.0, help="of training the heads")
    parser.add_argument("--texts", type=int, default=20_000_000, help="tokens that the target writes to learn from")
    parser.add_argument("--held-out", type=int, default=200_000, help="tokens that it writes to be judged on")
    _options.add_device(parser)
    parser.add_argument("--compile", action="store_true", help="torch.compile pretraining's layers")
    parser.add_argument("--hardware", help="what it is trained on, for the cards; by default this machine")


def run(args: argparse.Namespace) -> None:
    """Go on until everything is there or the call's time is up."""
    started = time.monotonic()
    minutes = (args.call_minutes, args.target_minutes, args.draft_minutes, args.heads_minutes)
    if min(*minutes, args.texts, args.held_out) <= 0:
        raise UserError("Every number of minutes and of tokens must be greater than zero.")
    device, dtype = _options.device(args)
    plan = Plan(find_preset(args.preset), load_tokenizer(args.tokenizer), _options.existing(args.corpus),
                _options.writable(args.state), *(Budget(minutes=number) for number in minutes[1:]), args.texts,
                args.held_out, record(args.corpus, args.hardware), device, dtype, args.compile,
                started + 60 * args.call_minutes, _options.report)
    if plan.go():
        print(f"Everything is in {plan.models}.")
    else:
        print("The call's time is up; the same command goes on from here.")
