"""The fed races that `bench page` measures the page with."""

import time

from mtpviz.analysis.exactness import exactness
from mtpviz.bench.feed import STAMP, ScriptedRace, stamp, steady
from mtpviz.bench.page import _goal, _p
from mtpviz.bench.report import Spread
from mtpviz.trace import lines, loads


def test_a_steady_race_has_the_rate_and_the_trees_asked_for():
    traces = steady(3, 200.0, 1.0, nodes=12)
    assert [len(trace.steps) for trace in traces] == [100] * 3
    for trace in traces:
        assert abs(trace.tokens_per_s - 200.0) < 1 and all(len(step.nodes) == 12 for step in trace.steps)
        assert exactness(trace, traces[0]) == (True, None)
    text = "\n".join(line for trace in traces for line in lines(trace))
    assert len(loads(text.encode())) == 3  # a trace like any other: a tree with an accepted path in it


def test_steps_come_when_their_clock_says_and_carry_their_moment():
    race, began = ScriptedRace(steady(2, 100.0, 0.3, nodes=2), None, "Once"), time.monotonic()
    seen = [(lane, time.monotonic() - began) for lane, step in race if step]
    assert [lane for lane, _ in seen].count(0) == 15 and seen[-1][1] >= 0.3
    assert [trace.end for trace in race.traces] == [{"reason": "length"}] * 2
    for step in race.traces[1].steps:
        assert 0 <= (stamp() - int(step.texts[0])) % STAMP < 60_000
        assert step.clock_ms / 1000 <= seen[-1][1] + 0.01


def test_goals_are_judged_by_their_bound():
    assert _goal("a", "at most 8", 7.9, 8).met and not _goal("a", "at most 8", 8.1, 8).met
    assert _goal("a", "at most 1 s", Spread(0.5, 0.4, 2.0, 5), 1).met and _goal("a", "", None, 1).met is None
    assert _p([1.0, 2.0, 3.0], 50) == 2.0 and _p([], 95) is None
