"""The wire: whatever a race holds arrives, in light ticks while it runs and whole at its end."""

import json

from hypothesis import given, settings
from hypothesis import strategies as st

from mtpviz.trace import PHASES, Trace, loads
from mtpviz.ui.wire import WINDOW, Ticker, Wire, race_body, race_header
from tests.traces import example_race, races

settings.register_profile("page", deadline=None, max_examples=30)
settings.load_profile("page")


def _told(headers: list[dict], lanes: int) -> list[dict]:
    """What a browser knows after these ticks, by the layout that mtpviz/ui/wire.py documents."""
    known = [{"first": None, "steps": [], "phases": [0.0] * 4} for _ in range(lanes)]
    for header in headers:
        for lane, prefill, text in header.get("first", []):
            known[lane] |= {"first": text, "prefill": prefill}
        for lane, phases, steps in header["lanes"]:
            known[lane]["phases"] = phases
            known[lane]["steps"] += [
                {"clock": clock, "drafted": drafted, "accepted": accepted, "texts": texts}
                for clock, drafted, accepted, *texts in steps
            ]
    return known


@given(races(min_lanes=1), st.integers(1, 4))
def test_ticks_tell_every_step_once(scripts, stride):
    growing = [Trace(script.run) for script in scripts]
    ticker, headers, wire = Ticker(growing), [], Wire("run")
    for count in range(0, 8, stride):
        for trace, script in zip(growing, scripts, strict=True):
            trace.steps = script.steps[:count]
        header = ticker.tick(now=float(count))
        if header:
            wire.send(header)
            headers.append(json.loads(wire.log[-1]))
    shown = [Trace(trace.run, trace.steps) for trace in growing]
    for trace, lane in zip(shown, _told(headers, len(shown)), strict=True):
        # a lane without a first token (an engine gives one, a random trace may not) still tells its steps
        assert lane["first"] == (trace.run.first_text if trace.run.first >= 0 else None)
        assert [step["texts"] for step in lane["steps"]] == [step.texts for step in trace.steps]
        assert [step["accepted"] for step in lane["steps"]] == [len(step.accepted) for step in trace.steps]
        assert [step["drafted"] for step in lane["steps"]] == [len(step.nodes) for step in trace.steps]
        for told, phase in zip(lane["phases"], PHASES, strict=True):
            assert abs(told - trace.phase_ms()[phase]) < 0.01


@given(races(min_lanes=1))
def test_whole_races_arrive_as_they_were(traces):
    header, body = Wire("run").send(race_header(traces, True), race_body(traces))["run.0"].split("\n", 1)
    assert json.loads(header)["kind"] == "race"
    back = loads(body.encode("utf-8"))
    assert [trace.steps for trace in back] == [trace.steps for trace in traces]
    assert [trace.text for trace in back] == [trace.text for trace in traces]


def test_the_window_slides_and_resync_fills_the_gap():
    wire = Wire("r")
    for number in range(50):
        value = wire.send({"kind": "tick", "lanes": [], "number": number})
    assert list(value) == [f"r.{number}" for number in range(50 - WINDOW, 50)]
    assert list(wire.window(3)) == [f"r.{number}" for number in range(3, 50)]


def test_bytes_per_token_stay_below_the_budget():
    scripts = example_race()
    growing = [Trace(script.run) for script in scripts]
    ticker, wire = Ticker(growing), Wire("r")
    clock = 0.0
    while any(len(trace.steps) < len(script.steps) for trace, script in zip(growing, scripts, strict=True)):
        clock += 66.7  # one tick at 15 Hz
        for trace, script in zip(growing, scripts, strict=True):
            trace.steps = [step for step in script.steps if step.clock_ms <= clock]
        header = ticker.tick(now=clock / 1000)
        if header:
            wire.send(header)
    tokens = sum(len(script.token_ids) for script in scripts)
    assert sum(len(text.encode()) for text in wire.log) / tokens < 40


def test_exactness_travels_with_the_race():
    traces = example_race()
    assert race_header(traces, live=False)["exact"] == [[True, None]] * 3
