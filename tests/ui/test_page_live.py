"""One live race on the server's side: messages in order, stopping, and freeing the engine."""

import json

from mtpviz.trace import loads
from mtpviz.ui.library import Library
from mtpviz.ui.live import stream
from mtpviz.ui.runs import KEPT, Runs
from tests.traces import example_race
from tests.ui.scripted import ScriptedResident

ORDER = {"prompt": "Once", "run": "abcdefgh12"}


def _headers(run) -> list[dict]:
    return [json.loads(text.partition("\n")[0]) for text in run.wire.log]


def test_a_race_is_told_from_open_to_the_whole_traces():
    runs, resident = Runs(), ScriptedResident(example_race())
    list(stream(ORDER, resident, runs))
    entry = runs.get("abcdefgh12")
    kinds = [header["kind"] for header in _headers(entry)]
    assert kinds[:2] == ["wait", "open"] and kinds[-1] == "race" and set(kinds[2:-1]) <= {"tick"}
    ticks = [header for header in _headers(entry) if header["kind"] == "tick"]
    told = sum(len(steps) for tick in ticks for _, _, steps in tick["lanes"])
    assert told == sum(len(trace.steps) for trace in example_race())
    library = Library(runs, [])
    parts = [library.whole(["abcdefgh12", lane])["body"] for lane in range(3)]
    back = loads("\n".join(parts).encode())
    assert [trace.text for trace in back] == [trace.text for trace in example_race()]
    assert library.whole(["abcdefgh12", 3]) == library.whole(["another", 0]) == library.whole("abcdefgh12") == {}
    assert resident.races[0].closed_at


def test_closing_the_stream_frees_the_engine():
    resident = ScriptedResident(example_race(), pause=0.01)
    running = stream(ORDER, resident, Runs())
    while not resident.races or not resident.races[0].traces[0].steps:
        next(running)
    running.close()
    assert resident.races[0].closed_at


def test_stop_ends_the_race_and_still_sends_its_traces():
    runs, resident = Runs(), ScriptedResident(example_race(), pause=0.005)
    running = stream(ORDER, resident, runs)
    for _ in range(4):
        next(running)
    assert runs.stop("abcdefgh12")
    list(running)
    last = _headers(runs.get("abcdefgh12"))[-1]
    assert last["kind"] == "race" and last["end"] == "stopped" and resident.races[0].closed_at


def test_bad_orders_and_broken_engines_become_one_sentence():
    class Broken(ScriptedResident):
        def race(self, order):
            raise RuntimeError("secret detail")

    runs = Runs()
    for data, resident in (({"prompt": ""}, ScriptedResident([])), (ORDER, Broken([]))):
        value = list(stream(data, resident, runs))[-1]
        header = json.loads(list(value.values())[-1])
        assert header["kind"] == "error" and "secret" not in header["text"] and header["text"].endswith(".")


def test_strangers_runs_are_unknown_and_old_ones_forgotten():
    runs = Runs()
    for number in range(KEPT + 3):
        runs.add(f"run{number}")
    assert runs.get("run0") is None and runs.resync("run0", 0) == {} and not runs.stop(["x"])
    assert runs.get(f"run{KEPT + 2}") is not None
