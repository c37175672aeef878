"""The command line of training: `python -m mtpviz train {tokenizer,target,draft,vocabulary,export}`."""

from __future__ import annotations

import argparse
import datetime
import os
import platform
import sys
from pathlib import Path

import torch
from tokenizers.pre_tokenizers import ByteLevel

from mtpviz.errors import UserError
from mtpviz.training.card import corpus_notice
from mtpviz.training.checkpoint import load_checkpoint
from mtpviz.training.corpus import DOMAINS, SPLITS
from mtpviz.training.data import TokenStream, held_out_windows, load_tokens
from mtpviz.training.distill import distill_step
from mtpviz.training.export import export_run
from mtpviz.training.presets import PRESETS, Preset, find_preset
from mtpviz.training.pretrain import pretrain_step, train
from mtpviz.training.run import Budget, Run, new_run
from mtpviz.training.spectral import start_embedding
from mtpviz.training.tokenizer import load_tokenizer, save_tokenizer, train_tokenizer
from mtpviz.training.vocabulary import write_maps

HELD_OUT_ROWS, HELD_OUT_LENGTH = 4, 512


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the sub-commands of `train` to `parser`."""
    commands = parser.add_subparsers(dest="what", required=True, metavar="{tokenizer,target,draft,vocabulary,export}")

    tokenizer = commands.add_parser("tokenizer", help="train the byte-level BPE tokenizer")
    tokenizer.add_argument(
        "--corpus", type=Path, required=True, help="folder of {domain}_{train,val}.jsonl.xz"
    )
    tokenizer.add_argument("--out", type=Path, required=True, help="folder for tokenizer.json")
    tokenizer.add_argument("--sample-mb", type=int, default=60, help="size of the sample in MB (default 60)")

    target = commands.add_parser(
        "target", help="pretrain a target with four-token prediction, its draft beside it"
    )
    draft = commands.add_parser("draft", help="distil a new draft model from the target of a finished run")
    for command in (target, draft):
        command.add_argument(
            "--corpus", type=Path, required=True, help="folder of {domain}_{train,val}.jsonl.xz"
        )
        command.add_argument("--tokenizer", type=Path, required=True, help="folder of tokenizer.json")
        command.add_argument("--cache", type=Path, help="folder for token arrays (default OUT/cache)")
        command.add_argument("--out", type=Path, required=True, help="folder for checkpoint.pt and log.jsonl")
        command.add_argument(
            "--minutes", type=float, help="wall-clock budget of the run, resumed parts included"
        )
        command.add_argument("--tokens", type=int, help="token budget, in place of --minutes")
        command.add_argument("--device", default="cpu", help="cpu or cuda (default cpu)")
        command.add_argument("--dtype", choices=("auto", "bfloat16", "float32"), default="auto")
        command.add_argument(
            "--compile", action="store_true", help="torch.compile the layers (needs a C++ compiler or Triton)"
        )
        command.add_argument("--checkpoint-minutes", type=float, default=4.0)
        command.add_argument("--resume", action="store_true", help="continue from OUT/checkpoint.pt")
        command.add_argument("--seed", type=int, default=0)
    target.add_argument("--preset", default="mini", help=f"one of {', '.join(PRESETS)}")
    draft.add_argument("--target", type=Path, required=True, help="folder of the target's checkpoint.pt")

    vocabulary = commands.add_parser("vocabulary", help="count the sub-vocabularies of compressed draft heads")
    vocabulary.add_argument("--corpus", type=Path, required=True, help="folder of {domain}_{train,val}.jsonl.xz")
    vocabulary.add_argument("--tokenizer", type=Path, required=True, help="folder of tokenizer.json")
    vocabulary.add_argument("--cache", type=Path, required=True, help="folder for token arrays")
    vocabulary.add_argument("--out", type=Path, required=True, help="folder for {language}.json")

    export = commands.add_parser("export", help="write target/, draft/ and heads/mtp/ from a checkpoint")
    export.add_argument("--run", type=Path, required=True, help="folder of checkpoint.pt")
    export.add_argument("--tokenizer", type=Path, required=True, help="folder of tokenizer.json")
    export.add_argument(
        "--corpus", type=Path, required=True, help="folder whose README.md holds the licences"
    )
    export.add_argument("--out", type=Path, required=True, help="folder for the exported models")
    export.add_argument("--hardware", help="what the run was trained on (default: this machine)")


def run(args: argparse.Namespace) -> int:
    """Carry out one sub-command; bad input prints one sentence on stderr and returns 2."""
    actions = {"tokenizer": _tokenizer, "target": _target, "draft": _draft, "vocabulary": _vocabulary,
               "export": _export}
    try:
        actions[args.what](args)
    except UserError as error:
        print(error, file=sys.stderr)
        return 2
    return 0


def _tokenizer(args: argparse.Namespace) -> None:
    _existing(args.corpus)
    _writable(args.out)
    save_tokenizer(train_tokenizer(args.corpus, sample_bytes=args.sample_mb * 1_000_000), args.out)


def _target(args: argparse.Namespace) -> None:
    preset = find_preset(args.preset)
    state = load_checkpoint(args.out, preset.name) if args.resume else None
    _train(args, preset, state)


def _draft(args: argparse.Namespace) -> None:
    finished = load_checkpoint(args.target)
    preset = find_preset(finished["preset"])
    state = load_checkpoint(args.out, preset.name) if args.resume else None
    _train(args, preset, state, frozen_target=finished["target"])


def _train(
    args: argparse.Namespace, preset: Preset, state: dict | None, frozen_target: dict | None = None
) -> None:
    if (args.minutes is None) == (args.tokens is None):
        raise UserError("Give one budget: --minutes or --tokens.")
    if (args.minutes or args.tokens) <= 0:
        raise UserError("The budget must be greater than zero.")
    _existing(args.corpus)
    _writable(args.out)
    tokenizer = load_tokenizer(args.tokenizer)
    if tokenizer.get_vocab_size() > preset.target.vocab_size:
        raise UserError(
            f"The tokenizer has {tokenizer.get_vocab_size()} tokens, the preset {preset.target.vocab_size}."
        )
    cache = args.cache or args.out / "cache"
    arrays = {name: load_tokens(args.corpus, cache, tokenizer, name, "train") for name in preset.mix}
    run = _new_run(args, preset, arrays)
    if state is not None:
        run.load_state_dict(state)
    else:
        for model in (run.target, run.draft):
            start_embedding(model, arrays, preset.mix)
    if frozen_target is not None:
        run.target.load_state_dict(frozen_target)
        run.target.requires_grad_(False)
    if args.compile:
        for model in (run.target, run.draft):
            for layer in (*model.model.layers, *model.extra_heads):
                layer.compile()
    length = min(HELD_OUT_LENGTH, preset.target.context)
    extra = run.target.num_heads
    windows = held_out_windows(args.corpus, cache, tokenizer, rows=HELD_OUT_ROWS, length=length, extra=extra)
    step = pretrain_step if frozen_target is None else distill_step
    budget = Budget(args.minutes, args.tokens)
    train(run, step, budget, args.out, validation=windows, checkpoint_minutes=args.checkpoint_minutes)


def _new_run(args: argparse.Namespace, preset: Preset, arrays: dict) -> Run:
    if args.device not in ("cpu", "cuda"):
        raise UserError(f"Unknown device {args.device!r}; known are cpu and cuda.")
    if args.device == "cuda" and not torch.cuda.is_available():
        raise UserError("No CUDA device is available; use --device cpu.")
    dtype = getattr(torch, args.dtype) if args.dtype != "auto" else fast_dtype(args.device)
    return new_run(preset, TokenStream(arrays, preset.mix), device=args.device, dtype=dtype, seed=args.seed)


def fast_dtype(device: str) -> torch.dtype:
    """bfloat16 where the device multiplies it natively (CUDA; AVX-512 BF16 or AMX), else float32."""
    native = device == "cuda" or torch.cpu._is_avx512_bf16_supported() or torch.cpu._is_amx_tile_supported()
    return torch.bfloat16 if native else torch.float32


def _vocabulary(args: argparse.Namespace) -> None:
    _existing(args.corpus)
    _writable(args.out)
    tokenizer = load_tokenizer(args.tokenizer)
    arrays = [{domain: load_tokens(args.corpus, args.cache, tokenizer, domain, split) for domain in DOMAINS}
              for split in SPLITS]
    alphabet = [tokenizer.token_to_id(letter) for letter in ByteLevel.alphabet()]
    special = [index for index, token in tokenizer.get_added_tokens_decoder().items() if token.special]
    maps = write_maps(*arrays, tokenizer.get_vocab_size(), sorted({*alphabet, *special}), args.out)
    for language, found in maps.items():
        print(f"{language}: {len(found['ids'])} ids; held-out coverage by share of the vocabulary {found['coverage']}")


def _export(args: argparse.Namespace) -> None:
    state = load_checkpoint(args.run)
    readme = args.corpus / "README.md"
    if not readme.is_file():
        raise UserError(f"{readme} does not exist; the model cards take the licences from it.")
    record = {
        "hardware": args.hardware or f"a {os.cpu_count()}-core {platform.machine()} CPU",
        "date": datetime.date.today().isoformat(),
        "corpus_notice": corpus_notice(readme.read_text(encoding="utf-8")),
    }
    export_run(state, load_tokenizer(args.tokenizer), args.out, record)


def _existing(corpus: Path) -> None:
    if not corpus.is_dir():
        raise UserError(f"Corpus folder {corpus} does not exist.")


def _writable(folder: Path) -> None:
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise UserError(f"Cannot write to {folder}: {error.strerror}.") from error
    if not os.access(folder, os.W_OK):
        raise UserError(f"Cannot write to {folder}.")
