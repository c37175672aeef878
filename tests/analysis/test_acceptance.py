"""Acceptance figures: identities on random traces, known values on small ones."""

import math

import pytest
from hypothesis import given, settings

from mtpviz.analysis.acceptance import by_depth, lengths, tau_by_position, wilson
from mtpviz.trace import Trace
from tests.traces import example_race, make_run, make_step, races


@settings(max_examples=15, deadline=None)
@given(races())
def test_prefix_rates_sum_to_tau_minus_one(race):
    table = by_depth(race)
    for lane, trace in enumerate(race):
        drafted = [step for step in trace.steps if step.nodes]
        rows = table[table.lane == lane]
        if not drafted:
            assert rows.empty
            continue
        tau = sum(len(step.accepted) + 1 for step in drafted) / len(drafted)
        assert math.isclose(rows.prefix.sum(), tau - 1, abs_tol=1e-12)
        assert (rows.prefix.diff().dropna() <= 0).all() and (rows.offered <= rows.drafted).all()
        assert (rows.accepted <= rows.offered).all()
        assert ((rows.prefix_low <= rows.prefix) & (rows.prefix <= rows.prefix_high)).all()


@settings(max_examples=15, deadline=None)
@given(races())
def test_histogram_and_positions_agree_with_tau(race):
    table, along = lengths(race), tau_by_position(race, window=4)
    for lane, trace in enumerate(race):
        rows, windows = table[table.lane == lane], along[along.lane == lane]
        assert rows.steps.sum() == windows.steps.sum() == len(trace.steps)
        if trace.steps:
            assert math.isclose(((rows.length + 1) * rows.share).sum(), trace.tau)
            assert math.isclose((windows.tau * windows.steps).sum() / len(trace.steps), trace.tau)


@pytest.mark.parametrize("successes, trials, low, high", [
    (0, 10, 0.0, 0.2775328), (5, 10, 0.2365931, 0.7634069), (10, 10, 0.7224672, 1.0), (81, 263, 0.2553, 0.3662)])
def test_wilson_known_values(successes, trials, low, high):
    """81 of 263 is Newcombe 1998 (Statistics in Medicine 17), table I, method 3: 0.2553 to 0.3662."""
    assert wilson(successes, trials) == pytest.approx((low, high), abs=5e-5)


def test_wilson_without_trials():
    assert wilson(0, 0) == (0.0, 1.0)


def test_conditional_counts_only_what_was_offered():
    """Two chains of 2 (one accepted whole, one not at all), one chain of 1 accepted, one step without a draft."""
    steps = [make_step(0, parents=(-1, 0), accepted=(0, 1)), make_step(1, parents=(-1, 0)),
             make_step(2, parents=(-1,), accepted=(0,)), make_step(3)]
    table = by_depth([Trace(make_run(), steps)])
    assert table.drafted.tolist() == [3, 3] and table.offered.tolist() == [3, 1]
    assert table.prefix.tolist() == pytest.approx([2 / 3, 1 / 3])
    assert table.conditional.tolist() == pytest.approx([2 / 3, 1.0])


def test_a_tree_counts_by_its_path():
    """The second branch is accepted to depth 1 and has no child: nothing is offered at depth 2."""
    table = by_depth([Trace(make_run(), [make_step(0, parents=(-1, -1, 0), accepted=(1,))])])
    assert table.prefix.tolist() == [1.0, 0.0] and table.offered.tolist() == [1, 0]
    assert math.isnan(table.conditional[1])


def test_on_chains_of_one_length_the_rates_agree():
    rows = by_depth(example_race()[2:])
    prefix = [1.0, *rows.prefix]
    assert rows.conditional[0] == pytest.approx(prefix[1])


def test_no_lane():
    assert by_depth([]).empty and lengths([]).empty and tau_by_position([Trace(make_run())]).empty
