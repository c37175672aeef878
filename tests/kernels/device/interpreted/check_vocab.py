import pytest
import torch
from poison import DEVICE, poisoned

from mtpviz.kernels.device import vocab as module
from mtpviz.kernels.device.tiles import Tile
from mtpviz.kernels.device.vocab import VocabScratch, top_tokens, top_tokens_reference


@pytest.fixture(autouse=True)
def small_tiles(monkeypatch):
    monkeypatch.setattr(module, "tile_of_vocab", lambda: Tile(32, 32, 1, 1, 1))


def run(x, weight, top, names=None):
    rows = len(x)
    scratch = VocabScratch(DEVICE, rows, len(weight), top)
    for part in (scratch.logits, scratch.stats):
        part.fill_(float("nan"))
    ids, probs = poisoned(rows, top, dtype=torch.int32), poisoned(rows, top, dtype=torch.float32)
    lse = poisoned(rows, dtype=torch.float32)
    top_tokens(x, weight, ids, probs, lse, scratch, names)
    return ids, probs, lse


@pytest.mark.parametrize(("rows", "vocab", "top"), [(1, 200, 8), (3, 97, 8), (17, 97, 1), (64, 50, 4), (100, 97, 1)])
def test_equals_the_reference(draw, dtype, near, rows, vocab, top):
    x, weight = draw(rows, 48, dtype=dtype), draw(vocab, 48, dtype=dtype) / 4
    ids, probs, lse = run(x, weight, top)
    _, expected, expected_lse = top_tokens_reference(x, weight, top)
    near(probs, expected)
    near(lse, expected_lse)
    everything = (x.double() @ weight.double().T).softmax(-1)
    near(everything.gather(1, ids.long()), expected)  # the tokens have the probabilities that are told
    assert all(len(set(row)) == top for row in ids.tolist())


def test_of_equals_the_smallest_comes_first(dtype):
    weight = torch.zeros(80, 32, dtype=dtype)
    weight[[5, 33, 70]] = 1.0
    ids, probs, _ = run(torch.ones(2, 32, dtype=dtype), weight, 5)
    assert ids.tolist() == [[5, 33, 70, 0, 1]] * 2
    assert (probs[:, 0] == probs[:, 2]).all()


def test_a_compressed_vocabulary_names_its_tokens(draw, dtype):
    x, weight, names = draw(3, 32, dtype=dtype), draw(50, 32, dtype=dtype), torch.randperm(1000)[:50].int()
    plain, probs, _ = run(x, weight, 4)
    named, same, _ = run(x, weight, 4, names)
    assert torch.equal(names[plain.long()], named) and torch.equal(probs, same)


def test_a_row_has_the_same_bits_whoever_shares_its_pass(draw, dtype):
    x, weight = draw(64, 48, dtype=dtype), draw(50, 48, dtype=dtype)
    together = run(x, weight, 3)
    for first, count in ((0, 1), (40, 1), (7, 17)):
        for part, whole in zip(run(x[first : first + count], weight, 3), together, strict=True):
            assert torch.equal(part, whole[first : first + count])
