import json

import pytest
import torch

from mtpviz.training.checkpoint import load_checkpoint, save_checkpoint
from mtpviz.training.data import TokenStream, held_out_windows, load_tokens
from mtpviz.training.distill import distill_step
from mtpviz.training.module import MultiTokenDecoder
from mtpviz.training.optimizer import Optimizer, rate_scale
from mtpviz.training.presets import Shape, find_preset
from mtpviz.training.pretrain import pretrain_step, target_losses, train
from mtpviz.training.run import Budget, new_run

TINY = find_preset("tiny")


@pytest.fixture
def stream(corpus, tokenizer, tmp_path):
    arrays = {name: load_tokens(corpus, tmp_path, tokenizer, name, "train") for name in TINY.mix}
    return lambda: TokenStream(arrays, TINY.mix)


def fresh(stream):
    return new_run(TINY, stream(), device="cpu", dtype=torch.float32)


def test_every_head_learns_its_own_offset():
    """Overfit one random sequence: head i must know token t + i, and none other, which catches any shift by
    one.
    """
    torch.manual_seed(0)
    model = MultiTokenDecoder(Shape(32, 3, 64, 4, 2, head_dim=8, extra_heads=3, vocab_size=96, context=64))
    optimizer = Optimizer(model, TINY)
    ids = torch.randperm(96)[None, :44]
    for _ in range(120):
        losses, _ = target_losses(model, ids, 1.0, torch.float32, torch.Generator())
        sum(losses).backward()
        optimizer.step(0.5)
    with torch.no_grad():
        trunk = model.trunk(ids[:, :40])
        for index in range(4):
            guess = (model.head(index, trunk) @ model.unembedding.T).argmax(-1)
            for offset in range(4):
                share = (guess == ids[:, 1 + offset : 41 + offset]).float().mean().item()
                assert share > 0.95 if offset == index else share < 0.2


def test_a_random_share_of_the_sequences_estimates_the_loss_without_bias():
    torch.manual_seed(0)
    model = MultiTokenDecoder(TINY.target)
    torch.nn.init.normal_(model.extra_heads[0].mlp.down_proj.weight)
    ids = torch.randint(0, 512, (4, 36))
    with torch.no_grad():
        whole = target_losses(model, ids, 1.0, torch.float32, torch.Generator())[0]
        generator = torch.Generator().manual_seed(1)
        parts = [target_losses(model, ids, 0.25, torch.float32, generator)[0] for _ in range(300)]
    mean = torch.tensor(parts).mean(0)
    torch.testing.assert_close(mean, torch.tensor(whole), rtol=0.02, atol=0)


def test_resume_continues_exactly(stream, tmp_path):
    whole = fresh(stream)
    for step in range(6):
        pretrain_step(whole, step / 6)
    first = fresh(stream)
    for step in range(3):
        pretrain_step(first, step / 6)
    save_checkpoint(tmp_path, first.state_dict())
    second = fresh(stream)
    second.load_state_dict(load_checkpoint(tmp_path, "tiny"))
    for step in range(3, 6):
        pretrain_step(second, step / 6)
    assert (second.step, second.tokens) == (whole.step, whole.tokens) == (6, 6 * 256)
    for one, other in ((whole.target, second.target), (whole.draft, second.draft)):
        for name, value in one.state_dict().items():
            assert value.equal(other.state_dict()[name]), name


def test_training_lowers_every_loss_and_leaves_log_and_checkpoint(stream, corpus, tokenizer, tmp_path):
    run = fresh(stream)
    windows = held_out_windows(corpus, tmp_path, tokenizer, rows=1, length=32, extra=4)
    train(run, pretrain_step, Budget(tokens=60 * 256), tmp_path, validation=windows, log_every=1)
    lines = [json.loads(line) for line in (tmp_path / "log.jsonl").read_text().splitlines()]
    steps = [line for line in lines if "loss" in line]
    assert len(steps) == 60 and steps[-1]["tokens"] == 60 * 256
    assert all(last < first - 0.5 for first, last in zip(steps[0]["loss"], steps[-1]["loss"], strict=True))
    assert steps[-1]["draft_loss"] < steps[0]["draft_loss"]
    history = load_checkpoint(tmp_path)["history"]
    assert history[-1] == {key: value for key, value in lines[-1].items() if key != "time"}
    assert (
        len(history[-1]["held_out"]["zh"]["loss"]) == 4
        and len(history[-1]["held_out_draft"]["zh"]["loss"]) == 1
    )


def test_distilling_alone_leaves_the_target_as_it_is(stream):
    run = fresh(stream)
    for step in range(20):
        pretrain_step(run, step / 60)
    before = {name: value.clone() for name, value in run.target.state_dict().items()}
    losses = [distill_step(run, 0.1)["draft_loss"] for _ in range(20)]
    assert losses[-1] < losses[0]
    assert all(value.equal(before[name]) for name, value in run.target.state_dict().items())


def test_the_schedule_warms_up_holds_and_decays_to_zero():
    assert rate_scale(0.0, 0.02, 0.35) < 0.1
    assert rate_scale(0.02, 0.02, 0.35) == rate_scale(0.6, 0.02, 0.35) == 1.0
    assert rate_scale(0.825, 0.02, 0.35) == pytest.approx(0.5)
    assert rate_scale(1.0, 0.02, 0.35) == 0.0


def test_a_budget_in_minutes_counts_pauses():
    assert Budget(minutes=10).progress(seconds=300, tokens=0) == 0.5
    assert Budget(minutes=10).progress(seconds=900, tokens=0) == 1.0
    assert Budget(tokens=1000).progress(seconds=1e9, tokens=250) == 0.25
