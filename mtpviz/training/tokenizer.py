"""Byte-level BPE tokenizer of the bundled model, trained on a balanced sample of the corpus.

Byte-level BPE: Radford et al. 2019 (GPT-2), section 2.2. Every byte is in the base alphabet, so any text
round-trips exactly. Digits are split one by one: with 16,384 tokens there is no room for the 1,110 numbers of
up to three digits, and single digits give arithmetic and line numbers one fixed layout. Whitespace is kept in
runs (n blanks before a word split into n - 1 blanks and " word"), so the indentation of Python is one token a
line.
"""

from __future__ import annotations

import json
import random
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path

from tokenizers import Regex, Tokenizer, decoders, models, pre_tokenizers, trainers

from mtpviz.errors import UserError
from mtpviz.training.corpus import read_documents

VOCAB_SIZE = 16_384
END_OF_TEXT = "<|endoftext|>"
PAD = "<|pad|>"
CONTEXT = 1024

# Share of each domain in the sample, by bytes of UTF-8.
SAMPLE_MIX = {"tales": 0.08, "stories": 0.25, "chat": 0.22, "python": 0.25, "zh": 0.20}

# Words with an optional leading blank, single digits, runs of punctuation, line ends with what precedes them,
# blanks. Han characters are \p{L} and form long "words" without blanks; BPE merges inside them.
SPLIT = (
    r"'(?:[sdmt]|ll|ve|re)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+"
)


def train_tokenizer(
    corpus: Path, *, sample_bytes: int = 60_000_000, mix: Mapping[str, float] = SAMPLE_MIX, seed: int = 0
) -> Tokenizer:
    """Train a byte-level BPE of `VOCAB_SIZE` tokens on `sample_bytes` bytes of the training files in
    `corpus`.

    `<|endoftext|>` (begin and end of a text) is id 0 and `<|pad|>` id 1. Raises UserError if a corpus file is
    missing.
    """
    return train_on_texts(_sample(corpus, sample_bytes, mix, seed), VOCAB_SIZE)


def train_on_texts(texts: Iterable[str], vocab_size: int) -> Tokenizer:
    """Train a byte-level BPE of at most `vocab_size` tokens on `texts`."""
    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.Sequence(
        [
            pre_tokenizers.Split(Regex(SPLIT), behavior="isolated"),
            pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False),
        ]
    )
    tokenizer.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=vocab_size,
        special_tokens=[END_OF_TEXT, PAD],
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
        max_token_length=32,
        show_progress=False,
    )
    tokenizer.train_from_iterator(texts, trainer)
    return tokenizer


def save_tokenizer(tokenizer: Tokenizer, folder: Path) -> None:
    """Write tokenizer.json and tokenizer_config.json so that transformers' AutoTokenizer loads `folder`."""
    folder.mkdir(parents=True, exist_ok=True)
    tokenizer.save(str(folder / "tokenizer.json"))
    config = {
        "tokenizer_class": "PreTrainedTokenizerFast",
        "model_max_length": CONTEXT,
        "bos_token": END_OF_TEXT,
        "eos_token": END_OF_TEXT,
        "pad_token": PAD,
        "add_bos_token": False,
        "clean_up_tokenization_spaces": False,
    }
    (folder / "tokenizer_config.json").write_text(json.dumps(config, indent=2) + "\n", encoding="utf-8")


def load_tokenizer(folder: Path) -> Tokenizer:
    """Load tokenizer.json of `folder`; raises UserError if it is missing."""
    path = folder / "tokenizer.json"
    if not path.is_file():
        raise UserError(f"No tokenizer.json in {folder}: run `python -m mtpviz train tokenizer` first.")
    return Tokenizer.from_file(str(path))


def _sample(corpus: Path, sample_bytes: int, mix: Mapping[str, float], seed: int) -> Iterator[str]:
    """Random documents of each domain until its share of `sample_bytes` is reached (all of it if it is
    smaller).
    """
    for domain, share in mix.items():
        texts = [text for text, _ in read_documents(corpus, domain, "train")]
        random.Random(seed).shuffle(texts)
        left = share * sample_bytes
        for text in texts:
            if left <= 0:
                break
            left -= len(text.encode("utf-8"))
            yield text
