"""The recorded races: whole, labelled, small enough; and one of them runs again to the same tokens."""

import json

import pytest

from mtpviz import gallery
from mtpviz.commands.record import LARGEST
from mtpviz.discover import strategies
from mtpviz.engine.sampling import Sampling
from mtpviz.errors import UserError


def test_the_index_tells_what_the_files_hold():
    entries = gallery.index()
    assert {(entry["domain"], bool(entry["temperature"])) for entry in entries} >= {
        (domain, sampled) for domain in ("tales", "stories", "chat", "python", "zh") for sampled in (False, True)}
    files = {path.name for path in gallery.FOLDER.glob("*.gz")} - {"first.jsonl.gz"}
    assert files == {gallery.path(entry["name"]).name for entry in entries}
    for entry in entries:
        traces = gallery.race(entry["name"])
        assert gallery.entry(entry["name"], entry["domain"], traces) == entry
        assert all(trace.run.recorded for trace in traces) and entry["lanes"][0]["strategy"] == "ntp"
        assert entry["commit"] and entry["command"].startswith("python -m mtpviz record") and entry["hardware"]


def test_the_gallery_stays_small():
    assert sum(path.stat().st_size for path in gallery.FOLDER.iterdir()) <= LARGEST


def test_every_lossless_lane_of_a_recorded_race_is_exact():
    for entry in gallery.index():
        for lane, trace in zip(entry["lanes"], gallery.race(entry["name"]), strict=True):
            if trace.run.lossless and trace.run.sampling["rule"] in ("greedy", "match") and not trace.run.peer:
                assert lane["exact"] is True, (entry["name"], lane["strategy"])


def test_without_an_index_there_is_no_race(tmp_path):
    assert gallery.index(tmp_path) == []
    with pytest.raises(UserError, match="the gallery has 0"):
        gallery.race("tales-greedy-cpu", tmp_path)


def test_a_recorded_greedy_race_runs_again_to_the_same_tokens():
    """On this machine, whatever it is, with the bundled model: if its weights changed, the races must be recorded
    anew."""
    from mtpviz.bench.harness import decode
    from mtpviz.engine.session import Session
    from mtpviz.models.catalogue import resolve

    traces = gallery.race("tales-greedy-cpu")
    run = traces[0].run
    session = Session(resolve("bundled"), dtype=run.dtype)
    assert session.model_card["hash"] == run.model["hash"], "another model is bundled now; run python -m mtpviz record"
    for trace in traces:
        if trace.run.strategy in strategies() and trace.run.lossless:
            spec = ":".join([trace.run.strategy, *_settings(trace.run)])
            again = decode(session, spec, run.prompt, Sampling(), run.max_new_tokens)
            assert again.token_ids == trace.token_ids, trace.run.strategy


def _settings(run) -> list[str]:
    known = strategies()[run.strategy].settings
    return [f"{name}={value}" for name, value in run.settings.items() if name in known]


def test_the_index_is_a_line_an_entry():
    text = (gallery.FOLDER / gallery.INDEX).read_text(encoding="utf-8")
    assert json.loads(text) and len(text.splitlines()) == len(json.loads(text)) + 2
