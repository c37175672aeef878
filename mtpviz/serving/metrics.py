"""Prometheus text pages, and what grew between two of them."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence

_SAMPLE = re.compile(r"([A-Za-z_:][\w:]*)(?:\{(.*)\})?\s+(\S+)(?:\s+-?\d+)?\s*")
_LABEL = re.compile(r'([A-Za-z_]\w*)\s*=\s*"((?:[^"\\]|\\.)*)"')


def read(page: str, names: Sequence[str]) -> dict[str, float]:
    """The samples of these names, each summed over its labels (engines, models); by name, only those on the page.

    A label `position` keeps its samples apart: they are called "name 0", "name 1", ... Lines that are no sample are
    passed over (Prometheus text format 0.0.4)."""
    found: dict[str, float] = {}
    for line in page.splitlines():
        match = _SAMPLE.fullmatch(line)
        if match is None or match[1] not in names:
            continue
        try:
            value = float(match[3])
        except ValueError:
            continue
        labels = dict(_LABEL.findall(match[2] or ""))
        name = f"{match[1]} {labels['position']}" if "position" in labels else match[1]
        found[name] = found.get(name, 0.0) + value
    return found


def growth(before: Mapping[str, float], after: Mapping[str, float]) -> dict[str, int]:
    """By how much each counter grew; one that was not there before started at 0."""
    return {name: round(value - before.get(name, 0.0)) for name, value in after.items()}


def positions(grown: Mapping[str, int], name: str) -> list[int]:
    """The values of "name 0", "name 1", ... as a list."""
    values = []
    while f"{name} {len(values)}" in grown:
        values.append(grown[f"{name} {len(values)}"])
    return values
