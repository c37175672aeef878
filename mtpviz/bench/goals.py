"""What `bench strategies` is to show: speeds and acceptances that the drafters should reach, and whether they do."""

from __future__ import annotations

from collections.abc import Sequence

from mtpviz.bench.figures import NATURAL, auto_by_best
from mtpviz.bench.harness import BASELINE
from mtpviz.bench.report import Goal

LEAST_BY_NTP = 0.97  # of a drafter with an auto tree, on any domain
LEAST_BY_BEST = 0.95  # of auto, by the best other tree of the same drafter
LEAST_BY_PREDICTED = 0.9
TAUS = {"eagle3": 3.0, "fastmtp:tree=chain:depth=3": 2.6}
ORDER = ("eagle3", "eagle", "medusa")  # by tau
BEST_MEAN, BEST_TALES = 1.7, 2.5


def goals(rows: Sequence[dict], means: Sequence[dict], looping: Sequence[dict]) -> list[Goal]:
    """Of the rows of both temperatures, and the greedy means; not judged where nothing was measured."""
    drafters = [row for row in rows if row["strategy"] != BASELINE]
    every = [row for row in [*drafters, *looping] if _auto(row["strategy"])]
    found = [_worst("the slowest drafter against ntp, any domain, auto tree", LEAST_BY_NTP, "x ntp",
                    [(row["speedup"].median, row) for row in every if row["speedup"]])]
    compared = [*auto_by_best(drafters), *auto_by_best(looping)]  # a text that loops is another text
    if compared:
        found.append(_worst("auto against the best other tree of a drafter, any domain", LEAST_BY_BEST, "x",
                            [(row["auto by best"], row) for row in compared]))
    found.append(_worst("measured speedup against predicted, any domain", LEAST_BY_PREDICTED, "x",
                        [(row["ratio"], row) for row in drafters if row["ratio"] is not None]))
    greedy = {row["strategy"]: row for row in means if row["temperature"] == 0.0 and row["strategy"] != BASELINE}
    whole = {name: row for name, row in greedy.items() if len(row["domains"]) == len(NATURAL)}
    for name, least in TAUS.items():
        tau = whole[name]["tau"] if name in whole else None
        found.append(Goal(f"tau of {name}, greedy, natural domains", f"at least {least:g}", tau,
                          None if tau is None else tau >= least))
    for better, worse in zip(ORDER, ORDER[1:], strict=False):
        gap = whole[better]["tau"] - whole[worse]["tau"] if better in whole and worse in whole else None
        found.append(Goal(f"tau of {better} above {worse}'s", "above 0", gap, None if gap is None else gap > 0))
    for what, column, least, among in (("natural domains", "speedup", BEST_MEAN, whole),
                                       ("tales", "speedup, tales", BEST_TALES, greedy)):
        speeds = [(row[column], name) for name, row in among.items() if row[column] is not None]
        best, name = max(speeds, default=(None, ""))
        found.append(Goal(f"the best drafter, greedy, {what}{f' ({name})' if name else ''}", f"at least {least:g}x ntp",
                          best, None if best is None else best >= least))
    return found


def _auto(spec: str) -> bool:
    return spec != BASELINE and "tree=" not in spec.replace("tree=auto", "")


def _worst(what: str, least: float, unit: str, values: list[tuple[float, dict]]) -> Goal:
    value, row = min(values, key=lambda entry: entry[0], default=(None, None))
    where = f" ({row['strategy']}, {row['domain']}, temperature {row['temperature']:g})" if row else ""
    return Goal(what + where, f"at least {least:g}{unit}", value, None if value is None else value >= least)
