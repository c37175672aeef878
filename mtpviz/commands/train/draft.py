"""`train draft`."""

from __future__ import annotations

import argparse
from pathlib import Path

from mtpviz.commands.train import _pretrain
from mtpviz.training.checkpoint import load_checkpoint
from mtpviz.training.presets import find_preset


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the command's options."""
    _pretrain.add_arguments(parser)
    parser.add_argument("--target", type=Path, required=True, help="folder of the target's checkpoint.pt")


def run(args: argparse.Namespace) -> None:
    """Distil, from the checkpoint with --resume."""
    finished = load_checkpoint(args.target)
    preset = find_preset(finished["preset"])
    state = load_checkpoint(args.out, preset.name) if args.resume else None
    _pretrain.pretrain(args, preset, state, frozen_target=finished["target"])
