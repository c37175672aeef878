"""The command line of training, up to models that the engine loads, and one sentence for bad input."""

import pytest

from mtpviz.__main__ import main


def call(*words):
    return main(["train", *(str(word) for word in words)])


def test_target_resume_draft_and_export(corpus, tokenizer_folder, tmp_path):
    run, cache = tmp_path / "run", tmp_path / "cache"
    data = ("--corpus", corpus, "--tokenizer", tokenizer_folder, "--cache", cache)
    assert call("target", "--preset", "tiny", *data, "--out", run, "--tokens", 512) == 0
    assert call("target", "--preset", "tiny", *data, "--out", run, "--tokens", 1024, "--resume") == 0
    assert call("draft", "--target", run, *data, "--out", tmp_path / "draft", "--tokens", 512) == 0
    assert (
        call(
            "export",
            "--run",
            run,
            "--tokenizer",
            tokenizer_folder,
            "--corpus",
            corpus,
            "--out",
            tmp_path / "models",
        )
        == 0
    )
    assert (tmp_path / "models/heads/mtp/model.safetensors").is_file()


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        ({"--corpus": "/no/such/folder"}, "Corpus folder /no/such/folder does not exist."),
        ({"--preset": "huge"}, "Unknown preset 'huge'"),
        ({"--tokenizer": "/no/such/folder"}, "No tokenizer.json"),
        ({"--out": "/proc/nowhere"}, "Cannot write to /proc/nowhere"),
        ({"--device": "abacus"}, "Unknown device 'abacus'"),
        ({"--tokens": "0"}, "The budget must be greater than zero."),
        ({"--minutes": "1"}, "Give one budget"),
        ({"--resume": None}, "No checkpoint at"),
    ],
)
def test_bad_input_is_one_sentence_and_status_2(corpus, tokenizer_folder, tmp_path, capsys, change, sentence):
    given = {
        "--corpus": corpus,
        "--tokenizer": tokenizer_folder,
        "--out": tmp_path,
        "--preset": "tiny",
        "--tokens": 256,
    } | change
    words = [word for pair in given.items() for word in pair if word is not None]
    assert call("target", *words) == 2
    message = capsys.readouterr().err.strip()
    assert sentence in message and "\n" not in message


def test_a_checkpoint_of_another_preset_is_refused(corpus, tokenizer_folder, tmp_path, capsys):
    data = ("--corpus", corpus, "--tokenizer", tokenizer_folder, "--out", tmp_path)
    assert call("target", "--preset", "tiny", *data, "--tokens", 256) == 0
    assert call("target", "--preset", "mini", *data, "--tokens", 256, "--resume") == 2
    assert "is of preset 'tiny', not 'mini'" in capsys.readouterr().err


def test_a_damaged_checkpoint_is_one_sentence(tmp_path, capsys):
    (tmp_path / "checkpoint.pt").write_bytes(b"not a checkpoint")
    assert (
        call("export", "--run", tmp_path, "--tokenizer", tmp_path, "--corpus", tmp_path, "--out", tmp_path)
        == 2
    )
    assert "is damaged" in capsys.readouterr().err
