"""What the page asks about a race it shows: why it is not faster, and what it would be elsewhere. From traces alone."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import asdict

from mtpviz.analysis import passes, whatif
from mtpviz.analysis.cards import CARDS
from mtpviz.analysis.lanes import baseline
from mtpviz.analysis.speedup import Budget, budget, helps_most
from mtpviz.analysis.summary import LOOPING
from mtpviz.strings import say
from mtpviz.trace import UNKNOWN, Trace

LENGTHS = range(1, 17)
BATCHES = (1, 2, 4, 8, 16, 32, 64, 128, 256)
LIMITS = {"batch": BATCHES[-1], "length": LENGTHS[-1], "nodes": 64}


def functions(find: Callable[[object], Sequence[Trace]]) -> list[Callable[[object], dict]]:
    """The server functions by the names that the browser calls them by: insight, suppose. `find` gives the traces of a
    run by its id, none for an unknown one."""

    def insight(run: object) -> dict:
        return of_race(find(run))

    def suppose(wish: object) -> dict:
        run, lane, choice = wish if isinstance(wish, list) and len(wish) == 3 else (None, None, None)
        return of_choice(find(run), lane, choice)

    return [insight, suppose]


def of_race(traces: Sequence[Trace]) -> dict:
    """{"lanes": [lane, ...], "cards": [...], "models": [...]}; a lane has "why" and "present", each None where it
    cannot be said, and "distinct" (None where the file names no token), "loops"."""
    base = baseline(traces)
    cards = [{"name": card.name, "gb_s": card.bandwidth / 1e9, "tflops": card.flops / 1e12, "source": card.source}
             for card in CARDS]
    return {"lanes": [_lane(trace, traces, base) for trace in traces], "cards": cards,
            "models": [{"name": name, "parameters": passes.stored_weights(shape)} for name, shape in
                       passes.MODELS.items()]}


def _lane(trace: Trace, traces: Sequence[Trace], base: Trace | None) -> dict:
    found = budget(trace, base) if trace is not base else None
    told = whatif.lane(trace, traces)
    named = set(trace.token_ids) != {UNKNOWN}
    return {"distinct": trace.distinct_4grams if named else None, "loops": trace.distinct_4grams < LOOPING,
            "steps": len(trace.steps),
            "why": _why(found) if found else None, "present": _present(told) if told else None}


def _why(found: Budget) -> dict:
    best = helps_most(found)
    return {"tau": found.tau, "measured": found.measured, "break_even": found.break_even,
            "acceptance": found.acceptance, "helps": list(best) if best else None,
            "costs": asdict(found)["lost"], "price": found.tau / found.measured if found.measured > 0 else None}


def _present(told: whatif.Lane) -> dict:
    """The prediction for the run as it was beside what it measured, and the knobs' place for it."""
    drafted = [tree for tree in told.trees if tree[1]]
    return {"predicted": whatif.present(told).speedup, "measured": told.measured, "error": whatif.error(told),
            "length": max(1, round(sum(depth for depth, _ in drafted) / len(drafted))),
            "nodes": max(1, round(sum(nodes for _, nodes in drafted) / len(drafted))),
            "deepest": len(told.ranks.rates), "rows": told.rows, "known": "layers" in told.shape}


def of_choice(traces: Sequence[Trace], lane: object, choice: object) -> dict:
    """{"now", "lengths": [[length, low, high], ...], "batches": likewise}; {"error": sentence} where the wish is none
    or the lane tells too little. Lengths go to twice what the run drafted: beyond, nothing would be known."""
    wanted = _choice(choice)
    trace = traces[lane] if isinstance(lane, int) and 0 <= lane < len(traces) else None
    told = whatif.lane(trace, traces) if trace and wanted else None
    if told is None:
        return {"error": say("whatif.none")}

    def at(**changes: int) -> whatif.Prediction:
        changed = whatif.Choice(**{**asdict(wanted), **changes})
        return whatif.predict(told, whatif.Choice(**{**asdict(changed), "nodes": max(changed.nodes, changed.length)}))

    now = at()
    furthest = max(4, 2 * len(told.ranks.rates))
    lengths = [(length, at(length=length)) for length in LENGTHS if length <= furthest]
    batches = [(batch, at(batch=batch)) for batch in BATCHES]
    return {"now": {**asdict(now), "speedup": now.speedup, "speedup_low": now.speedup_low,
                    "break_even": now.break_even, "tokens_per_s": now.tokens_per_s},
            "lengths": [[value, found.speedup_low, found.speedup] for value, found in lengths],
            "batches": [[value, found.speedup_low, found.speedup] for value, found in batches]}


def _choice(wish: object) -> whatif.Choice | None:
    """What the browser asks for, if it could have been chosen on the page."""
    if not isinstance(wish, dict):
        return None
    numbers = {name: wish.get(name, 1) for name in LIMITS}
    if not all(isinstance(value, int | float) and math.isfinite(value) and 1 <= value <= LIMITS[name]
               for name, value in numbers.items()):
        return None
    card, model = wish.get("card", whatif.HERE), wish.get("model", whatif.HERE)
    if card not in {whatif.HERE, *(entry.name for entry in CARDS)} or model not in {whatif.HERE, *passes.MODELS}:
        return None
    return whatif.Choice(card, model, **{name: int(value) for name, value in numbers.items()})
