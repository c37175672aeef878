"""`train target`."""

from __future__ import annotations

import argparse

from mtpviz.commands.train import _pretrain
from mtpviz.training.checkpoint import load_checkpoint
from mtpviz.training.presets import PRESETS, find_preset


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the command's options."""
    _pretrain.add_arguments(parser)
    parser.add_argument("--preset", default="mini", help=f"one of {', '.join(PRESETS)}")


def run(args: argparse.Namespace) -> None:
    """Train, from the checkpoint with --resume."""
    preset = find_preset(args.preset)
    _pretrain.pretrain(args, preset, load_checkpoint(args.out, preset.name) if args.resume else None)
