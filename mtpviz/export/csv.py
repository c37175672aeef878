"""Tokens or steps as CSV, for a spreadsheet or pandas."""

from __future__ import annotations

import csv
from collections.abc import Sequence
from pathlib import Path

from mtpviz.analysis.steps import steps
from mtpviz.analysis.tokens import tokens
from mtpviz.errors import UserError
from mtpviz.trace import Trace

SUFFIX = ".csv"
TABLES = {"tokens": tokens, "steps": steps}


def write(traces: Sequence[Trace], path: str | Path, table: str = "tokens") -> None:
    """Write one row per token ("tokens") or per step ("steps"); the columns are those of analysis.tokens and .steps.

    UTF-8; texts stand in quotes with nothing escaped but the quote. Read them with `keep_default_na=False`, or pandas
    takes a token "NA" for a missing value.
    """
    if table not in TABLES:
        raise UserError(f"There is no table {table!r}; the known ones are {', '.join(TABLES)}.")
    TABLES[table](traces).to_csv(path, index=False, quoting=csv.QUOTE_NONNUMERIC, lineterminator="\n", encoding="utf-8")
