"""What the server tells of a race: sentences' figures, predictions, and one sentence for a wish that is none."""

import json

import pytest

from mtpviz.analysis.speedup import budget
from mtpviz.ui import insight
from tests.traces import example_race


def test_every_lane_is_explained_from_its_trace():
    race = example_race()
    told = insight.of_race(race)
    json.dumps(told, allow_nan=False)
    assert told["lanes"][0]["why"] is None and told["lanes"][0]["present"] is None
    for trace, lane in zip(race[1:], told["lanes"][1:], strict=True):
        found = budget(trace, race[0])
        assert (lane["why"]["tau"], lane["why"]["measured"]) == (found.tau, found.measured)
        assert lane["why"]["price"] == pytest.approx(found.tau / found.measured)
        assert abs(lane["present"]["error"]) < 0.2
    assert {card["name"] for card in told["cards"]} >= {"H100 SXM", "L4"}
    assert all(card["source"] for card in told["cards"])


def test_a_choice_is_predicted_with_its_curves():
    found = insight.of_choice(example_race(), 2, {"card": "L4", "model": "Llama-3.1-8B", "batch": 4, "length": 3,
                                                  "nodes": 6})
    json.dumps(found, allow_nan=False)
    assert found["now"]["bound"] == "memory" and found["now"]["fits"]
    at = {value: high for value, _, high in found["lengths"]}
    assert at[3] == pytest.approx(found["now"]["speedup"])
    assert all(low <= high for _, low, high in found["lengths"] + found["batches"])
    assert found["batches"][-1][2] < found["batches"][0][2]  # drafts do not pay where arithmetic is the limit


@pytest.mark.parametrize("lane, choice", [
    (0, {}), (9, {}), (None, {}), (1, None), (1, {"card": "H900"}), (1, {"model": "../x"}), (1, {"batch": 0}),
    (1, {"batch": 10**9}), (1, {"length": float("nan")}), (1, {"nodes": "3"}), (-1, {}), (True, {"nodes": []})])
def test_another_wish_gets_a_sentence(lane, choice):
    assert insight.of_choice(example_race(), lane, choice)["error"].endswith(".")


def test_unknown_runs_and_wishes():
    told, suppose = insight.functions(lambda run: [])
    assert told("?")["lanes"] == [] and "error" in suppose("no list") and "error" in suppose(["r", 0, {}])
