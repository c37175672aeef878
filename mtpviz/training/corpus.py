"""The corpus on disk: `{domain}_{split}.jsonl.xz`, one document a line, `{"text": ..., "src": ...}`."""

from __future__ import annotations

import json
import lzma
from collections.abc import Iterator
from pathlib import Path

from mtpviz.errors import UserError

DOMAINS = ("tales", "stories", "chat", "python", "zh")
SPLITS = ("train", "val")


def read_documents(corpus: Path, domain: str, split: str) -> Iterator[tuple[str, str]]:
    """Yield (text, source) of every document of one file, in the order of the file.

    Raises UserError if the file is missing or is not xz-compressed JSON Lines of the expected form.
    """
    path = corpus / f"{domain}_{split}.jsonl.xz"
    if not path.is_file():
        raise UserError(f"Corpus file {path} does not exist.")
    try:
        with lzma.open(path, "rt", encoding="utf-8") as lines:
            for line in lines:
                document = json.loads(line)
                yield document["text"], document.get("src", "")
    except (lzma.LZMAError, EOFError, UnicodeDecodeError, json.JSONDecodeError, KeyError, TypeError) as error:
        raise UserError(f"Corpus file {path} is damaged or of another format: {error}.") from error
