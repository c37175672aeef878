"""`bench strategies` and `record` on a device from their command lines, tiny: what is measured and what is written."""

import json
import shutil

import pytest
from check_device import small_tiles  # noqa: F401

from mtpviz import gallery
from mtpviz.__main__ import main
from mtpviz.engine.budget import PassCost
from mtpviz.engine.device.gpu import Gpu
from mtpviz.trace import load
from tests.tiny import entry

PROMPTS = [("tales", "the fox ran"), ("python", "def f(x)")]


@pytest.fixture(scope="module")
def options(tmp_path_factory):
    """A one-layer target with nothing beside it, two prompts, the device. The price of a pass is given: measuring
    it takes minutes in the interpreter."""
    folder = tmp_path_factory.mktemp("tiny")
    found = entry(folder, num_hidden_layers=1, num_attention_heads=2, num_key_value_heads=1)
    (folder / "prompts.jsonl").write_text("".join(
        json.dumps({"id": domain, "domain": domain, "prompt": text}) + "\n" for domain, text in PROMPTS))
    shutil.copytree(found.folder, folder / "alone")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Gpu, "pass_cost", lambda gpu, model, context: PassCost((1, 64), [1.0, 1.2]))
        yield ["--model", str(folder / "alone"), "--device", "cuda", "--dtype", "fp32", "--prompts",
               str(folder / "prompts.jsonl"), "--max-new-tokens", "3", "--json"]


def test_strategies_are_measured_on_a_device(options, capfd):
    words = ["--strategies", "lookup:nodes=3", "--repeats", "1", "--to-context", "0", "--domains", "tales"]
    assert main(["bench", "strategies", *words, *options]) == 0
    report = json.loads(capfd.readouterr().out)
    tables = {table["title"]: table for table in report["tables"]}
    rows = [*tables["Strategies"]["rows"], *tables["Texts that repeat themselves"]["rows"]]
    assert {(row["temperature"], row["strategy"]) for row in rows} == {
        (heat, name) for heat in (0.0, 1.0) for name in ("ntp", "lookup:nodes=3")}
    assert all(row["tau"] >= 1 and row["runs"] == 1 for row in rows)
    engines = {row["engine"] for row in tables["Next-token prediction against transformers"]["rows"]}
    assert engines == {"mtpviz ntp", "transformers generate", "transformers prompt lookup"}
    assert report["environment"]["device"] == "cuda"


def test_races_are_recorded_on_a_device(options, tmp_path, capfd):
    words = ["--temperatures", "0", "--out", str(tmp_path), *options]
    for domain, _ in PROMPTS:
        assert main(["record", "--domains", domain, *words]) == 0
    told = json.loads(capfd.readouterr().out.splitlines()[-1])
    names = ["tales-greedy-cuda", "python-greedy-cuda"]
    assert [race["name"] for race in told["races"]] == [race["name"] for race in gallery.index(tmp_path)] == names
    for name in names:
        plain, lookup = load(gallery.path(name, tmp_path))
        assert (plain.run.strategy, lookup.run.strategy, plain.run.device) == ("ntp", "lookup", "cuda")
        assert len(plain.token_ids) == 3 and plain.token_ids == lookup.token_ids
        assert all(step.rows[0].top and step.time_ms["verify"] > 0 for step in plain.steps)
    assert main(["record", "--domains", "tales", "--minutes", "-1", *words]) == 0
    told = json.loads(capfd.readouterr().out)
    assert told["missing"] == [*told["missing"][:-1], "tales at temperature 0: left out, the time was up"]
