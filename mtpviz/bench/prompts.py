"""Prompts of the benchmark by domain: held-out texts that are bundled, a few written for it, or a JSON Lines file's."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from mtpviz.errors import UserError
from mtpviz.models.catalogue import ASSETS


@dataclass(frozen=True)
class Prompt:
    """id: names it in reports. domain: what kind of text it is. text: what the model goes on from."""

    id: str
    domain: str
    text: str


_TALES = (
    "Once upon a time there was a little fox named Rusty who lived under an old oak tree. One day, Rusty found a shiny",
    "There was a girl called Mia. Mia had a kite with a long tail. On a windy morning she went to the hill and",
    "Tom and his sister Lily wanted to bake a cake for their mother. They went to the kitchen and",
    "A small blue boat lived in the harbour. Every night it dreamed of the wide sea. One evening an old gull said,",
)
_STORIES = (
    "The rain had not stopped for three days when the stranger knocked at the door of the inn. The landlord, who was",
    "My uncle had been a captain in his youth, and he never spoke of the island without lowering his voice. That night",
    "In the last house of the village, where the road turns towards the forest, there lived an old clockmaker who",
    "\"You must not open that letter,\" said the notary, and he laid his hand upon it. The young man looked at him and",
)
_CHAT = (
    "User: What can I cook with rice, eggs and an onion?\nAssistant:",
    "User: I am looking for a cheap restaurant in the centre of town. Can you help me?\nAssistant:",
    "User: A train goes 60 miles per hour for 2 hours and then 30 miles per hour for 3 hours. How far does it go?"
    "\nAssistant:",
    "User: What are the symptoms of a cold?\nAssistant:",
)
_PYTHON = (
    "import os\nimport sys\n\n\ndef read_lines(path):\n"
    "    \"\"\"Return the lines of a text file without line feeds.\"\"\"\n",
    "class Stack:\n    \"\"\"A last-in, first-out container.\"\"\"\n\n"
    "    def __init__(self):\n        self.items = []\n\n    def push(self, item):\n",
    "import unittest\n\nfrom collections import Counter\n\n\nclass CounterTest(unittest.TestCase):\n\n"
    "    def test_empty(self):\n",
    "import argparse\n\n\ndef main():\n    parser = argparse.ArgumentParser(description=__doc__)\n"
    "    parser.add_argument(\"--input\", type=str, required=True, help=\"the file to read\")\n",
)
_ZH = (
    "从前，在一座高山脚下住着一位老人。一天早上，他",
    "本文介绍如何在应用程序中添加表单验证。首先，",
    "却说孔明闻报，大喜曰：“此天助我也。”遂",
    "问：感冒了应该怎么办？\n答：",
)
_REPETITIVE = (
    "class Point:\n    def __init__(self, x, y, z):\n        self._x = x\n        self._y = y\n        self._z = z\n\n"
    "    @property\n    def x(self):\n        \"\"\"The x coordinate.\"\"\"\n        return self._x\n\n    @x.setter\n"
    "    def x(self, value):\n        self._x = value\n\n    @property\n    def y(self):\n"
    "        \"\"\"The y coordinate.\"\"\"\n        return self._y\n\n    @y.setter\n    def y(self, value):\n",
    "def test_add_one():\n    result = calculator.add(1, 2)\n    assert result == 3\n\n\ndef test_add_two():\n"
    "    result = calculator.add(2, 2)\n    assert result == 4\n\n\ndef test_subtract_one():\n"
    "    result = calculator.subtract(5, 2)\n    assert result == 3\n\n\ndef test_subtract_two():\n",
    "The wolf asked the hen, \"Will you help me carry the corn?\" \"Not I,\" said the hen.\n"
    "The wolf asked the cat, \"Will you help me carry the corn?\" \"Not I,\" said the cat.\n"
    "The wolf asked the dog, \"Will you help me carry the corn?\" \"Not I,\" said the dog.\n"
    "The wolf asked the pig, \"Will you help me carry the corn?\"",
    "parser.add_argument(\"--width\", type=int, default=640, help=\"width of the image in pixels\")\n"
    "parser.add_argument(\"--height\", type=int, default=480, help=\"height of the image in pixels\")\n"
    "parser.add_argument(\"--depth\", type=int, default=24, help=\"depth of the image in bits\")\n"
    "parser.add_argument(\"--left\", type=int, default=0, help=\"left edge of the image in pixels\")\n",
)
_DOMAINS = {"tales": _TALES, "stories": _STORIES, "chat": _CHAT, "python": _PYTHON, "zh": _ZH,
            "repetitive": _REPETITIVE}
BUILT_IN = tuple(Prompt(f"{domain}-{i}", domain, text)
                 for domain, texts in _DOMAINS.items() for i, text in enumerate(texts, 1))


def load(path: str | Path) -> list[Prompt]:
    """Prompts of a JSON Lines file whose records have `id`, `domain` and `prompt`; others of their fields are
    passed over. UserError says which line is wrong."""
    try:
        lines = Path(path).read_text(encoding="utf-8").split("\n")
    except (OSError, ValueError) as error:
        why = getattr(error, "strerror", None) or "no UTF-8"
        raise UserError(f"The prompts in {path} can't be read ({why}).") from None
    prompts = []
    for number, line in enumerate(lines, 1):
        if line.strip():
            try:
                record = json.loads(line)
                prompts.append(Prompt(str(record["id"]), str(record["domain"]), str(record["prompt"])))
            except (ValueError, KeyError, TypeError):
                raise UserError(f"Line {number} of {path} is no JSON object with id, domain and prompt.") from None
    return prompts


def usual() -> Sequence[Prompt]:
    """Twenty openings of each domain from texts that no bundled model was trained on; BUILT_IN where these are missing.

    They come from the sources that the target's model card lists (`src`), under their licences.
    """
    path = ASSETS / "prompts" / "heldout.jsonl"
    return load(path) if path.is_file() else BUILT_IN


def select(prompts: Iterable[Prompt], domains: Sequence[str] | None, limit: int | None) -> dict[str, list[Prompt]]:
    """The first `limit` prompts of each of `domains` (None: all of either); UserError for an unknown domain."""
    by_domain: dict[str, list[Prompt]] = {}
    for prompt in prompts:
        by_domain.setdefault(prompt.domain, []).append(prompt)
    if unknown := [domain for domain in domains or () if domain not in by_domain]:
        raise UserError(f"There are no prompts of the domain {unknown[0]!r}; there are {', '.join(by_domain)}.")
    if limit is not None and limit < 1:
        raise UserError(f"The number of prompts per domain is {limit}; it must be at least 1.")
    return {domain: found[:limit] for domain, found in by_domain.items() if not domains or domain in domains}
