"""What a broken-off training or text run goes on with."""

import numpy as np
import pytest
import torch

from mtpviz.engine.session import Session
from mtpviz.errors import UserError
from mtpviz.training.checkpoint import load_checkpoint, save_checkpoint
from mtpviz.training.heads import HeadTraining
from mtpviz.training.run import Budget
from mtpviz.training.selfdistill import read_texts, write_texts

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
