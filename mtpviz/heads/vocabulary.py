"""Language-aware vocabulary compression: the draft scores only the tokens that its language uses.

FR-Spec (Zhao et al. 2025) and FastMTP (section 3.3): the draft's unembedding is cut to a frequency-ranked set of ids.
Verification keeps the full vocabulary, so nothing is lost but the drafts that lie outside. The maps are those of a
model folder's `vocabulary/{language}.json`; the language is read off the prompt.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import numpy as np

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
    path = folder / f"{language}.json" if folder else None
    if path is None or not path.is_file():
        return None
    try:
        described = json.loads(path.read_text(encoding="utf-8"))
        ids = np.unique(np.array(described["ids"], np.int64))
        made_for = int(described["vocab"])
    except (OSError, ValueError, KeyError, TypeError):
        raise UserError(f"{path} is no vocabulary map; it must hold a list of token ids.") from None
    if made_for != vocab or not len(ids) or ids[0] < 0 or ids[-1] >= vocab:
        raise UserError(f"The vocabulary map {path} is for {made_for} tokens; this model has {vocab}.")
    return ids
