"""Coverage of a text by a ranking, and what a smaller one would have cost, on small cases known by hand."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mtpviz.analysis.vocabulary import coverage, measured_sizes, outside, tau_within
from mtpviz.trace import Trace
from tests.traces import make_run, make_step

RANKING = [5, 7, 9, 11]


def test_coverage_counts_tokens_among_the_first():
    assert coverage([5, 5, 9, 2], RANKING, [1, 2, 3, 4, 99]) == [0.5, 0.5, 0.75, 0.75, 0.75]
    assert outside([5, 5, 9, 2], RANKING, 2) == [2, 3] and coverage([], RANKING, [1]) == [1.0]


@given(st.lists(st.integers(0, 12)), st.permutations(range(10)), st.integers(0, 12))
def test_what_is_not_covered_is_outside(tokens, ranking, size):
    lost = outside(tokens, ranking, size)
    assert coverage(tokens, ranking, [size])[0] == pytest.approx(1 - len(lost) / len(tokens) if tokens else 1.0)


def test_a_smaller_vocabulary_ends_the_path_at_the_first_token_it_lacks():
    """A chain of tokens 10, 11, 12, all accepted, and a step without a draft."""
    trace = Trace(make_run(), [make_step(0, parents=(-1, 0, 1), accepted=(0, 1, 2)), make_step(1)])
    assert tau_within(trace, [10, 12, 11], 3) == trace.tau == 2.5
    assert tau_within(trace, [10, 12, 11], 2) == 1.5 and tau_within(trace, [10, 12, 11], 0) == 1.0


def test_lanes_of_one_strategy_with_other_sizes_are_measured():
    lanes = [Trace(make_run("mtp", settings={"vocab_size": size}), [make_step(0)] * count)
             for size, count in ((400, 1), (100, 2), (200, 0))]
    lanes.append(Trace(make_run("draft", settings={"vocab_size": 50}), [make_step(0)]))
    assert measured_sizes(lanes, lanes[0]) == [(100, 1.0), (400, 1.0)]
