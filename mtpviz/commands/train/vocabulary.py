"""`train vocabulary`."""

from __future__ import annotations

import argparse
from pathlib import Path

from mtpviz.commands.train._options import existing, writable
from mtpviz.errors import UserError
from mtpviz.training.corpus import DOMAINS, SPLITS
from mtpviz.training.data import load_tokens
from mtpviz.training.selfdistill import read_texts
from mtpviz.training.tokenizer import load_tokenizer
from mtpviz.training.vocabulary import forced_ids, write_maps


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the command's options."""
    parser.add_argument("--texts", type=Path, help="folder of `train texts`, to count over what the target writes")
    parser.add_argument("--held-out", type=Path, help="folder of `train texts --held-out`, whose coverage is told")
    parser.add_argument("--corpus", type=Path, help="folder of {domain}_{train,val}.jsonl.xz, in place of --texts")
    parser.add_argument("--cache", type=Path, help="folder for the corpus' token arrays; by default OUT/cache")
    parser.add_argument("--tokenizer", type=Path, required=True, help="folder of tokenizer.json")
    parser.add_argument("--out", type=Path, required=True, help="folder for {language}.json")


def run(args: argparse.Namespace) -> None:
    """Write the maps and print their sizes and coverage."""
    if (args.texts is None) == (args.corpus is None) or (args.texts is None) != (args.held_out is None):
        raise UserError("Give what to count over: --texts with --held-out, or --corpus.")
    tokenizer = load_tokenizer(args.tokenizer)
    if args.texts:
        arrays = [read_texts(args.texts), read_texts(args.held_out)]
    else:
        corpus, cache = existing(args.corpus), args.cache or args.out / "cache"
        arrays = [{domain: load_tokens(corpus, cache, tokenizer, domain, split) for domain in DOMAINS}
                  for split in SPLITS]
    maps = write_maps(*arrays, tokenizer.get_vocab_size(), forced_ids(tokenizer), writable(args.out),
                      "the target's own texts" if args.texts else "the corpus")
    for language, found in maps.items():
        print(f"{language}: {len(found['ids'])} ids; held-out coverage by share of the vocabulary {found['coverage']}")
