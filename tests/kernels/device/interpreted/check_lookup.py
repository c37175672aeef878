import pytest
import torch
from poison import poisoned

from mtpviz.kernels.device.lookup import lookup, lookup_reference


@pytest.mark.parametrize("alphabet", [2, 6, 500])
@pytest.mark.parametrize(("ngram", "nodes"), [(1, 3), (4, 8)])
def test_equals_the_reference(draw, alphabet, ngram, nodes):
    lengths = torch.tensor([0, 1, 5, 60, 1100]).int()
    batch, rows = len(lengths), nodes + 2
    text = torch.randint(0, alphabet, (batch, 1200), generator=draw.generator).int()
    tokens, parents = (poisoned(batch, rows, dtype=torch.int32) for _ in range(2))
    counts, matched = (poisoned(batch, dtype=torch.int32) for _ in range(2))
    lookup(text, lengths, tokens, parents, counts, matched, ngram, nodes)
    for b, length in enumerate(lengths.tolist()):
        known = text[b, : length + 1].tolist()
        expected, match = lookup_reference(known, ngram, nodes)
        count = int(counts[b])
        assert count == len(expected) + 1 and matched[b] == match
        assert tokens[b, :count].tolist() == [known[-1], *expected]
        assert parents[b, :count].tolist() == list(range(-1, count - 1))


def test_a_copy_runs_on_in_a_loop():
    text = torch.tensor([[1, 2, 3, 1, 2, 3, 0, 0]]).int()
    tokens, parents = (poisoned(1, 6, dtype=torch.int32) for _ in range(2))
    counts, matched = (poisoned(1, dtype=torch.int32) for _ in range(2))
    lookup(text, torch.tensor([5]).int(), tokens, parents, counts, matched, 4, 5)
    assert tokens[0].tolist() == [3, 1, 2, 3, 1, 2] and matched.item() == 3
