"""What training a target and distilling a draft from it share."""

from __future__ import annotations

import argparse
from pathlib import Path

from mtpviz.commands.train import _options
from mtpviz.errors import UserError
from mtpviz.training.data import HELD_OUT_LENGTH, HELD_OUT_ROWS, TokenStream, held_out_windows, load_all
from mtpviz.training.distill import distill_step
from mtpviz.training.presets import Preset
from mtpviz.training.pretrain import compile_layers, pretrain_step, train
from mtpviz.training.run import new_run
from mtpviz.training.spectral import start_embedding
from mtpviz.training.tokenizer import load_tokenizer


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the options of a pretraining run."""
    _options.add_corpus(parser)
    parser.add_argument("--tokenizer", type=Path, required=True, help="folder of tokenizer.json")
    parser.add_argument("--cache", type=Path, help="folder for token arrays; by default OUT/cache")
    _options.add_run(parser)
    parser.add_argument("--compile", action="store_true",
                        help="torch.compile the layers (needs a C++ compiler or Triton)")


def pretrain(args: argparse.Namespace, preset: Preset, state: dict | None, frozen_target: dict | None = None) -> None:
    """Train a target and its draft, or with `frozen_target` the draft alone, from `state` on."""
    budget = _options.budget(args)
    corpus, out = _options.existing(args.corpus), _options.writable(args.out)
    tokenizer = load_tokenizer(args.tokenizer)
    if tokenizer.get_vocab_size() > preset.target.vocab_size:
        raise UserError(
            f"The tokenizer has {tokenizer.get_vocab_size()} tokens, the preset {preset.target.vocab_size}.")
    cache = args.cache or out / "cache"
    arrays = load_all(corpus, cache, tokenizer, preset.mix, "train")
    device, dtype = _options.device(args)
    run = new_run(preset, TokenStream(arrays, preset.mix), device=device, dtype=dtype, seed=args.seed)
    if state is not None:
        run.load_state_dict(state)
    else:
        for model in (run.target, run.draft):
            start_embedding(model, arrays, preset.mix)
    if frozen_target is not None:
        run.target.load_state_dict(frozen_target)
        run.target.requires_grad_(False)
    if args.compile:
        compile_layers(run, _options.report)
    length = min(HELD_OUT_LENGTH, preset.target.context)
    windows = held_out_windows(corpus, cache, tokenizer, rows=HELD_OUT_ROWS, length=length, extra=run.target.num_heads)
    step = pretrain_step if frozen_target is None else distill_step
    train(run, step, budget, out, validation=windows, checkpoint_minutes=args.checkpoint_minutes)
