"""What a broken-off training or text run goes on with."""

import json
import shutil

import numpy as np
import pytest
import torch
from safetensors.torch import load_file

from mtpviz.engine.session import Session
from mtpviz.errors import UserError
from mtpviz.training.checkpoint import load_checkpoint, save_checkpoint
from mtpviz.training.corpus import read_documents
from mtpviz.training.heads import HeadTraining
from mtpviz.training.run import Budget
from mtpviz.training.selfdistill import read_texts, write_texts
from tests.models.sentences import sentence

NAMES = ("medusa", "fastmtp", "firp:depth=0.5")


@pytest.fixture
def texts():
    draw = np.random.default_rng(0)
    return {"tales": draw.integers(3, 250, 4000).astype(np.uint16), "zh": draw.integers(3, 250, 4000).astype(np.uint16)}


def test_a_resumed_head_training_ends_where_an_unbroken_one_does(tiny_entry, texts, tmp_path):
    def training(folder):
        (tmp_path / folder).mkdir(exist_ok=True)
        return HeadTraining(NAMES, tiny_entry, texts, texts, tmp_path / folder, dtype=torch.float32)

    whole = training("whole")
    for _ in range(3):
        whole._step(0.5)
    part = training("part")
    for _ in range(2):
        part._step(0.5)
    save_checkpoint(part.out, part.state_dict())
    torch.manual_seed(99)
    rest = training("part")
    rest.load_state_dict(load_checkpoint(rest.out))
    rest._step(0.5)
    assert (rest.step, rest.tokens, rest.stream.state) == (whole.step, whole.tokens, whole.stream.state)
    for name in NAMES:
        ours, theirs = rest.heads[name].recipe.module.state_dict(), whole.heads[name].recipe.module.state_dict()
        assert all(torch.equal(ours[key], theirs[key]) for key in theirs)
        assert any(not torch.equal(theirs[key], training("new").heads[name].recipe.module.state_dict()[key])
                   for key in theirs)


def test_the_best_weights_are_written_not_the_last(tiny_entry, texts, tmp_path):
    training = HeadTraining(("medusa",), tiny_entry, texts, texts, tmp_path, dtype=torch.float32)
    head = training.heads["medusa"]
    head.best_tau = 9.0  # as if an earlier judgement had been out of reach
    kept = {name: tensor.clone() for name, tensor in head.best.items()}
    training.run(Budget(tokens=training.length * 8))
    state = head.recipe.module.state_dict()
    assert all(torch.equal(state[name], kept[name]) for name in kept)


@pytest.mark.parametrize("name", ["eagle3", "fastmtp", "lmtp"])
def test_a_head_on_disk_is_gone_on_from(tiny_entry, texts, tmp_path, name):
    """The start writes what it read; of EAGLE-3's unembedding, whose ids are counted anew, the rows of ids in both."""
    folder = tiny_entry.heads[name]
    training = HeadTraining((name,), tiny_entry, texts, texts, tmp_path, dtype=torch.float32, start=[folder])
    theirs, ours = load_file(folder / "model.safetensors"), training.heads[name].recipe.tensors()
    assert set(theirs) == set(ours)
    for key in set(ours) - {"d2t", "t2d", "lm_head.weight"}:
        assert torch.equal(ours[key], theirs[key].float()), key
    if name == "eagle3":
        ids = [torch.arange(len(found["d2t"])) + found["d2t"] for found in (ours, theirs)]
        both = sorted(set(ids[0].tolist()) & set(ids[1].tolist()))
        rows = [found["lm_head.weight"][torch.searchsorted(own, torch.tensor(both))].float()
                for found, own in zip((ours, theirs), ids, strict=True)]
        assert 0 < len(both) < len(ids[0]) and torch.equal(*rows)
    before = json.loads((folder / "config.json").read_text())["trained_tokens"]
    training.run(Budget(tokens=training.length * 8))
    after = json.loads((tmp_path / name / "config.json").read_text())
    assert after["trained_tokens"] == before + training.tokens == after["history"][-1]["tokens"]


def test_a_wrong_start_and_a_wrong_option_are_one_sentence(tiny_entry, texts, tmp_path):
    def training(name, *start):
        return sentence(HeadTraining, (name,), tiny_entry, texts, texts, tmp_path, start=start)

    assert "holds a head of medusa; a head of eagle could be" in training("eagle", tiny_entry.heads["medusa"])
    assert "holds no draft head" in training("eagle", tiny_entry.folder)
    shutil.copytree(tiny_entry.heads["eagle"], tmp_path / "other")
    described = json.loads((tmp_path / "other/config.json").read_text())
    (tmp_path / "other/config.json").write_text(json.dumps(described | {"target_hash": "0" * 64}))
    assert "another target" in training("eagle", tmp_path / "other")
    assert "from 1 to 7" in training("fastmtp:depths=0")
    assert "fused, top" in training("eagle3:features=low")
    assert "options of medusa are rate" in training("medusa:depth=2")
    assert "from 0.05 to 0.95" in training("firp:depth=2")


def test_fixed_texts_are_the_documents(tiny_entry, corpus, tmp_path):
    session = Session(tiny_entry, dtype="fp32", threads=1)
    (found,) = write_texts(session, corpus, "train", tmp_path, 300, fixed=True, mix={"tales": 1.0}).values()
    text = session.tokenizer.decode(found[1 : 1 + np.flatnonzero(found[1:] == found[0])[0]].tolist())
    assert any(document.startswith(text) for document, _ in read_documents(corpus, "tales", "train"))
    with pytest.raises(UserError, match="another"):
        write_texts(session, corpus, "train", tmp_path, 600, mix={"tales": 1.0})


def test_texts_go_on_where_they_stopped_and_refuse_another_folder(tiny_entry, corpus, tmp_path):
    session = Session(tiny_entry, dtype="fp32", threads=1)
    mix = {"tales": 0.5, "python": 0.5}
    first = write_texts(session, corpus, "train", tmp_path, 600, mix=mix)
    more = write_texts(session, corpus, "train", tmp_path, 1200, mix=mix)
    for domain, before in first.items():
        assert np.array_equal(more[domain][: len(before)], before)
    assert 1200 <= sum(map(len, more.values())) and sum(map(len, first.values())) < 1200
    assert {name: len(array) for name, array in read_texts(tmp_path).items()} == {n: len(a) for n, a in more.items()}
    with pytest.raises(UserError, match="another"):
        write_texts(session, corpus, "val", tmp_path, 2000, mix=mix)
    with pytest.raises(UserError, match="no self-distilled texts"):
        read_texts(tmp_path / "nowhere")
