"""The vocabulary of a race, from its trace and the bundled model's maps."""

import copy
import json

import pytest

from mtpviz.errors import UserError
from mtpviz.ui import coverage
from mtpviz.ui.recorded import first_race
from tests.traces import example_race


def drafting() -> tuple[list, int]:
    race = first_race()
    return race, next(i for i, trace in enumerate(race) if isinstance(trace.run.settings.get("vocab_size"), int))


def test_a_recorded_lane_tells_its_vocabulary():
    race, lane = drafting()
    told = coverage.of_lane(race, lane)
    json.dumps(told, allow_nan=False)
    assert told["size"] == race[lane].run.settings["vocab_size"] < told["vocab"]
    assert set(told["languages"]) == {"en", "zh", "code"}
    for points in told["languages"].values():
        assert [share for _, share in points] == sorted(share for _, share in points) and points[-1][1] > 0.9
    assert told["text"][-1][1] == pytest.approx(1 - len(told["lost"]) / told["tokens"])
    assert told["tau"][-1][1] == pytest.approx(race[lane].tau)  # what was drafted was within
    base = coverage.of_lane(race, 0)
    assert base["size"] is None and base["tau"] == []


def test_tokens_of_another_model_are_not_counted():
    race, lane = drafting()
    other = copy.deepcopy(race[lane])
    other.run.pieces[next(iter(other.run.pieces))] += "?"
    with pytest.raises(UserError, match="another edition"):
        coverage.of_lane([other], 0)
    with pytest.raises(UserError, match="not at hand"):
        coverage.of_lane(example_race(), 1)
    ask = coverage.function(lambda run: example_race())
    assert all("error" in ask(wish) for wish in ("?", ["r", 9], ["r", None], ["r", 1]))
