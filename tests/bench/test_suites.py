"""The suites, small: their documents, their exit status, the harness's arithmetic."""

import json

import pytest

from mtpviz.__main__ import main
from mtpviz.bench import lossless, prompts, suites
from mtpviz.bench.clock import Clock
from mtpviz.bench.harness import in_turns, lanes, spread, together
from mtpviz.bench.report import Goal, Report, Table
from mtpviz.errors import UserError
from tests.traces import example_race

SHAPES = ("auto", "chain", "dynamic", "opt")


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


def test_lossless_meets_every_pair_of_tree_and_vocabulary(tmp_path, capfd, monkeypatch):
    """Over five prompts; on the bundled model, which has maps and static trees, without decoding anything."""
    records = [{"id": str(i), "domain": "tales", "prompt": "Once upon a time"} for i in range(5)]
    (tmp_path / "prompts.jsonl").write_text("".join(json.dumps(record) + "\n" for record in records))
    seen, plain = [], example_race()[0]
    monkeypatch.setattr(lossless, "decode", lambda session, spec, *rest: seen.append(spec) or plain)
    words = ["--prompts", str(tmp_path / "prompts.jsonl"), "--threads", "1", "--dtype", "bf16", "--json"]
    status, report = run(capfd, "lossless", *words)
    pairs = {tuple(spec.split(":")) for spec in seen}
    for name in ("medusa", "lmtp", "fastmtp", "eagle", "eagle3", "firp"):
        assert {(name, f"tree={tree}", f"vocab={vocab}") for tree in (*SHAPES, "static")
                for vocab in ("auto", "full", "en", "zh", "code")} <= pairs
    assert status == 0 and ("lookup",) in pairs and ("draft", "tree=opt", "vocab=zh") in pairs
    seen.clear()
    status, report = run(capfd, "lossless", *words, "--strategies", "eagle,medusa:tree=chain:vocab=en")
    assert {row["strategy"] for row in report["tables"][0]["rows"]} == {
        "medusa:tree=chain:vocab=en", *(f"eagle:tree={tree}" for tree in (*SHAPES, "static"))}
    assert main(["bench", "lossless", *words, "--strategies", "eagel"]) == 2 and "eagel" in capfd.readouterr().err


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
    specs = ["ntp", "lookup", "draft:tree=auto", "draft:tree=chain:depth=2", "mtp"]
    status, report = run(capfd, "strategies", *options, "--repeats", "2", "--strategies", ",".join(specs[1:]),
                         "--out", str(path))
    assert status == 0 and json.loads(path.read_text()) == report
    mean, plain, looping, compared, by_depth, along, peers = (table["rows"] for table in report["tables"])
    assert {row["strategy"] for row in plain + looping} == set(specs)
    assert {row["temperature"] for row in plain + looping} == {0.0, 1.0}
    for row in plain + looping:
        assert row["tau"] >= 1 and row["tokens/s"]["n"] == row["runs"] and row["speedup"]["median"] > 0
        assert row["ratio"] == pytest.approx(row["speedup"]["median"] / row["predicted"])
        assert (row["distinct 4-grams"] < 0.5) == (row in looping)
    assert all(row["predicted"] <= 1 for row in plain + looping if row["strategy"] == "ntp")
    assert {(row["strategy"], row["temperature"], row["domain"]) for row in compared} == {
        ("draft", temperature, domain) for temperature in (0.0, 1.0) for domain in ("tales", "python")}
    for row in by_depth:
        whole = next(other for other in plain if all(other[key] == row[key] for key in row if "depth" not in key))
        assert row["depth 1"].startswith(f"{whole['prefix'][0]:.2f}")
    assert {row["strategy"] for row in along} == set(specs[1:])
    assert all(list(row)[1:] == ["0-127", "128-255", "256-383", "384-399"] for row in along)
    assert peers[0]["engine"] == "mtpviz ntp" and peers[0]["ntp is faster by"]["median"] == 1.0
    assert any(goal["what"].startswith("auto against the best other tree") for goal in report["goals"])


def test_strategies_takes_every_drafter_as_it_is_set_or_with_every_tree(session):
    from argparse import Namespace

    from mtpviz.bench.strategies import _specs

    names, missing = _specs(session, Namespace(strategies=None, trees=False))
    assert names[0] == "ntp" and {"lookup", "draft", "mtp"} <= set(names) and not any(":" in name for name in names)
    every, _ = _specs(session, Namespace(strategies=None, trees=True))
    assert {f"draft:tree={shape}" for shape in SHAPES} <= set(every) and "draft:tree=static" not in every
    assert any(reason.startswith("draft:tree=static: ") for reason in missing)
    with pytest.raises(UserError, match="eagel"):
        _specs(session, Namespace(strategies="eagel", trees=False))


def test_figures_are_what_their_definitions_say():
    from mtpviz.bench.figures import auto_by_best, figures, means, predicted_speedup, tau_along
    base, lane = example_race()[:2]
    row = figures([(lane, base)])
    work = (row["verify ms"] + row["draft ms"]) / figures([(base, base)])["verify ms"]
    emitted = sum(len(step.emitted) for step in lane.steps) / len(lane.steps)
    assert predicted_speedup([lane], [base]) == pytest.approx(emitted / work) == pytest.approx(row["predicted"])
    assert sum(value is not None for value in tau_along([lane], 1024).values()) >= 1

    def measured(strategy, domain, tau, speed):
        return {"temperature": 0.0, "domain": domain, "strategy": strategy, "tau": tau, "speedup": spread([speed])}

    rows = [measured("draft:tree=auto", "chat", 2.0, 1.5), measured("draft:tree=chain", "chat", 3.0, 2.0),
            measured("draft:tree=chain", "zh", 2.0, 1.0), measured("draft:tree=opt", "chat", 3.0, 1.8),
            measured("draft:tree=chain", "tales", 4.0, 3.0)]
    (found,) = auto_by_best(rows)
    assert found["best tree"] == "tree=chain" and found["auto by best"] == 0.75
    mean = next(row for row in means(rows) if row["strategy"] == "draft:tree=chain")
    assert mean["tau"] == 2.5 and mean["speedup"] == 1.5 and mean["speedup, tales"] == 3.0
    assert mean["domains"] == ["chat", "zh"]


def test_usual_prompts_are_the_bundled_ones():
    found = prompts.select(prompts.usual(), None, None)
    assert list(found) == ["tales", "stories", "chat", "python", "zh"]
    assert all(len(texts) == 20 and all(prompt.text.strip() for prompt in texts) for texts in found.values())


def test_peers_judges_every_goal(options, capfd):
    status, report = run(capfd, "peers", *options, "--repeats", "1")
    assert status == 0
    assert len(report["goals"]) == 2 + 2 + 2 + 1 + 3
    engines = {row["engine"] for row in report["tables"][0]["rows"]}
    assert engines == {"mtpviz ntp", "transformers generate", "transformers prompt lookup", "transformers assisted"}
    assert [row["dtype"] for row in report["tables"][1]["rows"]] == ["bf16", "fp32"]
    assert report["tables"][2]["rows"][0]["against 1 row"]["median"] == 1.0
    drafts = report["tables"][3]["rows"]
    assert "draft" in {row["draft"] for row in drafts} and all(row["of a target pass"]["median"] > 0 for row in drafts)


def test_vocabulary_times_a_step_with_every_size_of_map(capfd):
    words = ["--vocab", "3000", "--hidden", "128", "--kept", "600,300", "--rows", "1,3", "--repeats", "2", "--threads",
             "1", "--json"]
    status, report = run(capfd, "vocabulary", *words)
    timed, own = (table["rows"] for table in report["tables"])
    assert status == 0 and [(row["rows"], row["kept"]) for row in timed] == [
        (rows, kept) for rows in (1, 3) for kept in (3000, 600, 300)]
    assert [row["vocabulary"] for row in own] == 2 * ["full", "en", "zh", "code"]
    for row in timed + own:
        assert all(row[f"{part} ms"]["median"] > 0 for part in ("layer", "unembedding", "best"))
        assert row["against full"]["median"] == 1.0 or row["share"] < 1
    assert all(row["coverage"] > 0.9 for row in own if row["vocabulary"] != "full")
    for wrong, hint in ((["--kept", "3001"], "from 1 to 3,000"), (["--rows", "x"], "separated by commas"),
                        (["--hidden", "100"], "multiple of 64"), (["--repeats", "0"], "at least 1")):
        assert main(["bench", "vocabulary", *words, *wrong]) == 2 and hint in capfd.readouterr().err


def test_a_strategy_without_its_model_is_left_out_and_told(session, monkeypatch):
    monkeypatch.setattr(type(session), "draft", property(lambda self: (_ for _ in ()).throw(UserError("No draft."))))
    specs, missing = lanes(session)
    assert {"ntp", "lookup"} <= set(specs) and "draft:tree=auto: No draft." in missing
    assert not any(spec.startswith("draft") for spec in specs)


def test_the_clock_tells_what_is_left(monkeypatch):
    now, told = [0.0], []
    monkeypatch.setattr("time.monotonic", lambda: now[0])
    clock = Clock(told.append, 100)
    clock.tell("first")
    now[0] = 30.0
    clock.passed(25)
    clock.tell("second")
    clock.passed(50)
    clock.tell("third")
    assert told == ["first", "second; about 90 s left", "third; about 10 s left"]


def test_turns_start_with_another_lane_each_round():
    order = []
    runs = {name: lambda name=name: order.append(name) for name in "abc"}
    rounds = list(in_turns(runs, 3))
    assert "".join(order) == "abcbcacab" and [set(found) for found in rounds] == [{"a", "b", "c"}] * 3


def test_spread_and_steps_together():
    found = spread([4.0, 1.0, 3.0, 2.0, 5.0])
    assert (found.median, found.q1, found.q3, found.n) == (3.0, 2.0, 4.0, 5) and spread([]) is None
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
