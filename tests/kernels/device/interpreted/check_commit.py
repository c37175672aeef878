import pytest
import torch
from poison import poisoned

from mtpviz.kernels.device.commit import advance, compact, compact_reference


@pytest.mark.parametrize("head_dim", [64, 80, 128])
def test_moves_the_path_up(draw, dtype, head_dim):
    batch, levels, slots = 3, 40, 90
    lengths, kept = torch.tensor([0, 7, 26], dtype=torch.int32), torch.tensor([40, 1, 18], dtype=torch.int32)
    path = poisoned(batch, levels, dtype=torch.int32)
    for b, count in enumerate(kept.tolist()):  # row 0 and scattered rows above it, often next to each other
        above = torch.randperm(63, generator=draw.generator)[: count - 1].sort()[0] + 1
        path[b, :count] = torch.cat([torch.zeros(1), above])
    keys, values = (draw(2, batch, 2, slots, head_dim, dtype=dtype) for _ in range(2))
    expected = [compact_reference(cache, lengths, path, kept) for cache in (keys, values)]
    compact(keys, values, lengths, path, kept)
    assert torch.equal(keys, expected[0]) and torch.equal(values, expected[1])


def test_a_sequence_that_kept_nothing_stays_as_it_is():
    text, root, lengths = torch.full((1, 8), -1).int(), torch.tensor([7]).int(), torch.tensor([3]).int()
    nothing = torch.tensor([0]).int()
    path, bonus = torch.tensor([[0]]).int(), torch.tensor([99]).int()
    advance(torch.tensor([[10]]).int(), path, nothing, bonus, lengths, text, root)
    assert (text == -1).all() and lengths.item() == 3 and root.item() == 7


def test_the_text_grows():
    text, root = torch.full((2, 8), -1).int(), poisoned(2, dtype=torch.int32)
    tokens, path = torch.tensor([[10, 11, 12], [20, 21, 22]]).int(), torch.tensor([[0, 2], [0, -12345]]).int()
    lengths = torch.tensor([3, 7]).int()
    advance(tokens, path, torch.tensor([2, 1]).int(), torch.tensor([99, 88]).int(), lengths, text, root)
    assert text.tolist() == [[-1, -1, -1, 10, 12, 99, -1, -1], [-1] * 7 + [20]]  # the text of a full context ends
    assert lengths.tolist() == [5, 8] and root.tolist() == [99, 88]
