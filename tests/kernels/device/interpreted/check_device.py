"""Whole lanes on the device, every operation of every step a kernel: the text, the trees and the records of the CPU."""

import json
from contextlib import nullcontext
from dataclasses import replace

import numpy as np
import pytest
from torch.utils._python_dispatch import TorchDispatchMode

from mtpviz.engine.batch import decode_batch
from mtpviz.engine.budget import PassCost
from mtpviz.engine.loop import Decoder
from mtpviz.engine.sampling import Sampling
from mtpviz.engine.session import Session, read_model
from mtpviz.errors import UserError
from mtpviz.kernels.device import attention, interpreting, linear, vocab
from mtpviz.kernels.device.attention import Tiling
from mtpviz.kernels.device.tiles import Tile
from mtpviz.race import make_drafter
from tests.tiny import entry

PROMPT = "the fox ran"
GREEDY, DRAWN = Sampling(), Sampling(temperature=0.8, top_k=40, top_p=0.95, seed=11)


@pytest.fixture(scope="module", autouse=True)
def small_tiles():
    if not interpreting():
        yield
        return
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(attention, "tiling_of", lambda head_dim: Tiling(16, 16, 32, 1, 1))
        patch.setattr(vocab, "tile_of_vocab", lambda: Tile(512, 64, 1, 1, 1))
        patch.setattr(linear, "tile_of", lambda n, k: Tile(128, 128, 1, 1, 1))
        yield


@pytest.fixture(scope="module")
def sessions(tmp_path_factory):
    """The same two-layer model on the CPU and through the kernels, in fp32, with one vocabulary map."""
    folder = tmp_path_factory.mktemp("tiny")
    found = entry(folder, num_hidden_layers=2, num_attention_heads=2, num_key_value_heads=1)
    vocab = read_model(found.folder)[0].vocab
    ids = np.random.default_rng(0).permutation(vocab)[: vocab // 2].tolist()
    (folder / "zh.json").write_text(json.dumps({"vocab": vocab, "ids": ids}))
    found = replace(found, vocabulary=folder)
    opened = [Session(found, device, "fp32", threads) for device, threads in (("cpu", 1), ("cuda", None))]
    for session in opened:  # measuring passes takes minutes in the interpreter
        session._pass_costs[session.threads] = PassCost((1, 64), [1.0, 1.2])
        session._read_gb_s[session.threads] = 1.0
    return opened


class NoTorch(TorchDispatchMode):
    """Fails on every operation that computes: a step may look at tensors and copy them, the rest is the kernels'."""

    ALLOWED = frozenset({"new_empty", "set_", "empty", "view", "_unsafe_view", "slice", "select", "copy_", "unsqueeze",
                         "index_copy_", "flatten", "detach", "alias", "as_strided",
                         "unbind"})  # new_empty, set_: the interpreter's

    def __torch_dispatch__(self, function, types, args=(), kwargs=None):
        name = function.overloadpacket.__name__
        assert name in self.ALLOWED, f"a step dispatched torch's {name}"
        return function(*args, **kwargs or {})


def decode(session, spec: str, sampling=GREEDY, new=32, record=True, watch=True, words=PROMPT):
    """watch: whether its steps may dispatch nothing of torch's; `auto` builds programs in between."""
    decoder = Decoder(session, make_drafter(spec, session, sampling), words, sampling, new, record)
    decoder.prefill()
    while not decoder.done:
        with NoTorch() if watch and session.device == "cuda" else nullcontext():
            decoder.step()
    return decoder.trace


@pytest.mark.parametrize(("spec", "sampling", "new", "record"), [
    ("ntp", GREEDY, 32, False), ("ntp", DRAWN, 8, True), ("draft:tree=chain:depth=2", GREEDY, 32, False),
    ("draft:tree=dynamic:depth=2:width=2:nodes=4", DRAWN, 32, False), ("lookup:nodes=5", GREEDY, 8, True),
    ("draft:depth=3:propose=sample", DRAWN, 12, True), ("draft:depth=2:propose=sample:vocab=zh", DRAWN, 10, True),
    ("mtp:tree=dynamic:width=2:nodes=7", GREEDY, 8, True)])
def test_tokens_trees_and_records_equal_the_cpu_s(sessions, spec, sampling, new, record):
    equal_the_cpu(sessions, spec, sampling, new, record)


def equal_the_cpu(sessions, spec, sampling, new, record):
    ours, theirs = (decode(session, spec, sampling, new, record) for session in reversed(sessions))
    # The CPU cuts its last trees to what may still be written, which under these two rules changes the text.
    same = new - 4 if ours.run.sampling["rule"] in ("rejection", "typical") else new
    assert ours.token_ids[:same] == theirs.token_ids[:same] and len(ours.token_ids) == new and ours.end == theirs.end
    assert ours.run.settings == theirs.run.settings and ours.run.sampling == theirs.run.sampling
    depth = max((max(step.depths, default=0) for step in ours.steps), default=0)
    whole = [pair for pair in zip(ours.steps, theirs.steps, strict=False)
             if new - (pair[0].position - ours.steps[0].position) > depth + 1]
    assert len(whole) > 1
    for mine, other in whole:
        compare(mine, other)


def test_a_batch_is_its_prompts_one_by_one(sessions):
    batch_is_its_prompts(sessions, "draft:tree=chain:depth=2")
    with pytest.raises(UserError, match="one by one"):
        decode_batch(sessions[0], None, [PROMPT], GREEDY, 7)


def batch_is_its_prompts(sessions, spec):
    prompts = [PROMPT, "the sea", "def f(x): return"]
    batch = decode_batch(sessions[1], make_drafter(spec, sessions[1], GREEDY), prompts, GREEDY, 7)
    for prompt, found in zip(prompts, batch.sequences, strict=True):
        alone = Decoder(sessions[0], make_drafter("ntp", sessions[0], GREEDY), prompt, GREEDY, 7)
        alone.prefill()
        while not alone.done:
            alone.step()
        assert found.tokens == alone.trace.token_ids and len(found.accepted) <= batch.steps <= 6


def compare(mine, other):
    told = ("position", "root", "accepted", "bonus", "notes", "emitted", "texts")
    assert [getattr(mine, name) for name in told] == [getattr(other, name) for name in told]
    assert [(n.token, n.parent, n.source) for n in mine.nodes] == [(n.token, n.parent, n.source) for n in other.nodes]
    numbers = [p for a, b in zip(mine.nodes, other.nodes, strict=True)
               for p in ((a.draft_prob, b.draft_prob), (a.target_prob, b.target_prob))]
    for row in [0, *(node + 1 for node in mine.accepted)]:  # of the others, the CPU does not draw
        a, b = mine.rows[row], other.rows[row]
        assert a.token == b.token and [token for token, _ in a.top] == [token for token, _ in b.top]
        numbers += [(a.prob, b.prob), *((p, q) for (_, p), (_, q) in zip(a.top, b.top, strict=True))]
    for p, q in numbers:
        assert p == q or p == pytest.approx(q, abs=1e-4)
