"""The suites, small: their documents, their exit status, the harness's arithmetic."""

import json

import pytest

from mtpviz.__main__ import main
from mtpviz.bench import lossless, prompts, suites
from mtpviz.bench.harness import in_turns, lanes, spread, together
from mtpviz.bench.report import Goal, Report, Table
from mtpviz.errors import UserError

SHAPES = ("auto", "chain", "dynamic")


@pytest.fixture(scope="module")
def options(tiny_entry, tmp_path_factory):
    """Two short prompts and the tiny models."""
    path = tmp_path_factory.mktemp("prompts") / "prompts.jsonl"
    records = [{"id": "t1", "domain": "tales", "prompt": "the fox and the"},
               {"id": "p1", "domain": "python", "prompt": "def f(x): return"}]
    path.write_text("".join(json.dumps(record) + "\n" for record in records))
    return ["--model", str(tiny_entry.folder), "--head", str(tiny_entry.draft_folder), "--head",
            str(tiny_entry.heads["mtp"]), "--prompts", str(path), "--threads", "1", "--max-new-tokens", "16", "--json"]


def run(capfd, *argv) -> tuple[int, dict]:
    status = main(["bench", *argv])
    out, err = capfd.readouterr()
    assert not err
    return status, json.loads(out)


def test_the_suites_are_found():
    assert {"lossless", "peers", "strategies"} <= set(suites())


def test_lossless_counts_identical_texts(options, capfd, tmp_path):
    status, report = run(capfd, "lossless", *options, "--out", str(tmp_path / "report.md"))
    assert status == 0 and report["passed"]
    rows, differences = (table["rows"] for table in report["tables"])
    lanes = {row["strategy"] for row in rows}
    assert {"lookup"} | {f"{name}:tree={shape}" for name in ("draft", "mtp") for shape in SHAPES} <= lanes
    assert not differences and len(rows) == 2 * 2 * 2 * len(lanes)  # dtypes, temperatures, domains
    assert all(row["identical"] == row["prompts"] == 1 and row["tokens"] == 16 for row in rows)
    assert "Every text is identical" in (tmp_path / "report.md").read_text()


def test_lossless_fails_on_one_other_token(options, capfd, monkeypatch):
    plain = lossless.decode

    def wrong(session, spec, *rest):
        trace = plain(session, spec, *rest)
        if spec == "lookup":
            trace.steps[-1].emitted[-1] += 1
        return trace

    monkeypatch.setattr(lossless, "decode", wrong)
    status, report = run(capfd, "lossless", *options, "--domains", "tales", "--dtype", "fp32")
    assert status == 1 and not report["passed"]
    assert [row["first difference at token"] for row in report["tables"][1]["rows"]] == [15, 15]


def test_strategies_tells_every_figure(options, capfd, tmp_path):
    path = tmp_path / "report.json"
    status, report = run(capfd, "strategies", *options, "--repeats", "2", "--out", str(path))
    assert status == 0 and json.loads(path.read_text()) == report
    rows = [row for table in report["tables"] for row in table["rows"]]
    assert {"ntp", "lookup", *(f"draft:tree={shape}" for shape in SHAPES)} <= {row["strategy"] for row in rows}
    assert {row["temperature"] for row in rows} == {0.0, 1.0}
    for row in rows:
        assert row["tau"] >= 1 and row["tokens/s"]["n"] == row["runs"] and row["speedup"]["median"] > 0
    looping = report["tables"][1]["rows"]
    assert all(row["distinct 4-grams"] < 0.5 for row in looping)


def test_peers_judges_every_goal(options, capfd):
    status, report = run(capfd, "peers", *options, "--repeats", "1")
    assert status == 0
    assert len(report["goals"]) == 2 + 2 + 1 + 3
    engines = {row["engine"] for row in report["tables"][0]["rows"]}
    assert engines == {"mtpviz ntp", "transformers generate", "transformers prompt lookup", "transformers assisted"}
    assert [row["dtype"] for row in report["tables"][1]["rows"]] == ["bf16", "fp32"]
    assert report["tables"][2]["rows"][0]["against 1 row"]["median"] == 1.0


def test_a_strategy_without_its_model_is_left_out_and_told(session, monkeypatch):
    monkeypatch.setattr(type(session), "draft", property(lambda self: (_ for _ in ()).throw(UserError("No draft."))))
    specs, missing = lanes(session)
    assert {"ntp", "lookup"} <= set(specs) and "draft: No draft." in missing
    assert not any(spec.startswith("draft") for spec in specs)


def test_turns_start_with_another_lane_each_round():
    order = []
    runs = {name: lambda name=name: order.append(name) for name in "abc"}
    rounds = list(in_turns(runs, 3))
    assert "".join(order) == "abcbcacab" and [set(found) for found in rounds] == [{"a", "b", "c"}] * 3


def test_spread_and_steps_together():
    found = spread([4.0, 1.0, 3.0, 2.0, 5.0])
    assert (found.median, found.q1, found.q3, found.n) == (3.0, 2.0, 4.0, 5) and spread([]) is None
    from tests.traces import example_race

    race = example_race()
    assert len(together(race).steps) == sum(len(trace.steps) for trace in race)


def test_a_report_reads_well():
    environment = {"model": {"name": "m", "parameters": 2e6, "hash": "ab"}, "hardware": "cpu", "dtype": "bf16",
                   "date": "today", "load": 3.0, "disturbed": True}
    report = Report("x", environment, [Table("T", [{"a": spread([1.0, 2.0]), "b": [0.5, None]}], "Note.")],
                    [Goal("fast", "at least 2x", 1.5, False), Goal("small", "at most 1x", None, None)])
    text = report.markdown()
    assert "**not met**" in text and "not judged" in text and "disturbed" in text
    assert "| 1.5 [1.25, 1.75] | 0.5 - |" in text


@pytest.mark.parametrize("line", ["{", "[]", '{"id": 1, "domain": "x"}'])
def test_a_bad_prompt_line_is_one_sentence(line, tmp_path):
    path = tmp_path / "prompts.jsonl"
    path.write_text('{"id": "a", "domain": "d", "prompt": "p"}\n' + line)
    with pytest.raises(UserError, match="Line 2"):
        prompts.load(path)


def test_built_in_prompts_are_chosen_by_domain():
    chosen = prompts.select(prompts.BUILT_IN, ["python", "zh"], 2)
    assert set(chosen) == {"python", "zh"} and all(len(found) == 2 for found in chosen.values())
    for domains, limit in ((["poems"], 2), (None, 0)):
        with pytest.raises(UserError):
            prompts.select(prompts.BUILT_IN, domains, limit)
