"""Tokens and steps as tables: one row each, nothing lost."""

import math

from hypothesis import given, settings

from mtpviz.analysis.steps import steps
from mtpviz.analysis.tokens import tokens
from mtpviz.trace import Trace
from tests.traces import make_run, make_step, races


@settings(max_examples=15, deadline=None)
@given(races())
def test_every_token_and_step_has_its_row(race):
    table, passes = tokens(race), steps(race)
    for lane, trace in enumerate(race):
        rows = table[table.lane == lane]
        assert rows.token.tolist() == trace.token_ids and "".join(rows.text) == trace.text
        assert rows["index"].tolist() == list(range(len(rows)))
        assert rows.arrival_ms.is_monotonic_increasing
        assert math.isclose(rows.gap_ms.sum(), trace.clock_ms if len(rows) else 0.0, abs_tol=1e-6)
        mine = passes[passes.lane == lane]
        assert len(mine) == len(trace.steps) and mine.accepted.sum() == sum(len(s.accepted) for s in trace.steps)
        assert math.isclose(mine.step_ms.sum(), trace.decode_ms, abs_tol=1e-6)


def test_who_proposed_a_token():
    step = make_step(0, parents=(-1, 0), accepted=(0,), clock=12.0)
    rows = tokens([Trace(make_run(first=3, prefill_ms=2.0), [step])])
    assert rows.kind.tolist() == ["target", "accepted", "bonus"] and rows.position.tolist() == [4, 5, 6]
    assert rows.depth.dropna().tolist() == [1] and rows.draft_prob.dropna().tolist() == [0.5]
    assert rows.gap_ms.tolist() == [2.0, 10.0, 0.0]


def test_tables_without_lanes_keep_their_columns():
    assert tokens([]).columns[0] == steps([Trace(make_run())]).columns[0] == "lane"
