"""Options that several trainings share, and the checks of what they name."""

from __future__ import annotations

import argparse
import os
import sys
from pathlib import Path

import torch

from mtpviz.errors import UserError
from mtpviz.training.run import Budget


def add_corpus(parser: argparse.ArgumentParser) -> None:
    """Where the corpus is."""
    parser.add_argument("--corpus", type=Path, required=True, help="folder of {domain}_{train,val}.jsonl.xz")


def add_run(parser: argparse.ArgumentParser) -> None:
    """A training run: where it is kept, how long it takes, and on what it runs."""
    parser.add_argument("--out", type=Path, required=True, help="folder for checkpoint.pt and log.jsonl")
    parser.add_argument("--minutes", type=float, help="wall-clock budget of the run, resumed parts included")
    parser.add_argument("--tokens", type=int, help="token budget, in place of --minutes")
    add_device(parser)
    parser.add_argument("--checkpoint-minutes", type=float, default=4.0)
    parser.add_argument("--resume", action="store_true", help="continue from OUT/checkpoint.pt")
    parser.add_argument("--seed", type=int, default=0)


def add_device(parser: argparse.ArgumentParser) -> None:
    """On what a training runs."""
    parser.add_argument("--device", default="cpu", help="cpu or cuda")
    parser.add_argument("--dtype", choices=("auto", "bfloat16", "float32"), default="auto")


def budget(args: argparse.Namespace) -> Budget:
    """The one budget of `add_run`'s options."""
    if (args.minutes is None) == (args.tokens is None):
        raise UserError("Give one budget: --minutes or --tokens.")
    if (args.minutes or args.tokens) <= 0:
        raise UserError("The budget must be greater than zero.")
    return Budget(args.minutes, args.tokens)


def device(args: argparse.Namespace) -> tuple[str, torch.dtype]:
    """Device and dtype of `add_run`'s options. "auto" is bfloat16 where the device multiplies it natively (CUDA;
    AVX-512 BF16 or AMX), else float32."""
    if args.device not in ("cpu", "cuda"):
        raise UserError(f"Unknown device {args.device!r}; known are cpu and cuda.")
    if args.device == "cuda" and not torch.cuda.is_available():
        raise UserError("No CUDA device is available; use --device cpu.")
    if args.dtype != "auto":
        return args.device, getattr(torch, args.dtype)
    native = args.device == "cuda" or torch.cpu._is_avx512_bf16_supported() or torch.cpu._is_amx_tile_supported()
    return args.device, torch.bfloat16 if native else torch.float32


def existing(corpus: Path) -> Path:
    """The corpus' folder; UserError where there is none."""
    if not corpus.is_dir():
        raise UserError(f"Corpus folder {corpus} does not exist.")
    return corpus


def writable(folder: Path) -> Path:
    """The folder, made where there is none; UserError where it cannot be written to."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise UserError(f"Cannot write to {folder}: {error.strerror}.") from None
    if not os.access(folder, os.W_OK):
        raise UserError(f"Cannot write to {folder}.")
    return folder


def report(line: str) -> None:
    """A line of progress, on standard error."""
    print(line, file=sys.stderr, flush=True)
