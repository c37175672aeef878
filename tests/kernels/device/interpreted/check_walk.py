import pytest
import torch
from check_attention import random_parents
from poison import poisoned

from mtpviz.kernels.device.walk import walk, walk_reference


@pytest.mark.parametrize("rows", [1, 3, 17, 64, 100])
def test_equals_the_reference(draw, rows):
    batch, levels = 6, rows + 1
    parents = torch.cat([torch.full((batch, 1), -1), random_parents(draw, batch, rows)[:, 1:].clamp(min=0)], 1).int()
    wanted, tokens = (torch.randint(0, 3, (batch, rows), generator=draw.generator).int() for _ in range(2))
    counts = torch.tensor([rows, rows, rows, 1, max(rows // 2, 1), rows], dtype=torch.int32)
    path = poisoned(batch, levels, dtype=torch.int32)
    kept, bonus = (poisoned(batch, dtype=torch.int32) for _ in range(2))
    walk(wanted, tokens, parents, counts, path, kept, bonus)
    for b, (expected, token) in enumerate(walk_reference(wanted, tokens, parents, counts)):
        assert path[b, : kept[b]].tolist() == expected and bonus[b] == token
        assert (path[b, kept[b] :] == -12345).all()


def test_a_sequence_that_is_over_keeps_nothing():
    wanted, tokens = torch.tensor([[5, 6]] * 3).int(), torch.tensor([[4, 5]] * 3).int()
    path, kept, bonus = (poisoned(*shape, dtype=torch.int32) for shape in ((3, 2), (3,), (3,)))
    lengths, limits = torch.tensor([9, 10, 11]).int(), torch.tensor([10, 10, 10]).int()
    walk(wanted, tokens, torch.tensor([[-1, 0]] * 3).int(), torch.tensor([2, 2, 2]).int(), path, kept, bonus,
         lengths, limits)
    assert kept.tolist() == [2, 0, 0]


def test_a_whole_chain_is_accepted():
    wanted, tokens = torch.tensor([[5, 6, 7, 8]]).int(), torch.tensor([[4, 5, 6, 7]]).int()
    path, kept, bonus = (poisoned(*shape, dtype=torch.int32) for shape in ((1, 4), (1,), (1,)))
    walk(wanted, tokens, torch.tensor([[-1, 0, 1, 2]]).int(), torch.tensor([4]).int(), path, kept, bonus)
    assert path.tolist() == [[0, 1, 2, 3]] and kept.item() == 4 and bonus.item() == 8
