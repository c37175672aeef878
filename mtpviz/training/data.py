"""Token arrays of the corpus and the windows cut from them."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import torch
from tokenizers import Tokenizer
from torch import Tensor

from mtpviz.training.corpus import DOMAINS, read_documents
from mtpviz.training.tokenizer import END_OF_TEXT

# Of a domain's validation file, for the cards: the same windows for every run.
HELD_OUT_ROWS, HELD_OUT_LENGTH = 4, 512


def load_tokens(
    corpus: Path, cache: Path, tokenizer: Tokenizer, domain: str, split: str, *, seed: int = 0
) -> np.ndarray:
    """All documents of one corpus file in a seeded random order as one uint16 array (N,), an end-of-text
    before each and at the end.

    The array is kept in `cache` as .npy under a name that holds the tokenizer's hash, and memory-mapped from
    there.
    """
    digest = hashlib.sha256(tokenizer.to_str().encode("utf-8")).hexdigest()[:8]
    path = cache / f"{domain}_{split}_{digest}_{seed}.npy"
    if not path.is_file():
        texts = [text for text, _ in read_documents(corpus, domain, split)]
        order = np.random.default_rng(seed).permutation(len(texts))
        tokens = encode_documents(tokenizer, [texts[i] for i in order])
        cache.mkdir(parents=True, exist_ok=True)
        partial = path.with_suffix(".partial.npy")
        np.save(partial, tokens)
        partial.replace(path)
    return np.load(path, mmap_mode="r")


def load_all(
    corpus: Path, cache: Path, tokenizer: Tokenizer, domains: Iterable[str], split: str
) -> dict[str, np.ndarray]:
    """`load_tokens` of several domains side by side: unpacking holds one core each, tokenizing takes all."""
    names = list(domains)
    with ThreadPoolExecutor(len(names)) as pool:
        arrays = pool.map(lambda name: load_tokens(corpus, cache, tokenizer, name, split), names)
        return dict(zip(names, arrays, strict=True))


def encode_documents(tokenizer: Tokenizer, texts: list[str]) -> np.ndarray:
    """Token ids of `texts`, an end-of-text token before each and after the last; uint16 (N,)."""
    end = np.array([tokenizer.token_to_id(END_OF_TEXT)], dtype=np.uint16)
    parts = [end]
    for start in range(0, len(texts), 512):
        for encoding in tokenizer.encode_batch_fast(texts[start : start + 512], add_special_tokens=False):
            parts += [np.array(encoding.ids, dtype=np.uint16), end]
    return np.concatenate(parts)


class TokenStream:
    """Windows of tokens, each from one domain, in a fixed mix; a pass over a domain repeats no token.

    Rows take domains in turn, always the one furthest behind its share, so every batch is close to the mix. A
    domain is read front to back and starts over at its end, shifted by half a window. The whole state is
    `state`, plain numbers.
    """

    def __init__(self, arrays: Mapping[str, np.ndarray], mix: Mapping[str, float]):
        self.arrays = arrays
        self.mix = {domain: share / sum(mix.values()) for domain, share in mix.items()}
        self.state = {domain: {"cursor": 0, "taken": 0} for domain in self.mix}

    def batch(self, rows: int, length: int, extra: int) -> Tensor:
        """(rows, length + extra) int64: `length` inputs, and the `extra` tokens after them that are only
        predicted.
        """
        return torch.from_numpy(np.stack([self._window(length, extra) for _ in range(rows)]))

    def _window(self, length: int, extra: int) -> np.ndarray:
        domain = min(self.mix, key=lambda name: self.state[name]["taken"] / self.mix[name])
        tokens, place = self.arrays[domain], self.state[domain]
        if place["cursor"] + length + extra > len(tokens):
            place["cursor"] = length // 2
        start = place["cursor"]
        place["cursor"] += length
        place["taken"] += length
        return tokens[start : start + length + extra].astype(np.int64)


def held_out_windows(
    corpus: Path, cache: Path, tokenizer: Tokenizer, *, rows: int, length: int, extra: int
) -> dict[str, Tensor]:
    """The first `rows` windows of every domain's validation file, fixed for all runs: {domain: (rows, length
    + extra)}.
    """
    windows = {}
    for domain in DOMAINS:
        tokens = load_tokens(corpus, cache, tokenizer, domain, "val")
        stream = TokenStream({domain: tokens}, {domain: 1.0})
        windows[domain] = stream.batch(min(rows, (len(tokens) - extra) // length), length, extra)
    return windows
