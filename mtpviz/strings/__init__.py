"""Every English sentence that the page and the pictures say, by name (`interface`, `instruments`, `accounts`);
mtpviz/chinese is the translation.

`{name}` stands for a value, `[[term|text]]` for text with a term's definition behind it. The browser gets the same
dictionary (mtp.say in assets/web/js/dom.js). The definitions of terms are in assets/web/learn/glossary.json; here they
are called `term.NAME`, and the terms' own names `term.NAME.name`.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path

from mtpviz.errors import UserError
from mtpviz.strings.accounts import ACCOUNTS
from mtpviz.strings.instruments import INSTRUMENTS
from mtpviz.strings.interface import INTERFACE

GLOSSARY = Path(__file__).resolve().parents[2] / "assets" / "web" / "learn" / "glossary.json"


def terms(language: str) -> dict[str, str]:
    """The glossary in one language ("en" or "zh"), by the names that sentences have."""
    strings = {}
    for name, entry in json.loads(GLOSSARY.read_text(encoding="utf-8")).items():
        strings[f"term.{name}.name"], strings[f"term.{name}"] = entry[language]
    return strings


STRINGS = {**INTERFACE, **INSTRUMENTS, **ACCOUNTS, **terms("en")}


class Refusal(UserError):
    """Bad input, told by one of these sentences: str() is the English one, and the page says it in its own language."""

    def __init__(self, name: str, **values: object):
        super().__init__(say(name, **values))
        self.name, self.values = name, values


def say(name: str, **values: object) -> str:
    """The sentence called `name`, with its values filled in."""
    return filled(STRINGS[name], values)


def filled(text: str, values: Mapping[str, object]) -> str:
    """A sentence with its values in their places."""
    for key, value in values.items():
        text = text.replace("{" + key + "}", str(value))
    return text
