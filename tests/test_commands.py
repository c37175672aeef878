"""The command line: documents, traces, and one sentence for every bad input."""

import io
import json
import os
import re
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from mtpviz.__main__ import COMMANDS, main
from mtpviz.models.catalogue import ASSETS
from mtpviz.trace import load

ROOT = Path(__file__).resolve().parents[1]
LANE = {"strategy", "text", "token_ids", "tau", "tokens_per_s", "speedup", "exact", "time_ms", "first_token_ms",
        "inter_token_ms", "distinct_4grams"}
RUN = {"device", "hardware", "dtype", "threads", "model", "prompt", "sampling", "seed", "versions", "date"}


@pytest.fixture(scope="module")
def tiny(tiny_entry):
    """Options that name the tiny models."""
    return ["--model", str(tiny_entry.folder), "--head", str(tiny_entry.draft_folder), "--threads", "1",
            *(word for head in tiny_entry.heads.values() for word in ("--head", str(head)))]


@pytest.fixture
def call(capfd):
    """Run a command in this process; its status, standard output and standard error."""

    def run(*argv) -> tuple[int, str, str]:
        try:
            status = main([str(word) for word in argv])
        except SystemExit as error:  # argparse
            status = error.code
        return status, *capfd.readouterr()

    return run


def start(*argv, **options) -> subprocess.Popen:
    return subprocess.Popen([sys.executable, "-m", "mtpviz", *argv], cwd=ROOT, stdout=subprocess.PIPE,
                            stderr=subprocess.PIPE, text=True, **options)


def check_race(document: dict, strategies: list[str]) -> None:
    assert [lane["strategy"] for lane in document["lanes"]] == strategies and RUN <= set(document)
    for lane in document["lanes"]:
        assert set(lane) >= LANE
        assert lane["exact"] is True and lane["token_ids"] == document["lanes"][0]["token_ids"]
        assert lane["tau"] >= 1 and lane["tokens_per_s"] > 0 and lane["speedup"] > 0 and lane["first_token_ms"] > 0
        assert set(lane["time_ms"]) == {"draft", "verify", "commit", "host"}
        assert set(lane["inter_token_ms"]) == {"p50", "p95"}
    assert document["lanes"][0]["speedup"] == 1.0


def test_help_lists_the_commands_and_imports_no_engine():
    script = ("import sys; from mtpviz.__main__ import main\n"
              "try: main(['--help'])\n"
              "finally: assert 'numpy' not in sys.modules")
    done = subprocess.run([sys.executable, "-c", script], cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 0 and not done.stderr
    assert all(name in done.stdout for name in COMMANDS)


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_has_help(name, call):
    status, out, err = call(name, "--help")
    assert status == 0 and "--" in out and not err


def test_race_prints_one_document(tiny, tmp_path):
    """In a process of its own, on the bundled model where there is one."""
    model = [] if (ASSETS / "models" / "target").is_dir() else tiny
    path = tmp_path / "race.jsonl.gz"
    process = start("race", "Once upon a time", "--strategies", "ntp,draft,lookup", "--max-new-tokens", "32", "--json",
                    "--trace", str(path), *model)
    out, err = process.communicate()
    assert process.returncode == 0 and not err
    document = json.loads(out)
    check_race(document, ["ntp", "draft", "lookup"])
    traces = load(path)
    assert [trace.token_ids for trace in traces] == [lane["token_ids"] for lane in document["lanes"]]
    assert "race" in traces[0].run.command and traces[1].steps[0].rows[0].top


def test_sampled_race_is_exact_by_the_match_rule(tiny, call):
    status, out, _ = call("race", "the fox", "--strategies", "lookup,draft:tree=chain:depth=3", "--temperature", "0.9",
                          "--top-p", "0.95", "--top-k", "50", "--min-p", "0.01", "--seed", "3",
                          "--max-new-tokens", "24", "--json", *tiny)
    assert status == 0
    document = json.loads(out)
    check_race(document, ["ntp", "lookup", "draft"])
    assert document["sampling"]["temperature"] == 0.9 and document["seed"] == 3


def test_race_in_words(tiny, call):
    status, out, err = call("race", "the fox", "--max-new-tokens", "16", "--strategies", "draft,lookup,mtp", *tiny)
    assert status == 0 and not err
    assert all(name in out for name in ("ntp", "draft", "mtp", "lookup", "speedup", "tau", "exact", "all lanes"))


def test_generate_streams_what_its_document_holds(tiny, call, monkeypatch, tmp_path):
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO("the fox ä\n".encode())))
    status, out, err = call("generate", "-", "--strategy", "draft", "--max-new-tokens", "20", "--json", "--trace",
                            tmp_path / "run.parquet", *tiny)
    assert status == 0 and not err
    lane = json.loads(out)
    assert set(lane) >= LANE | RUN and lane["prompt"] == "the fox ä" and len(lane["token_ids"]) == 20
    assert (tmp_path / "run.parquet").stat().st_size > 0
    status, out, err = call("generate", "the fox ä", "--max-new-tokens", "20", *tiny)
    assert status == 0 and not err
    shown = [c for c in lane["text"] if c.isprintable()]
    assert [c for c in out if c.isprintable() and not "\u2400" <= c <= "\u2426"] == shown


def test_doctor_tells_what_was_promised(tiny, call):
    status, out, err = call("doctor", "--json", *tiny)
    assert status == 0 and not err
    found = json.loads(out)
    assert {"device", "dtype", "dtype_reason", "threads", "tokens_per_s", "threading_layer", "bandwidth_gb_s",
            "pass_ms", "linears_ms", "invariance", "isa", "versions", "model", "draft_model", "exports",
            "problems"} <= set(found)
    assert found["invariance"]["invariant"] and found["bandwidth_gb_s"] > 0.1
    assert {"1", "64"} <= set(found["pass_ms"]) and min(found["pass_ms"].values()) > 0
    assert all(problem.endswith(".") for problem in found["problems"])
    status, out, _ = call("doctor", *tiny)
    assert status == 0 and "invariant" in out


def broken(folder: Path, tiny_entry, damage: str) -> Path:
    """A copy of the tiny target with one thing wrong."""
    copy = Path(shutil.copytree(tiny_entry.folder, folder / damage))
    config, weights = copy / "config.json", copy / "model.safetensors"
    if damage == "truncated":
        weights.write_bytes(weights.read_bytes()[:-1000])
    elif damage == "no-weights":
        weights.unlink()
    elif damage == "family":
        config.write_text(json.dumps(json.loads(config.read_text()) | {"model_type": "mamba"}))
    elif damage == "config":
        config.write_text("{")
    elif damage == "tokenizer":
        (copy / "tokenizer.json").write_text("[]")
    return copy


BAD = {
    "empty prompt": (["race", ""], "empty"),
    "blank prompt": (["generate", "  \n"], "empty"),
    "prompt beyond the context": (["race", "fox " * 2000], "fewer than"),
    "no new tokens": (["race", "fox", "--max-new-tokens", "0"], "at least 1"),
    "negative new tokens": (["generate", "fox", "--max-new-tokens", "-3"], "at least 1"),
    "new tokens in words": (["race", "fox", "--max-new-tokens", "many"], "many"),
    "unknown strategy": (["race", "fox", "--strategies", "ntp,psychic"], "psychic"),
    "unknown strategy alone": (["generate", "fox", "--strategy", "psychic"], "psychic"),
    "no strategy": (["race", "fox", "--strategies", ","], "strategy"),
    "unknown setting": (["race", "fox", "--strategies", "draft:colour=red"], "colour"),
    "setting without value": (["race", "fox", "--strategies", "draft:tree"], "tree"),
    "setting out of range": (["race", "fox", "--strategies", "draft:depth=99"], "depth"),
    "temperature": (["race", "fox", "--temperature", "-1"], "temperature"),
    "temperature nan": (["race", "fox", "--temperature", "nan"], "temperature"),
    "top-p": (["race", "fox", "--top-p", "0"], "op-p"),
    "seed": (["race", "fox", "--seed", "-1"], "seed"),
    "device": (["race", "fox", "--device", "cuda"], "--device cpu"),
    "dtype": (["race", "fox", "--dtype", "int3"], "int3"),
    "threads": (["race", "fox", "--threads", "100000"], "threads"),
    "head": (["race", "fox", "--head", "no/such/head"], "no/such/head"),
    "strategy without its head": (["race", "fox", "--model", "TARGET", "--strategies", "draft"], "draft model"),
    "trace into nowhere": (["race", "fox", "--trace", "/no/such/folder/x.jsonl"], "folder"),
    "no command": ([], "required"),
    "unknown command": (["fly"], "fly"),
    "unknown option": (["race", "fox", "--wings"], "--wings"),
    "unknown suite": (["bench", "fly"], "fly"),
    "unknown domain": (["bench", "lossless", "--domains", "poems"], "poems"),
    "report format": (["bench", "lossless", "--out", "report.doc"], ".json"),
}


@pytest.mark.parametrize("name", BAD)
def test_bad_input_is_one_sentence(name, call, tiny):
    argv, hint = BAD[name]
    takes_model = argv and argv[0] in ("race", "generate") or "lossless" in argv
    model = tiny if takes_model and "TARGET" not in argv else []
    argv = [tiny[1] if word == "TARGET" else word for word in argv]
    check_sentence(*call(*argv[:2], *model, *argv[2:]), hint)


@pytest.mark.parametrize("damage, hint", [("truncated", "truncated"), ("no-weights", "safetensors"),
                                          ("family", "mamba"), ("config", "JSON"), ("tokenizer", "tokenizer")])
def test_damaged_model_folder_is_one_sentence(damage, hint, call, tiny_entry, tmp_path):
    check_sentence(*call("race", "fox", "--model", broken(tmp_path, tiny_entry, damage)), hint)


def test_missing_model_is_one_sentence_in_a_process_of_its_own():
    process = start("race", "fox", "--model", "no/such/model")
    out, err = process.communicate()
    check_sentence(process.returncode, out, err, "no/such/model")


def check_sentence(status: int, out: str, err: str, hint: str) -> None:
    assert status == 2 and not out, (status, out, err)
    assert re.fullmatch(r"[^\n]+\.\n", err) and hint in err and "Traceback" not in err, err


def test_a_reader_that_leaves_is_no_error(tiny):
    process = start("generate", "the fox", *tiny)
    process.stdout.close()
    assert process.wait(120) == 141 and not process.stderr.read()


def test_ctrl_c_is_quiet(tiny):
    # It waits for a prompt that never comes. A shell's background job ignores SIGINT and hands that on: undo it. What
    # happens before main() is Python's own start, which takes as long as the machine is busy: wait for its word.
    program = "import sys; from mtpviz.__main__ import main; print('started', flush=True); sys.exit(main(sys.argv[1:]))"
    process = subprocess.Popen(
        [sys.executable, "-c", program, "generate", "-", *tiny], cwd=ROOT,
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.default_int_handler))
    assert process.stdout.readline() == b"started\n"
    time.sleep(0.5)
    os.kill(process.pid, signal.SIGINT)
    assert process.wait(60) == 130 and not process.stderr.read()
