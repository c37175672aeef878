"""What `bench scale` measured: the price of passes and drafts of one model on one card, by batch and context.

Reports lie in assets/benchmarks/scale-*.json; bench/scale.py writes them and says what was timed. The what-if takes its
prices from here where there are any for the card and the model that are asked for.
"""

from __future__ import annotations

import functools
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from mtpviz.analysis.cards import card_in
from mtpviz.analysis.cost import pass_ms

FOLDER = Path(__file__).resolve().parents[2] / "assets" / "benchmarks"


@dataclass(frozen=True)
class Point:
    """Measured at `batch` sequences of `context` committed positions each. pass_ms: of a pass, by the rows of each
    sequence, 1 being a plain step's. draft_ms: of drafting, by the length of the chain."""

    batch: int
    context: int
    pass_ms: Mapping[int, float]
    draft_ms: Mapping[int, float]

    def speedup(self, length: int, tau: float) -> float:
        """Over plain steps of the same batch, of a chain of `length` that yields `tau` tokens per pass."""
        return tau * self.pass_ms[1] / (self.pass_ms[length + 1] + self.draft_ms[length])

    def best(self, reach: Sequence[float]) -> tuple[float, int]:
        """The highest speedup and the length of its chain, 0 where not drafting is best. reach: share of the steps
        whose first 1, 2, ... drafts were all accepted; deeper than measured, none."""
        lengths = [length for length in self.draft_ms if length + 1 in self.pass_ms]
        found = [(self.speedup(length, 1.0 + sum(reach[:length])), length) for length in lengths]
        return max([(1.0, 0), *found])


@dataclass(frozen=True)
class Scaling:
    """One report. model: a name of passes.MODELS. hardware: what the card calls itself. date: of the measurement."""

    model: str
    hardware: str
    date: str
    points: tuple[Point, ...]

    @classmethod
    def of(cls, document: dict) -> Scaling:
        """From a report's JSON."""
        told = document["scale"]
        points = tuple(Point(entry["batch"], entry["context"], *(
            {int(key): float(ms) for key, ms in entry[name].items()} for name in ("pass_ms", "draft_ms")))
            for entry in told["points"])
        return cls(told["model"], document["environment"]["hardware"], document["environment"]["date"][:10], points)

    def pass_ms(self, batch: int, rows: float, context: float) -> float | None:
        """Milliseconds of a pass over `rows` rows of each of `batch` sequences: straight lines between what was
        measured, the nearest context where it is shorter than all; None beyond the largest batch or context."""
        contexts = sorted({point.context for point in self.points})
        above = next((c for c in contexts if c >= context), None)
        if above is None:
            return None
        below = max((c for c in contexts if c <= context), default=above)
        ends = [self._at(c, batch, rows) for c in (below, above)]
        if None in ends:
            return None
        share = (context - below) / (above - below) if above > below else 0.0
        return ends[0] + share * (ends[1] - ends[0])

    def _at(self, context: int, batch: int, rows: float) -> float | None:
        by_batch = [(point.batch, pass_ms(rows, list(point.pass_ms.items())))
                    for point in self.points if point.context == context and max(point.pass_ms) >= rows]
        if not by_batch or batch > max(size for size, _ in by_batch) or batch < min(size for size, _ in by_batch):
            return None
        return pass_ms(batch, by_batch)


@functools.cache
def reports(folder: Path = FOLDER) -> tuple[Scaling, ...]:
    """All there are, the newest first."""
    found = [Scaling.of(json.loads(path.read_text(encoding="utf-8"))) for path in folder.glob("scale-*.json")]
    return tuple(sorted(found, key=lambda one: one.date, reverse=True))


def measured(card: str, model: str) -> Scaling | None:
    """The newest report of a card (a name of cards.CARDS) and a model (of passes.MODELS)."""
    return next((one for one in reports() if one.model == model and (found := card_in(one.hardware))
                 and found.name == card), None)


def reach_of(rows: Sequence[dict]) -> dict[str, list[float]]:
    """By drafter, the share of all steps whose first k drafts were all accepted, mean over rows (one a domain) of
    `bench strategies`. Of a drafter measured with `tree=chain` that lane alone; of an adaptive one a step without a
    draft counts as rejected, which is careful: it drafts where it is sure."""
    chains = {row["strategy"].partition(":")[0] for row in rows if "tree=chain" in row["strategy"]}
    found: dict[str, list[list[float]]] = {}
    for row in rows:
        name = row["strategy"].partition(":")[0]
        if name not in chains or "tree=chain" in row["strategy"]:
            found.setdefault(name, []).append([row["drafted"] * (share or 0.0) for share in row["prefix"]])
    deepest = {name: max(map(len, lists)) for name, lists in found.items()}
    return {name: [sum(one[k] if k < len(one) else 0.0 for one in lists) / len(lists) for k in range(deepest[name])]
            for name, lists in found.items() if deepest[name]}
