"""Draft heads from the command line: texts of the target's own, training, and heads that the engine drafts with."""

import json
import re

import pytest
import torch

from mtpviz.__main__ import main
from mtpviz.engine.sampling import Sampling
from mtpviz.engine.session import Session
from mtpviz.models.catalogue import ModelEntry
from mtpviz.race import Race
from mtpviz.training.heads import recipes
from mtpviz.training.tokenizer import save_tokenizer
from tests.models.checkpoints import make


def call(*words):
    return main(["train", *(str(word) for word in words)])


@pytest.fixture(scope="module", params=["qwen3", "qwen2"])
def target(request, tokenizer, tmp_path_factory):
    """A random model of another family than the bundled one's, with the corpus' tokenizer."""
    folder = tmp_path_factory.mktemp(request.param)
    model = make(request.param, folder, vocab_size=tokenizer.get_vocab_size(), num_hidden_layers=4, eos_token_id=0,
                 bos_token_id=0)
    with torch.no_grad():
        model.get_output_embeddings().weight[0] = 0  # never among the likeliest, so no text ends early
    model.save_pretrained(folder)
    save_tokenizer(tokenizer, folder)
    return folder


def test_every_head_of_any_target_from_texts_to_lossless_drafts(target, corpus, tmp_path, capfd):
    texts, held_out, out = tmp_path / "texts", tmp_path / "held-out", tmp_path / "run"
    engine = ("--model", target, "--dtype", "fp32", "--threads", "1")
    assert call("texts", "--corpus", corpus, "--tokens", 900, "--out", texts, *engine) == 0
    assert call("texts", "--corpus", corpus, "--tokens", 700, "--out", held_out, "--held-out", *engine) == 0
    assert json.loads((held_out / "texts.json").read_text())["greedy_share"] == 1.0
    data = ("--model", target, "--texts", texts, "--held-out", held_out, "--out", out, "--dtype", "float32")
    assert call("heads", *data, "--tokens", 500) == 0
    capfd.readouterr()
    assert call("heads", *data, "--tokens", 1000, "--resume") == 0
    printed, told = capfd.readouterr()
    for name in recipes():
        assert re.search(rf"^{name} +\d\.\d{{3}} +\d\.\d{{3}} \(\d\.\d{{3}}\)", printed, re.MULTILINE), printed
        assert f"{name} " in told and (out / name / "README.md").is_file()
    assert "held-out tau" in told and (out / "curves.svg").read_text().count("eagle3") >= 2
    log = [json.loads(line) for line in (out / "log.jsonl").read_text().splitlines()]
    assert [record["step"] for record in log if record.get("head") == "firp"] == [0, 1, 2, 3]

    session = Session(ModelEntry("any", target, heads={name: out / name for name in recipes()}), dtype="fp32",
                      threads=1)
    for sampling in (Sampling(), Sampling(temperature=0.7, top_p=0.9, top_k=20)):
        race = Race(session, [f"{name}:tree=chain" for name in recipes()], "the little fox", sampling, 24)
        assert list(race)
        for trace in race.traces:
            assert trace.token_ids == race.traces[0].token_ids
        assert all(any(step.nodes for step in trace.steps) for trace in race.traces[1:])
