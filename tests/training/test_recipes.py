"""The recipes: a head learns its own offset, training sees what decoding drafts, and acceptance is counted right."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from mtpviz.engine.loop import Decoder
from mtpviz.engine.sampling import Sampling
from mtpviz.engine.session import Session
from mtpviz.models.catalogue import ModelEntry
from mtpviz.race import make_drafter
from mtpviz.training.acceptance import acceptance
from mtpviz.training.headfolder import write_head
from mtpviz.training.heads import new_head, recipes
from mtpviz.training.teacher import Teacher
from tests.models.checkpoints import make

HEADS = list(recipes())


@pytest.fixture(scope="module")
def teacher(tmp_path_factory):
    """A random target in fp32, deep enough for EAGLE-3's own three layers."""
    folder = tmp_path_factory.mktemp("teacher")
    model = make("llama", folder, vocab_size=96, num_hidden_layers=7, hidden_size=64)
    with torch.no_grad():
        model.model.norm.weight *= 1.5  # surer of itself, or there would be near ties
    model.save_pretrained(folder)
    return Teacher(ModelEntry("teacher", folder), "cpu", torch.float32)


STEPS = {"medusa": 200, "lmtp": 200, "eagle": 90, "fastmtp": 60, "eagle3": 160, "firp": 160}


@pytest.mark.parametrize("name", HEADS)
def test_a_head_learns_its_own_offset(teacher, name):
    """Overfit one text: level k must know the k-th token after the root, and neither the one before nor the one behind.
    Which token that is, the text says where a recipe learns from it, else the target does."""
    torch.manual_seed(0)
    ids, steps = torch.randperm(96)[None, :28], STEPS[name]
    batch, generator = teacher.batch(ids), torch.Generator().manual_seed(0)
    recipe = recipes()[name](teacher, np.bincount(batch.choices.flatten(), minlength=96))
    head = new_head(recipe, teacher.device)
    for step in range(steps):
        head.step(recipe.loss(teacher, batch, generator), 3 * (1 - step / steps))
    labels = ids[0] if recipe.data_share == 1.0 else batch.choices[0].roll(1)
    kept = torch.arange(96) if recipe.kept is None else recipe.kept
    with torch.no_grad():
        levels = recipe.levels(batch)
        for level in levels[: 1 if name == "eagle" else 3]:  # EAGLE is trained for one step
            guess = kept[(level.scored[0] @ recipe.unembedding(teacher).T).argmax(-1)]
            sayable = torch.isin(labels[level.at], kept)
            right = [(guess == labels[(level.at + shift).clamp(max=27)])[sayable].float().mean().item()
                     for shift in (-1, 0, 1)]
            assert sayable.sum() > 10 and right[1] > 0.85 and max(right[0], right[2]) < 0.5, right


@pytest.mark.parametrize("name", HEADS)
def test_training_sees_what_decoding_drafts(tiny_entry, tmp_path, name):
    """The levels that a recipe computes for all rows at once are the chain that the engine drafts row by row."""
    torch.manual_seed(1)
    teacher = Teacher(tiny_entry, "cpu", torch.float32)
    recipe = recipes()[name](teacher, np.arange(teacher.config.vocab))
    for parameter in recipe.module.parameters():  # nothing at its start, nothing that bfloat16 rounds
        noise = torch.randn(parameter.shape) * (0.2 if parameter.ndim == 1 else parameter.shape[1] ** -0.5)
        parameter.data = (parameter.data + noise).bfloat16().float()
    text = torch.randint(0, teacher.config.vocab, (1, 60))
    write_head(tmp_path / name, recipe, teacher, acceptance({name: recipe}, teacher, {"t": text})[name], [], 0)
    session = Session(replace(tiny_entry, heads={name: tmp_path / name}), dtype="fp32", threads=1)
    drafter = make_drafter(f"{name}:tree=chain:vocab=full", session, Sampling())
    decoder = Decoder(session, drafter, "the fox and the hare", Sampling(), 30)
    decoder.prefill()
    unembedding = recipe.unembedding(teacher).detach()
    kept = torch.arange(teacher.config.vocab) if recipe.kept is None else recipe.kept
    compared = 0
    while not decoder.done:
        known = decoder.trace.run.prompt_tokens + decoder.trace.token_ids
        step = decoder.step()
        drafted = [node.token for node in step.nodes]
        ids = torch.tensor([[*known, *drafted, *[0] * 12]])
        with torch.no_grad():
            levels = recipe.levels(teacher.batch(ids))
        for depth, node in enumerate(step.nodes):
            row = levels[depth].at.tolist().index(len(known) + depth)
            probs = (levels[depth].scored[0, row] @ unembedding.T).softmax(-1)
            assert kept[probs.argmax()] == node.token and abs(probs.max() - node.draft_prob) < 2e-3
            compared += 1
    assert compared > 30


def test_acceptance_is_what_counting_by_hand_gives(teacher):
    torch.manual_seed(2)
    recipe = recipes()["medusa"](teacher, np.zeros(96))
    for parameter in recipe.module.parameters():
        torch.nn.init.normal_(parameter, std=0.05)
    greedy = teacher.model.generate(torch.tensor([[5, 9]]), do_sample=False, max_new_tokens=30, eos_token_id=None,
                                    pad_token_id=0)
    ids = torch.cat([greedy[:, :20], torch.randint(0, 96, (1, 6)), greedy[:, 20:]], 1)  # a part that nobody wrote
    found = acceptance({"head": recipe}, teacher, {"text": ids}, ranks=3)["head"]
    batch = teacher.batch(ids)
    choices, text = batch.choices[0].tolist(), ids[0].tolist()
    with torch.no_grad():
        top = [(level.scored[0] @ teacher.unembedding.T).topk(3).indices.tolist() for level in recipe.levels(batch)]
    rows, prefix, before, ranks = 0, np.zeros(4), np.zeros(4), np.zeros((4, 3))
    for row in range(len(top[0])):
        if any(text[place] != choices[place - 1] for place in range(row + 2, row + 5)):
            continue
        rows += 1
        for level in range(4):
            at = [row + 2 + k for k in range(level + 1)]
            hits = [top[k][row][0] == choices[place - 1] for k, place in enumerate(at)]
            prefix[level] += all(hits)
            before[level] += all(hits[:-1])
            ranks[level] += np.array(top[level][row]) == choices[at[-1] - 1]
    for judged in (found["text"], found["all"]):
        assert judged.rows == rows < len(top[0])
        assert np.allclose(judged.prefix, prefix / rows) and np.allclose(judged.ranks, ranks / rows)
        assert np.allclose(judged.conditional, prefix / np.maximum(before, 1))
        assert judged.tau(2) == pytest.approx(1 + (prefix / rows)[:2].sum())
