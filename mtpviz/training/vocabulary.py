"""Frequency-ranked sub-vocabularies per language, for drafts with a compressed head (FR-Spec; FastMTP, section 3.3).

Counted over the text of the language's domains: best over what the target itself writes (VocabTrim's finding), else
over a corpus. A file holds the ids by falling frequency, so every prefix is a valid smaller map, and the coverage that
some prefixes reach on held-out text.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path

import numpy as np
from tokenizers import Tokenizer
from tokenizers.pre_tokenizers import ByteLevel

from mtpviz.errors import UserError

# Language -> the corpus's domains it is counted over, and the share of the vocabulary that is kept: FastMTP's ratios
# for English and Chinese (32k and 16k of 152k); code, with its long tail of names, gets a quarter.
LANGUAGES = {"en": (("tales", "stories", "chat"), 0.21), "zh": (("zh",), 0.11), "code": (("python",), 0.25)}
COVERED = (0.05, 0.11, 0.21, 0.25, 0.5)  # shares of the vocabulary whose coverage is told


def write_maps(
    train: Mapping[str, np.ndarray], held_out: Mapping[str, np.ndarray], vocab: int, forced: list[int], out: Path,
    source: str
) -> dict[str, dict]:
    """Write `out`/{language}.json; train and held_out map a domain to its token ids (N,). `forced` ids (special tokens,
    single bytes) come first in every map, whatever their frequency. source: in words, where the texts are from. Returns
    what was written, by language. UserError where a language has no text to count, or none to judge its map on."""
    out.mkdir(parents=True, exist_ok=True)
    maps = {}
    for language, (domains, share) in LANGUAGES.items():
        counts, unseen = _counts(train, domains, vocab), _counts(held_out, domains, vocab)
        if not counts.any() or not unseen.any():
            raise UserError(f"There is no text of {' or '.join(domains)} to count the map {language!r} over, or none "
                            "to judge it on; both need some.")
        ids = rank(counts, forced)
        kept = round(share * vocab)
        coverage = {f"{part:g}": round(float(unseen[ids[: round(part * vocab)]].sum() / unseen.sum()), 4)
                    for part in COVERED}
        maps[language] = {"language": language, "counted_over": list(domains), "source": source,
                          "tokens": int(counts.sum()), "vocab": vocab, "coverage": coverage, "ids": ids[:kept].tolist()}
        (out / f"{language}.json").write_text(json.dumps(maps[language], separators=(",", ":")) + "\n")
    return maps


def forced_ids(tokenizer: Tokenizer) -> list[int]:
    """Ids that every map holds: single bytes and special tokens."""
    alphabet = [tokenizer.token_to_id(letter) for letter in ByteLevel.alphabet()]
    special = [index for index, token in tokenizer.get_added_tokens_decoder().items() if token.special]
    return sorted({id for id in (*alphabet, *special) if id is not None})


def rank(counts: np.ndarray, forced: list[int]) -> np.ndarray:
    """All ids, the forced ones first, then by falling count; of equals the smaller id."""
    order = np.argsort(-counts, kind="stable")
    return np.concatenate([np.array(forced, np.int64), order[~np.isin(order, forced)]])


def _counts(arrays: Mapping[str, np.ndarray], domains: tuple[str, ...], vocab: int) -> np.ndarray:
    return sum((np.bincount(arrays[domain], minlength=vocab) for domain in domains if domain in arrays),
               np.zeros(vocab, np.int64))
