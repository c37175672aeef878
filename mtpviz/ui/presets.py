"""The prompts that the page offers, by domain: one file in assets/prompts/ each."""

from __future__ import annotations

import json
from pathlib import Path

FOLDER = Path(__file__).resolve().parents[2] / "assets" / "prompts"


def presets(folder: Path = FOLDER) -> list[dict]:
    """[{"label", "about", "prompts": [text, ...]}] in the order of the file names; "tokens" where a preset wants a
    length of its own."""
    return [json.loads(path.read_text(encoding="utf-8")) for path in sorted(folder.glob("*.json"))]
