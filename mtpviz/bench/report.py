"""What a suite finds: tables and goals with the machine they were measured on, as JSON and as Markdown."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path

from mtpviz.errors import UserError


@dataclass(frozen=True)
class Spread:
    """Median and quartiles of `n` measurements of one thing."""

    median: float
    q1: float
    q3: float
    n: int

    def __str__(self) -> str:
        return f"{_cell(self.median)} [{_cell(self.q1)}, {_cell(self.q3)}]"


@dataclass(frozen=True)
class Table:
    """rows: dicts with the same keys, which head the columns; values are texts, numbers, Spreads, lists or None.
    note: definitions and reservations, one paragraph."""

    title: str
    rows: Sequence[dict]
    note: str = ""

    def markdown(self) -> str:
        """The table, its title above and its note below."""
        if not self.rows:
            return f"### {self.title}\n\nNothing to show. {self.note}".rstrip()
        columns = list(self.rows[0])
        lines = [columns, ["---"] * len(columns), *([_cell(row[name]) for name in columns] for row in self.rows)]
        body = "\n".join("| " + " | ".join(line) + " |" for line in lines)
        return f"### {self.title}\n\n{body}" + (f"\n\n{self.note}" if self.note else "")


@dataclass(frozen=True)
class Goal:
    """what: the figure. wanted: in words. measured: the figure itself. met: None where it could not be judged."""

    what: str
    wanted: str
    measured: float | Spread | None
    met: bool | None


@dataclass
class Report:
    """suite: its name. environment: see machine.environment. passed: whether the suite's own check held (bench
    lossless); speed goals that were not met do not make a report fail."""

    suite: str
    environment: dict
    tables: list[Table] = field(default_factory=list)
    goals: list[Goal] = field(default_factory=list)
    passed: bool = True

    def document(self) -> dict:
        """JSON-ready data."""
        return asdict(self)

    def markdown(self) -> str:
        """The report as a person reads it."""
        e = self.environment
        model = f"{e['model']['name']} ({e['model']['parameters'] / 1e6:.1f}M, {e['model']['hash']})"
        parts = [f"## bench {self.suite}", f"{model} on {e['hardware']}, {e['dtype']}, {e['date']}"]
        if e["disturbed"]:
            parts.append(f"**Other work was running (load {e['load']:.1f} before the start): times are disturbed.**")
        if self.goals:
            rows = [{"goal": g.what, "wanted": g.wanted, "measured": g.measured,
                     "": {True: "met", False: "**not met**", None: "not judged"}[g.met]} for g in self.goals]
            parts.append(Table("Goals", rows).markdown())
        return "\n\n".join([*parts, *(table.markdown() for table in self.tables)]) + "\n"

    def write(self, path: Path) -> None:
        """Write a .json or a .md file."""
        text = self.markdown() if path.suffix == ".md" else json.dumps(self.document(), ensure_ascii=False, indent=1)
        try:
            path.write_text(text, encoding="utf-8")
        except OSError as error:
            raise UserError(f"{path} can't be written ({error.strerror or error}).") from None


def _cell(value: object) -> str:
    if value is None:
        return "-"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, float):
        return f"{value:.3g}" if abs(value) < 1000 else f"{value:.0f}"
    if isinstance(value, list | tuple):
        return " ".join(_cell(entry) for entry in value) or "-"
    return str(value).replace("|", "\\|")
