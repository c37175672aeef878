"""Every figure renders for every input, from traces alone, in both themes, and as JSON that plotly.js can read."""

import copy
import json

import pytest
from hypothesis import HealthCheck, given, settings

from mtpviz import discover
from mtpviz.errors import UserError
from mtpviz.trace import Trace
from tests.traces import example_race, make_run, make_step, races

FIGURES = list(discover.plots().items())


def eight_lanes() -> list[Trace]:
    race = example_race()
    lanes = [race[0]]
    for number in range(7):
        lane = copy.deepcopy(race[1 + number % 2])
        lane.run.title = f"Strategy {number}"
        lanes.append(lane)
    return lanes


def edge_cases() -> dict[str, list[Trace]]:
    race, plain = example_race(), Trace(make_run())
    still = [Trace(make_run(name, name), [make_step(0, parents=(-1,), times=(0, 0, 0, 0),
                                                    clock=6.0)]) for name in ("ntp", "a")]
    return {"nothing": [], "no step": [plain], "cancelled": [plain, Trace(make_run("draft", "Draft"),
                                                                          end={"reason": "cancelled"})],
            "no draft": [race[0], copy.deepcopy(race[0])], "one lane": race[1:2], "no baseline": race[1:],
            "zero times": still, "eight": eight_lanes(),
            "one step": [Trace(make_run(), [make_step(0)]), Trace(make_run("draft", "D"), [make_step(0,
                                                                                                     parents=(-1,))])]}


CASES = edge_cases()


@pytest.mark.parametrize("case", CASES)
@pytest.mark.parametrize("name, module", FIGURES, ids=[name for name, _ in FIGURES])
def test_figures_render(name, module, case):
    figure = module.figure(CASES[case], "dark" if case == "eight" else "light")
    text = figure.to_json()
    assert "Infinity" not in text and "NaN" not in text
    assert figure.layout.paper_bgcolor == "rgba(0,0,0,0)"
    assert figure.data or figure.layout.annotations[0].text.endswith(".")


@settings(max_examples=5, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(races())
def test_figures_render_random_races(race):
    for _, module in FIGURES:
        module.figure(race)


def test_the_waterfall_ends_at_the_measured_speedup():
    race = example_race()
    bars = discover.pick("plot", "waterfall").figure(race).data
    assert [bar.x[0] for bar in bars] == ["ideal τ"] * 2
    assert bars[0].y[-1] == pytest.approx(race[1].tokens_per_s / race[0].tokens_per_s)


def test_a_title_is_never_markup():
    race = example_race()
    race[1].run.title = '<img src="x" onerror="alert(1)"><a href="javascript:alert(1)">x</a>'
    for _, module in FIGURES:
        assert "<img" not in json.dumps(json.loads(module.figure(race).to_json()), ensure_ascii=False)


def test_unknown_theme():
    with pytest.raises(UserError, match="no theme 'blue'"):
        FIGURES[0][1].figure([], "blue")
