"""Speedup, budget, exactness, latency and cost model: exact accounting and the formulas' known values."""

import json
import math

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mtpviz.analysis import cost
from mtpviz.analysis.exactness import exactness, first_divergence
from mtpviz.analysis.lanes import baseline, lane_names
from mtpviz.analysis.latency import latency, quantile
from mtpviz.analysis.speedup import budget, budgets, helps_most, per_step, speedup
from mtpviz.analysis.summary import lane_summary, race_document
from mtpviz.trace import Trace
from tests.traces import example_race, make_run, make_step, races, traces


@settings(max_examples=15, deadline=None)
@given(traces(), traces("ntp"))
def test_the_budget_sums_to_what_was_measured(trace, base):
    found = budget(trace, base)
    if found is None:
        assert trace.decode_ms <= 0 or base.tokens_per_s <= 0 or not trace.steps
        return
    scale = max(1.0, *(abs(part) for part in found.lost.values()))
    assert math.isclose(found.tau - sum(found.lost.values()), found.measured, abs_tol=1e-9 * scale)
    assert math.isclose(found.measured, speedup(trace, base), rel_tol=1e-9)
    assert all(better > found.measured for better in found.without.values())
    price = cost.costs(trace, base)
    emitted = sum(len(step.emitted) for step in trace.steps) / len(trace.steps)
    assert math.isclose(price.speedup(emitted), found.measured, rel_tol=1e-9)


def test_the_example_budget():
    race = example_race()
    assert sorted(budgets(race)) == [1, 2]
    found = budget(race[1], race[0])
    assert found.lost["draft"] > found.lost["verify"] > 0 and helps_most(found)[0] == "draft"
    assert 0 < found.break_even < found.acceptance < 1


def test_lanes_that_cannot_be_compared():
    race = example_race()
    race[1].run.dtype = "fp32"
    race[2].steps = []
    document = race_document(race)
    assert [lane["speedup"] for lane in document["lanes"]] == [1.0, None, None]
    assert budgets(race) == {} and helps_most(budget(race[0], race[0])) is None
    assert all(lane_summary(trace, None)["speedup"] is None for trace in race)


@settings(max_examples=15, deadline=None)
@given(races())
def test_per_step_ends_at_the_speedup(race):
    table, base = per_step(race), baseline(race)
    for lane, trace in enumerate(race):
        rows = table[table.lane == lane]
        expected = speedup(trace, base)
        if expected is not None:
            assert math.isclose(rows.cumulative.iloc[-1], expected, rel_tol=1e-9)


@settings(max_examples=15, deadline=None)
@given(races())
def test_the_document_is_json(race):
    document = race_document(race)
    assert json.loads(json.dumps(document, allow_nan=False)) == document
    if baseline(race) is None:
        assert all(lane["speedup"] is None and lane["exact"] is None for lane in document["lanes"])


def test_the_document_of_the_example():
    document = race_document(example_race())
    assert [lane["exact"] for lane in document["lanes"]] == [True, True, True]
    draft = document["lanes"][1]
    assert sum(draft["acceptance"]["prefix"]) < draft["tau"] - 1 + 0.1
    assert draft["time_ms"].keys() == {"draft", "verify", "commit", "host"} and not draft["loops"]
    assert document["device"] == "cpu" and document["prompt"] == "Once upon a time"


def spoken(ids, reason="length", **changes):
    trace = Trace(make_run(first=ids[0], **changes), end={"reason": reason})
    for index, token in enumerate(ids[1:]):
        step = make_step(index)
        step.emitted = [token]
        trace.steps.append(step)
    return trace


def test_first_divergence():
    base = spoken([1, 2, 3, 4])
    assert first_divergence(spoken([1, 2, 3, 4]), base) is None
    assert first_divergence(spoken([1, 9, 3]), base) == 1
    assert first_divergence(spoken([1, 2], "cancelled"), base) is None
    assert first_divergence(spoken([1, 2], "stop"), base) == 2
    assert first_divergence(spoken([1, 2, 3, 4, 5]), spoken([1, 2], "stop")) == 2


def test_exactness_says_nothing_where_nothing_can_be_said():
    base = spoken([1, 2, 3])
    assert exactness(spoken([1, 2, 3]), base) == (True, None) and exactness(spoken([1, 5]), base) == (False, 1)
    assert exactness(spoken([1]), None) == (None, None)
    assert exactness(spoken([1, 5], prompt_tokens=[4]), base) == (None, None)
    warm = {"temperature": 1.0, "rule": "rejection"}
    assert exactness(spoken([1, 5], sampling=warm), spoken([1, 2], sampling=warm)) == (None, 1)
    keyed = {"temperature": 1.0, "rule": "match"}
    assert exactness(spoken([1, 5], sampling=keyed), spoken([1, 2], sampling=keyed)) == (False, 1)


def test_latency():
    trace = Trace(make_run(first=1, prefill_ms=6.0), [make_step(0, parents=(-1,), accepted=(0,), clock=16.0)])
    assert latency(trace) == {"first_token_ms": 6.0, "inter_token_ms": {"p50": 5.0, "p95": pytest.approx(9.5)}}
    assert latency(Trace(make_run(first=-1)))["first_token_ms"] is None and quantile([], 0.5) is None


def test_names_are_told_apart():
    assert lane_names([Trace(make_run()), Trace(make_run()), Trace(make_run(title="A"))]) == [
        "Next-token (1)", "Next-token (2)", "A"]


def test_leviathan_known_values():
    assert cost.leviathan_tau(0.8, 5) == pytest.approx(3.68928)
    assert cost.leviathan_tau(1.0, 4) == 5.0 and cost.leviathan_tau(0.0, 4) == 1.0
    assert cost.chain_tau([0.8] * 5) == pytest.approx(cost.leviathan_tau(0.8, 5))
    assert cost.leviathan_speedup(0.8, 5, 0.05) == pytest.approx(3.68928 / 1.25)
    assert cost.best_length(0.0, 0.1) == 0 and cost.best_length(0.8, 0.05) == 8
    # FastMTP's 81/69/64 % are conditional: they give its Table 1's 2.73 (FastMTP, Table 1)
    assert cost.chain_tau([0.81, 0.69, 0.64]) == pytest.approx(2.73, abs=0.01)


@given(st.floats(0.01, 0.99), st.integers(1, 16))
def test_implied_alpha_inverts(alpha, length):
    assert cost.implied_alpha(cost.leviathan_tau(alpha, length), length) == pytest.approx(alpha, abs=1e-6)


def test_implied_alpha_at_the_ends():
    assert cost.implied_alpha(0.9, 3) == 0.0 and cost.implied_alpha(4.1, 3) is None
    assert cost.implied_alpha(4.0, 3) == pytest.approx(1.0, abs=1e-6) and cost.implied_alpha(1.2, 0.0) is None


def test_pass_ms():
    table = [(8, 5.0), (1, 4.0), (64, 12.0)]
    assert [cost.pass_ms(rows, table) for rows in (0, 1, 4.5, 8, 64)] == [4.0, 4.0, 4.5, 5.0, 12.0]
    assert cost.pass_ms(120, table) == pytest.approx(19.0) and cost.pass_ms(9, [(1, 4.0)]) == 4.0
