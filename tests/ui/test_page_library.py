"""Opening recorded and foreign traces, on the server's side: every limit has its sentence."""

import base64
import gzip
from pathlib import Path

import pytest

from mtpviz import gallery
from mtpviz.limits import Limits
from mtpviz.trace import dump, loads
from mtpviz.ui.library import Library
from mtpviz.ui.runs import Runs
from mtpviz.ui.save import saver
from tests.traces import example_race


@pytest.fixture
def library():
    return Library(Runs(), example_race())


@pytest.fixture
def good(tmp_path):
    dump(example_race(), tmp_path / "good.jsonl")
    return (tmp_path / "good.jsonl").read_bytes()


def packed(data: bytes, name: str = "race.jsonl") -> dict:
    return {"name": name, "data": base64.b64encode(data).decode()}


@pytest.mark.parametrize("pack", [bytes, gzip.compress])
def test_a_good_file_comes_back_as_a_recorded_race_and_can_be_found(library, good, pack):
    found = library.adopt(packed(pack(good)))
    traces = loads(found["body"].encode())
    assert [trace.text for trace in traces] == [trace.text for trace in example_race()]
    assert all(trace.run.recorded for trace in traces) and not found["header"]["live"]
    assert [trace.text for trace in library.find(found["run"])] == [trace.text for trace in traces]


@pytest.mark.parametrize(
    ("wish", "word"),
    [
        ({}, "No trace came"),
        ([1], "No trace came"),
        ({"name": 3, "data": "*"}, "No trace came"),
        (packed(b"\x00\xff" * 50), "not a text file"),
        (packed(b'{"step": 1}'), "not a whole mtpviz trace"),
        (packed(b"[" * 100_000), "not a whole mtpviz trace"),
        (packed(gzip.compress(b"x" * 2000)[:-9], "cut.gz"), "cut.gz cannot be read to its end"),
        (packed(gzip.compress(b"\n" * (65 << 20)), "bomb.gz"), "bomb.gz unpacks to more than 64 MiB"),
        (packed(b"\n" * 30_000), "20,000 passes"),
        (packed(b'{"mtpviz_trace": "' + b"x" * (1 << 20) + b'"}'), "overlong lines"),
        ({"name": "x" * 500, "data": "A" * (23 << 20)}, "larger than 16 MiB"),
    ],
)
def test_a_bad_file_is_one_short_sentence(library, wish, word):
    found = library.adopt(wish)
    assert list(found) == ["error"] and word in found["error"]
    assert "\n" not in found["error"] and len(found["error"]) < 250


def test_too_many_lanes_are_refused(library, good, monkeypatch):
    monkeypatch.setattr("mtpviz.ui.library.LIMITS", Limits(trace_lanes=2))
    assert "has 3 lanes" in library.adopt(packed(good))["error"]


def test_the_gallery_opens_with_the_lanes_asked_for(library):
    name = gallery.index()[0]["name"]
    found = library.recorded([name, ["mtp"]])
    assert [trace.run.strategy for trace in loads(found["body"].encode())] == ["ntp", "mtp"]
    assert [trace.run.strategy for trace in library.find(found["run"])] == ["ntp", "mtp"]
    for wish in (["../../secret", []], [name], None, "x"):
        assert "error" in library.recorded(wish)


def test_saving_gives_what_the_command_line_writes(library):
    save = saver(library.find)
    found = save({"run": "recorded", "to": "svg", "view": "tree", "size": "paper", "lane": 2, "step": 3})
    assert found["name"] == "mtpviz-tree-paper.svg" and base64.b64decode(found["data"]).startswith(b"<svg")
    assert save({"run": "nobody", "to": "svg"}) == {"unknown": True} == save(None)
    for wish in ({"to": "exe"}, {"to": "svg", "view": "x"}, {"to": "svg", "view": "tree", "lane": 2, "step": 999}):
        assert save({"run": "recorded", **wish})["error"].endswith(".")


def test_a_pdf_without_a_browser_is_a_sentence_and_the_svg_is_there(library, monkeypatch):
    monkeypatch.setattr("mtpviz.export._browser.BROWSERS", ("no-such-browser",))
    save = saver(library.find)
    assert save({"run": "recorded", "to": "pdf"})["error"].startswith("A PDF needs Chromium or Chrome")
    assert "data" in save({"run": "recorded", "to": "svg"})


def test_another_programs_file_is_opened_and_held_against_the_same_limits(library, monkeypatch):
    answers = Path(__file__).parents[1] / "foreign" / "vllm_completions.json"
    found = library.adopt(packed(answers.read_bytes(), "answer.json"))
    assert found["header"]["exact"] == [[None, None]] and "? " in found["body"]
    monkeypatch.setattr("mtpviz.ui.library.LIMITS", Limits(trace_steps=5))
    assert "more than 5 passes" in library.adopt(packed(answers.read_bytes(), "answer.json"))["error"]


def test_a_race_that_still_runs_is_not_saved(library):
    traces = example_race()
    traces[1].end = None
    library.runs.add("abcdefgh12", traces)
    assert library.find("abcdefgh12") == []
