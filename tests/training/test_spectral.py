import numpy as np
import torch

from mtpviz.training.module import EMBEDDING_STD, MultiTokenDecoder
from mtpviz.training.presets import find_preset
from mtpviz.training.spectral import count_pairs, factor, spectral_embedding, start_embedding


def test_pairs_are_counted():
    u, v, counts = count_pairs(np.array([1, 2, 1, 2, 3], dtype=np.uint16), 5)
    assert dict(zip(zip(u.tolist(), v.tolist(), strict=True), counts.tolist(), strict=True)) == {
        (1, 2): 2,
        (2, 1): 1,
        (2, 3): 1,
    }


def test_factors_give_back_a_matrix_of_their_rank():
    torch.manual_seed(0)
    dense = torch.randn(30, 3) @ torch.randn(3, 30)
    u, v = (axis.ravel() for axis in np.indices((30, 30)))
    left, right = factor(u, v, dense.numpy().ravel(), 30, 3)
    torch.testing.assert_close(left @ right.T, dense, rtol=1e-4, atol=1e-4)


def test_tokens_with_the_same_neighbours_lie_close():
    # 2 and 3 stand in the same places (after 1, before 4), 5 and 6 in others.
    draw = np.random.default_rng(0)
    tokens = np.concatenate([[1, draw.choice([2, 3]), 4, 7, draw.choice([5, 6]), 8] for _ in range(300)])
    rows = spectral_embedding({"a": tokens.astype(np.uint16)}, {"a": 1.0}, 10, 8)
    assert rows.shape == (10, 8) and rows.dtype == torch.float32 and rows.isfinite().all()
    unit = rows[:, :6] / rows[:, :6].norm(dim=1, keepdim=True).clamp_min(1e-6)
    assert unit[2] @ unit[3] > 0.95 and unit[5] @ unit[6] > 0.95 and abs(unit[2] @ unit[5]) < 0.5


def test_a_model_starts_from_it():
    preset = find_preset("tiny")
    model = MultiTokenDecoder(preset.target)
    tokens = np.random.default_rng(0).integers(0, 512, 20_000).astype(np.uint16)
    start_embedding(model, {"a": tokens}, {"a": 1.0})
    assert abs(model.unembedding.std().item() - EMBEDDING_STD) < 0.1
    assert (model.unembedding[:, -1] == EMBEDDING_STD).all()
