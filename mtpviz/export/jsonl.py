"""Traces as JSON Lines: mtpviz's own format, whole; a name that ends in .gz is compressed. See mtpviz/trace."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from mtpviz.trace import Trace, dump

SUFFIX = ".jsonl"


def write(traces: Sequence[Trace], path: str | Path) -> None:
    """Write the traces whole, times to 4 decimals and probabilities to 4 digits; `export.read` gives them back."""
    dump(traces, path)
