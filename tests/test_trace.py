"""The trace: round trips, and one clear sentence for every bad file."""

import gzip
import json

import pytest
from hypothesis import given, settings

from mtpviz.errors import UserError
from mtpviz.trace import Trace, dump, lines, load, loads
from mtpviz.trace import file as trace_file
from tests.traces import example_race, make_run, make_step, races


def text_of(race) -> str:
    return "".join(line + "\n" for trace in race for line in lines(trace))


def sentence(data) -> str:
    with pytest.raises(UserError) as caught:
        loads(data.encode() if isinstance(data, str) else data, "race.jsonl")
    text = str(caught.value)
    assert text.startswith("race.jsonl") and text.endswith(".") and "\n" not in text
    return text


@settings(max_examples=15, deadline=None)
@given(races(min_lanes=1, max_lanes=3))
def test_round_trip(race):
    assert loads(text_of(race).encode()) == race


@pytest.mark.parametrize("name", ["race.jsonl", "race.jsonl.gz"])
def test_file_round_trip_is_stable(tmp_path, name):
    dump(example_race(), tmp_path / name)
    first = (tmp_path / name).read_bytes()
    dump(load(tmp_path / name), tmp_path / name)
    assert (tmp_path / name).read_bytes() == first


def test_a_running_lane_is_written_as_cancelled():
    assert loads(text_of([Trace(make_run())]).encode())[0].end == {"reason": "cancelled"}


def test_truncated():
    whole = text_of(example_race())
    assert "truncated" in sentence("".join(whole.splitlines(True)[:-1]))
    assert "truncated" in sentence("")
    assert "damaged" in sentence(whole[:-20])


def test_foreign_and_other_version():
    assert "neither" in sentence('{"hello": 1}\n')
    assert "not a text file" in sentence(b"\x89PNG\r\n\x1a\n\xff\xfe")
    assert "version 2" in sentence('{"mtpviz_trace": 2, "run": {}}\n')
    assert "damaged" in sentence("a,b\n1,2\n")


def test_too_large(monkeypatch):
    monkeypatch.setattr(trace_file, "MAX_FILE_BYTES", 1000)
    assert "MiB" in sentence(text_of(example_race()))


def test_files_that_cannot_be_read(tmp_path):
    whole = gzip.compress(text_of(example_race()).encode())
    damaged = bytearray(whole)
    damaged[60:400] = bytes(340)
    for name, data in {"cut.jsonl.gz": whole[:200], "damaged.jsonl.gz": bytes(damaged),
                       "plain.jsonl.gz": b"{}\n"}.items():
        (tmp_path / name).write_bytes(data)
        with pytest.raises(UserError, match="may be damaged"):
            load(tmp_path / name)
    with pytest.raises(UserError, match="no trace file"):
        load(tmp_path / "none.jsonl")
    with pytest.raises(UserError):
        load(tmp_path)


def damaged_steps():
    good = trace_file.step_to_dict(make_step(0, parents=(-1, 0), accepted=(0,)))
    for change in [{"nodes": [[1, 0, 1]]}, {"rows": []}, {"accepted": [1]}, {"accepted": [7]}, {"texts": ["a"]},
                   {"index": 5}, {"clock_ms": "x"}, {"clock_ms": float("nan")}, {"time_ms": {"draft": None}},
                   {"emitted": ["x", 1]}, {"texts": [1, 2]}, {"texts": ["\ud800", ""]}, {"root": 0.5}, {"notes": 3},
                   {"nodes": [[1, -1, 1, "<b>"], [2, 0, 1]]}, {"unknown": 1}]:
        yield good | change


@pytest.mark.parametrize("step", list(damaged_steps()), ids=lambda step: None)
def test_damaged_steps(step):
    header, closing = [next(lines(Trace(make_run()))), '{"end":{"reason":"length"}}']
    assert "line 2 is damaged" in sentence("\n".join([header, json.dumps({"step": step}), closing]))


@pytest.mark.parametrize("change", [{"prompt": 5}, {"model": None}, {"prompt_tokens": ["x"]}, {"prefill_ms": "1"},
                                    {"title": "\ud800"}, {"pieces": []}, {"first": None}, {"extra": 1}])
def test_damaged_run(change):
    header = json.loads(next(lines(Trace(make_run()))))
    header["run"] |= change
    assert "line 1 is damaged" in sentence(json.dumps(header))


def test_lanes_out_of_order():
    header, closing = lines(Trace(make_run()))
    step = json.dumps({"step": trace_file.step_to_dict(make_step(0))})
    assert "no end" in sentence("\n".join([header, header, closing]))
    assert "before its run" in sentence("\n".join([step, header, closing]))
    assert "step 0 where step 1" in sentence("\n".join([header, step, step, closing]))
    sentence("[" * 100000)


def test_properties_of_a_trace():
    trace = Trace(make_run(first=1, first_text="A"), [make_step(0, parents=(-1, 0), accepted=(0, 1), clock=11.0),
                                                      make_step(1, clock=16.0)])
    assert trace.tau == 2.0 and trace.token_ids == [1, 10, 11, 99, 99] and trace.text == "A a a a a"
    assert trace.steps[0].kinds == ["accepted", "accepted", "bonus"] and trace.steps[1].kinds == ["target"]
    assert trace.inter_token_ms() == [5.0, 0.0, 0.0, 5.0] and trace.decode_ms == 10.0 and trace.tokens_per_s == 400.0
    empty = Trace(make_run())
    assert empty.tau == 0.0 and empty.tokens_per_s == 0.0 and empty.text == "" and empty.distinct_4grams == 1.0
