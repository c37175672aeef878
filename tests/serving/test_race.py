"""Servers in a race: listened to alone, shown in the order of the clocks, compared with their own baseline only."""

import json
import threading
import time

import pytest

from mtpviz.analysis.exactness import exactness
from mtpviz.analysis.lanes import baseline
from mtpviz.analysis.speedup import budgets
from mtpviz.analysis.summary import lane_summary, race_document
from mtpviz.discover import exports, plots
from mtpviz.engine.sampling import Sampling
from mtpviz.race import Race
from mtpviz.serving.lane import server_lanes
from mtpviz.serving.server import listed
from mtpviz.trace import dump, lines, load, loads
from mtpviz.ui.insight import of_race
from mtpviz.ui.live import stream
from mtpviz.ui.resident import Resident
from mtpviz.ui.runs import Runs
from tests.serving.loopback import llama_cpp, recorded, serving, vllm

PROMPT = "the fox and the hare ran"
OTHER = recorded("vllm_completions_stream.sse").replace(b"2124", b"2191")  # another text's ids


@pytest.fixture(scope="module")
def race(tiny_entry):
    """Two local lanes and three servers: a baseline, one like it, one of another engine."""
    from mtpviz.engine.session import Session

    session, seen = Session(tiny_entry, dtype="fp32", threads=1), []

    def slowly(handler, body):  # no local step is taken while a server answers
        seen.append([len(trace.steps) for trace in race.traces])
        time.sleep(0.25)
        return recorded("vllm_completions_stream.sse")

    with serving(vllm(**{"/v1/completions": slowly}), 3) as (one, _), serving(vllm()) as (two, _), \
            serving(llama_cpp(), 3) as (three, _):
        chosen = listed([f"plain={one},baseline", f"fast={two}", f"llama={three}"])
        race = Race(session, ["draft"], PROMPT, Sampling(), 24, guests=server_lanes(chosen, PROMPT, Sampling(), 48))
        events = list(race)
    return race, events, seen


def test_servers_are_listened_to_before_any_lane_runs(race):
    race, events, seen = race
    assert seen == [[0, 0, 0, 0, 0]]
    names = [trace.run.strategy for trace in race.traces]
    assert names == ["ntp", "draft", "server_plain", "server_fast", "server_llama"]
    first = next(i for i, (_, step) in enumerate(events) if step)
    assert {lane for lane, _ in events[:first]} == {0, 1, 2, 3, 4} and (2, None) in events[:3]
    clocks = {lane: race.traces[lane].run.prefill_ms for lane in range(5)}
    for lane, step in events[first:]:  # each step is of the lane whose clock was furthest behind
        running = [other for other in clocks if clocks[other] is not None]
        assert lane == min(running, key=lambda other: clocks[other])
        clocks[lane] = None if step is race.traces[lane].steps[-1] else step.clock_ms
    assert all(trace.end == {"reason": "length"} for trace in race.traces) and race.exact(1) is True


def test_only_a_baseline_of_its_own_gives_a_server_its_badges(race):
    traces = race[0].traces
    lanes = race_document(traces)["lanes"]
    assert [lane["exact"] for lane in lanes] == [True, True, True, True, None]
    assert [lane["speedup"] is None for lane in lanes] == [False, False, False, False, True]
    assert lanes[2]["speedup"] == 1.0 and baseline(traces, traces[3]) is traces[2] and baseline(traces) is traces[0]
    assert set(budgets(traces)) == {1}
    assert not any(entry["why"] or entry["present"] for entry in of_race(traces)["lanes"][2:])
    alone = [traces[0], traces[3]]
    assert lane_summary(alone[1], baseline(alone, alone[1]))["exact"] is None
    assert exactness(traces[4], traces[2]) == (None, None)  # another model's name


def test_texts_are_compared_where_ids_are_not_told(race):
    one, other = (loads("\n".join(lines(race[0].traces[4])).encode())[0] for _ in range(2))
    assert exactness(one, other) == (True, None)
    changed = other.steps[-3]
    changed.texts[0] = changed.texts[0][:-1] + "!"
    place = 1 + sum(len(step.emitted) for step in other.steps[:-3])
    assert exactness(one, other) == (False, place) == exactness(other, one)


def test_every_figure_and_format_takes_servers(race, tmp_path):
    traces = race[0].traces
    for plot in plots().values():
        plot.figure(traces, "light")
    for name in ("html", "svg", "csv", "parquet", "jsonl"):
        exports()[name].write(traces, tmp_path / f"race{exports()[name].SUFFIX}")
    dump(traces, tmp_path / "race.jsonl.gz")
    again = load(tmp_path / "race.jsonl.gz")
    assert [trace.run.server for trace in again] == [trace.run.server for trace in traces]
    old = "\n".join(line.replace(',"server":null', "") for line in lines(traces[0]))
    assert '"server"' not in old and loads(old.encode())[0].run.server is None  # files of before open


def test_a_server_that_breaks_off_takes_no_other_lane_along(race):
    session = race[0].session
    with serving(vllm(**{"/v1/completions": b"data: {}\n\n"})) as (url, _):
        guests = server_lanes(listed([f"x={url}"]), PROMPT, Sampling(), 8)
        broken = Race(session, [], PROMPT, Sampling(), 8, guests=guests)
        for _ in broken:
            pass
    assert broken.traces[0].end == {"reason": "length"} and broken.traces[1].end["reason"] == "failed"
    assert race_document(broken.traces)["lanes"][1]["first_token_ms"] is None


class Ready(Resident):
    """A resident whose model is there."""

    def __init__(self, session, servers):
        super().__init__(servers=servers)
        self._session = session
        self._done.set()
        self._begun.acquire()


def test_visitors_choose_among_listed_servers_by_name(race):
    with serving(vllm(), 3) as (url, asked):
        resident, runs = Ready(race[0].session, listed([f"own={url}"])), Runs()
        order = {"prompt": PROMPT, "strategies": ["ntp", "server_own"], "max_new_tokens": 48}
        sent = list(stream(order, resident, runs))
        messages = {name: text for window in sent for name, text in window.items()}
        headers = [json.loads(text.split("\n")[0]) for text in messages.values()]
        opened = next(header for header in headers if header["kind"] == "open")
        assert opened["lanes"][0] == {"strategy": "ntp", "title": "Next-token"}
        assert opened["lanes"][1]["server"]["engine"] == "vllm" and opened["lanes"][1]["model"]["name"] == "tiny"
        assert headers[-1]["kind"] == "race" and headers[-1]["exact"] == [[True, None], [None, None]]
        before = len(asked)
        for name in ("server_else", f"server_{url}", url, f"x={url}", f"server_own={url}"):
            refused = list(stream({**order, "strategies": [name]}, resident, runs))[-1]
            assert json.loads(list(refused.values())[-1])["kind"] == "error"
        assert len(asked) == before  # nothing that a visitor types is fetched
    refused = list(stream(order, resident, runs))[-1]
    assert "Nothing answers at" in json.loads(list(refused.values())[-1])["text"]


def test_stop_is_heard_while_a_server_answers(race):
    entered = threading.Event()

    def slow(handler, body):
        entered.set()
        time.sleep(2)
        handler.said = handler.close_connection = True

    with serving(vllm(**{"/v1/completions": slow})) as (url, _):
        resident, runs = Ready(race[0].session, listed([f"own={url}"])), Runs()
        run = "abcdefgh1234"
        values = stream({"prompt": PROMPT, "strategies": ["server_own"], "run": run}, resident, runs)
        began = time.monotonic()
        for _ in values:
            if entered.is_set():
                runs.stop(run)
        assert time.monotonic() - began < 1.5 and runs.get(run).traces[1].end == {"reason": "cancelled"}


def test_a_sampled_server_is_compared_with_nothing(race):
    with serving(vllm()) as (url, _), serving(vllm(**{"/v1/completions": OTHER})) as (two, _):
        lanes = server_lanes(listed([f"a={url},baseline", f"b={two}"]), PROMPT, Sampling(0.8), 48)
        traces = [lane.trace for lane in lanes]
        for lane in lanes:
            list(lane.listen())
            lane.prefill()
            while not lane.done:
                lane.step()
    exact, place = exactness(traces[1], baseline(traces, traces[1]))
    assert exact is None and place == 25


def test_the_command_line_races_and_finds_servers(race, capsys, tmp_path, tiny_entry):
    from mtpviz.__main__ import main

    options = ["--model", str(tiny_entry.folder), "--threads", "1", "--max-new-tokens", "16"]
    with serving(vllm()) as (url, _):
        assert main(["race", PROMPT, "--strategies", "ntp", "--server", f"one={url},baseline", "--trace",
                     str(tmp_path / "x.jsonl"), *options]) == 0
        told = capsys.readouterr().out
        assert "one (vLLM): version 0.32.0" in told and url in told and "33 of 37 drafts accepted" in told
        assert main(["servers", "detect", url, "--json"]) == 0
        assert json.loads(capsys.readouterr().out)["servers"] == [
            {"address": url, "engine": "vllm", "version": "0.32.0", "model": "tiny"}]
    assert load(tmp_path / "x.jsonl")[1].run.server["address"] == url
    for argv, words in ((["race", PROMPT, "--server", f"one={url}", *options], "Nothing answers"),
                        (["race", PROMPT, "--server", "one", *options], "NAME=URL"),
                        (["servers", "launch", "nothing"], "There is no strategy 'nothing'"),
                        (["servers", "launch", "draft", "--engine", "x"], "There is no serving engine 'x'"),
                        (["servers", "launch", "draft:depth=99"], "The setting depth is '99'"),
                        (["servers", "launch", "draft:x=1"], "has no setting 'x'")):
        assert main(argv) == 2
        assert words in capsys.readouterr().err
    assert main(["servers", "launch", "draft:depth=6", "--engine", "llama_cpp", "--model", "m", "--draft", "d"]) == 0
    line = "llama-server -m m --metrics --spec-type draft-simple -md d --spec-draft-n-max 6"
    assert line in capsys.readouterr().out
