"""`bench strategies`, `bench engine` and `record` on the device, tiny: what they measure, and in their time."""

import argparse
import json

import pytest

from mtpviz.bench import engine, strategies
from mtpviz.bench.harness import Bench
from mtpviz.commands import record
from mtpviz.engine.budget import PassCost
from mtpviz.engine.session import Session
from mtpviz.gallery import index
from mtpviz.kernels.device import attention, interpreting, linear, vocab
from mtpviz.kernels.device.attention import Tiling
from mtpviz.kernels.device.tiles import Tile
from tests.tiny import entry

PROMPTS = [{"id": "t1", "domain": "tales", "prompt": "the fox ran"},
           {"id": "t2", "domain": "tales", "prompt": "the sea"},
           {"id": "p1", "domain": "python", "prompt": "def f(x)"}]


@pytest.fixture(scope="module", autouse=True)
def small_tiles():
    if not interpreting():
        yield
        return
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(attention, "tiling_of", lambda head_dim: Tiling(16, 16, 32, 1, 1))
        patch.setattr(vocab, "tile_of_vocab", lambda: Tile(512, 64, 1, 1, 1))
        patch.setattr(linear, "tile_of", lambda n, k: Tile(128, 128, 1, 1, 1))
        yield


@pytest.fixture(scope="module")
def session(tmp_path_factory):
    found = entry(tmp_path_factory.mktemp("tiny"), num_hidden_layers=2, num_attention_heads=2, num_key_value_heads=1)
    opened = Session(found, "cuda", "fp32")
    opened._pass_costs[opened.threads], opened._read_gb_s[opened.threads] = PassCost((1, 64), [1.0, 1.2]), 1.0
    return opened


@pytest.fixture
def prompts(tmp_path):
    path = tmp_path / "prompts.jsonl"
    path.write_text("".join(json.dumps(prompt) + "\n" for prompt in PROMPTS))
    return str(path)


def arguments(add, *words: str) -> argparse.Namespace:
    parser = argparse.ArgumentParser()
    add(parser)
    return parser.parse_args(words)


def test_strategies_are_measured_and_what_is_out_of_time_is_told(session, prompts):
    args = arguments(strategies.add_arguments, "--prompts", prompts, "--strategies", "lookup:nodes=3,mtp:tree=chain",
                     "--max-new-tokens", "5", "--repeats", "1", "--to-context", "0")
    report = strategies.run(Bench(args, lambda dtype: session, lambda line: None))
    tables = {table.title: table for table in report.tables}
    rows = [*tables["Strategies"].rows, *tables["Texts that repeat themselves"].rows]
    assert {row["strategy"] for row in rows} == {"ntp", "lookup:nodes=3", "mtp:tree=chain"}
    assert sum(row["runs"] for row in rows) == 2 * 3 * 3  # temperatures, prompts, lanes
    peers = tables["Next-token prediction against transformers"].rows
    assert {row["engine"] for row in peers} >= {"mtpviz ntp", "transformers generate", "transformers assisted"}
    args.minutes = 0.0
    report = strategies.run(Bench(args, lambda dtype: session, lambda line: None))
    tables = {table.title: table for table in report.tables}
    assert "5 prompts were left out: the time was up." in tables["Strategies"].note
    assert not tables["Next-token prediction against transformers"].rows


def test_every_section_of_the_engine_s_report_runs(session):
    names = [name for name in engine.SECTIONS if name not in ("checks", "attention")]  # minutes in the interpreter
    args = arguments(engine.add_arguments, "--models", "tiny", "--contexts", "12", "--repeats", "1", "--sections",
                     ",".join(names if not interpreting() else [n for n in names if n != "bitwise"]))
    report = engine.run(Bench(args, lambda dtype: session, lambda line: None))
    assert not [found for found in report.sections.values() if "error" in found], report.sections
    assert len(json.dumps(report.document(), default=str)) < 200_000
    assert {"Products with weights", "Next-token steps", "Batches"} <= {table.title for table in report.tables}


def test_races_are_recorded_until_the_time_is_up(session, prompts, tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(record, "open_session", lambda args: session)
    monkeypatch.setattr(record, "_able", lambda session: (["ntp", "lookup"], []))
    words = ("--prompts", prompts, "--domains", "tales,python", "--max-new-tokens", "4", "--out", str(tmp_path))
    args = arguments(record.add_arguments, *words, "--temperatures", "0")
    args.command_line = "test"
    assert record.run(args) == 0
    assert {entry["name"] for entry in index(tmp_path)} == {"tales-greedy-cuda", "python-greedy-cuda"}
    args.minutes = -1.0
    assert record.run(args) == 0 and "left out, the time was up" in capsys.readouterr().out
