"""What commands print: one JSON document, tables, progress on a terminal's standard error."""

from __future__ import annotations

import json
import sys
import time
import unicodedata
from collections.abc import Sequence


def print_json(document: dict) -> None:
    """Print the one JSON document of a command."""
    sys.stdout.reconfigure(encoding="utf-8")
    print(json.dumps(document, ensure_ascii=False, allow_nan=False))


def printable(text: str) -> str:
    """Model text for a terminal: control characters, which could move the cursor or worse, as their pictures."""
    return "".join(c if c in "\n\t" or unicodedata.category(c) != "Cc" else _picture(c) for c in text)


def _picture(control: str) -> str:
    return chr(0x2400 + ord(control)) if ord(control) < 0x20 else "\ufffd"


def table(columns: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """Columns side by side, the first left-aligned, the others right-aligned."""
    widths = [max(len(line[i]) for line in (columns, *rows)) for i in range(len(columns))]
    return "\n".join("  ".join(cell.rjust(width) if i else cell.ljust(width)
                               for i, (cell, width) in enumerate(zip(line, widths, strict=True))).rstrip()
                     for line in (columns, *rows))


class Progress:
    """One line on standard error that is written over; where that is no terminal, a line every half minute."""

    def __init__(self):
        self.live = sys.stderr.isatty()
        self.shown = 0.0 if self.live else time.monotonic()

    def __call__(self, text: str) -> None:
        """Show `text`, on a terminal at most ten times a second."""
        if time.monotonic() - self.shown > (0.1 if self.live else 30.0):
            self.shown = time.monotonic()
            print(f"\r\x1b[K{text}" if self.live else text, end="" if self.live else "\n", file=sys.stderr, flush=True)

    def clear(self) -> None:
        """Take the line away."""
        if self.live and self.shown:
            print("\r\x1b[K", end="", file=sys.stderr, flush=True)
