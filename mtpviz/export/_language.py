"""The language that an export speaks: the page's own sentences (mtpviz/strings, mtpviz/chinese)."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from mtpviz.analysis.lanes import lane_names
from mtpviz.chinese import CHINESE
from mtpviz.chinese.figures import translated
from mtpviz.errors import UserError
from mtpviz.strings import STRINGS, filled
from mtpviz.trace import Trace


@dataclass(frozen=True)
class Language:
    """name: "en" or "zh". tag: what a document says of itself. sentences: by name; what other rooms say in English
    stands under "=" and that English."""

    name: str
    tag: str
    sentences: Mapping[str, str]

    def say(self, sentence: str, **values: object) -> str:
        """The sentence of that name, with its values filled in."""
        return filled(self.sentences[sentence], values)

    def word(self, text: str) -> str:
        """What another room says in English, as far as it is known in this language."""
        return self.sentences.get(f"={text}", text)

    def lanes(self, traces: Sequence[Trace]) -> list[str]:
        """The lanes' names; the number that tells two of one name apart stays."""
        parts = (re.fullmatch(r"(.*?)( \(\d+\))?", name, re.DOTALL) for name in lane_names(traces))
        return [self.word(part[1]) + (part[2] or "") for part in parts]

    def figure(self, plain: dict) -> dict:
        """A figure of mtpviz/plots (as `to_plotly_json` has it) with its words in this language."""
        return translated(plain) if self.name == "zh" else plain


LANGUAGES = {"en": Language("en", "en-GB", STRINGS), "zh": Language("zh", "zh-CN", {**STRINGS, **CHINESE})}


def language_of(name: str) -> Language:
    """The language called "en" or "zh"."""
    if name not in LANGUAGES:
        raise UserError(f"There is no language {name!r}; the known ones are {', '.join(LANGUAGES)}.")
    return LANGUAGES[name]
