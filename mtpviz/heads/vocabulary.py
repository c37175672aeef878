"""Language-aware vocabulary compression: the draft scores only the tokens that its language uses.

FR-Spec (Zhao et al. 2025) and FastMTP (section 3.3): the draft's unembedding is cut to a frequency-ranked set of ids.
Verification keeps the full vocabulary, so nothing is lost but the drafts that lie outside. The maps are those of a
model folder's `vocabulary/{language}.json`, or `.pt` as FR-Spec publishes them; the language is read off the prompt.
"""

from __future__ import annotations

import json
import pickle
import re
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import numpy as np
import torch

from mtpviz.errors import UserError

FULL = "full"
LANGUAGES = ("en", "zh", "code")
_CJK = re.compile(r"[\u3400-\u9fff]")
_LETTER = re.compile(r"[^\W\d_]")
_CODE = re.compile(r"^\s*(def |class |import |from \S+ import |return\b|for .*:$|if .*:$|@\w)|\bself\.|\w\(\):|[=!]=",
                   re.MULTILINE)


def language_of(text: str) -> str:
    """"zh" where a fifth of the letters are Chinese, "code" where a line looks like Python, else "en"."""
    letters = len(_LETTER.findall(text))
    if letters and len(_CJK.findall(text)) >= 0.2 * letters:
        return "zh"
    return "code" if _CODE.search(text) else "en"


@dataclass(frozen=True)
class Ranking:
    """A language's tokens by falling frequency. ids: the kept ones, so ranked. vocab: tokens of the whole vocabulary.
    coverage: (size, share of held-out text) as counted when the map was made. counted: tokens that were counted."""

    language: str
    ids: tuple[int, ...]
    vocab: int
    coverage: tuple[tuple[int, float], ...]
    counted: int


@cache
def rankings(folder: Path) -> dict[str, Ranking]:
    """The rankings of a model folder's maps, by language; UserError for a damaged one."""
    found = {}
    for language in LANGUAGES:
        path = folder / f"{language}.json"
        if not path.is_file():
            continue
        try:
            told = json.loads(path.read_text(encoding="utf-8"))
            points = sorted((round(float(share) * told["vocab"]), float(part)) for share, part in
                            told["coverage"].items())
            found[language] = Ranking(language, tuple(map(int, told["ids"])), int(told["vocab"]), tuple(points),
                                      int(told["tokens"]))
        except (OSError, ValueError, KeyError, TypeError, AttributeError):
            raise UserError(f"{path} is no vocabulary map; it must hold ranked token ids and their coverage.") from None
    return found


def load_map(folder: Path | None, language: str, vocab: int) -> np.ndarray | None:
    """The kept ids of a language, int64 and ascending, or None where the model has no such map.

    UserError for a damaged map and for one of another vocabulary.
    """
    paths = [folder / f"{language}{suffix}" for suffix in (".json", ".pt")] if folder else []
    path = next((path for path in paths if path.is_file()), None)
    if path is None:
        return None
    try:
        if path.suffix == ".pt":  # FR-Spec's format: a bare list
            made_for, ids = vocab, torch.load(path, weights_only=True)
        else:
            described = json.loads(path.read_text(encoding="utf-8"))
            made_for, ids = int(described["vocab"]), described["ids"]
        ids = np.unique(np.array(ids, np.int64))
    except (OSError, ValueError, KeyError, TypeError, RuntimeError, EOFError, pickle.UnpicklingError):
        raise UserError(f"{path} is no vocabulary map; it must hold a list of token ids.") from None
    if made_for != vocab:
        raise UserError(f"The vocabulary map {path} is for {made_for} tokens; this model has {vocab}.")
    if not len(ids) or ids[0] < 0 or ids[-1] >= vocab:
        raise UserError(f"The vocabulary map {path} must list ids from 0 to {vocab - 1}.")
    return ids
