"""The packed linear layer: right, and the same bits for every row count."""

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from numba import njit

from mtpviz.kernels.linear import PANEL, multiply, pack
from mtpviz.kernels.simd import has_bf16_dot


def bf16_bits(x: torch.Tensor) -> np.ndarray:
    return x.bfloat16().view(torch.int16).numpy().view(np.uint16)


def product(x: np.ndarray, weight: torch.Tensor, add_to: np.ndarray | None = None) -> np.ndarray:
    """x W^T through the panels; the output starts poisoned."""
    packed = pack(weight)
    out = np.full((len(x), len(packed) * PANEL), np.nan, np.float32)
    if add_to is not None:
        out[:, : add_to.shape[1]] = add_to
    _multiply(x, packed, out, add_to is not None)
    return out[:, : len(weight)]


@njit
def _multiply(x, packed, out, add):
    multiply(x, packed, 0, 0, len(packed), out, len(x), add)


FORMS = ["fp32", "bf16 widened"] + (["bf16 dot"] if has_bf16_dot() else [])


def inputs(form: str, rows: int, n: int, k: int, seed: int):
    generator = torch.Generator().manual_seed(seed)
    x, weight = torch.randn(rows, k, generator=generator), torch.randn(n, k, generator=generator)
    if form == "fp32":
        return x.numpy(), weight, x, weight
    x, weight = x.bfloat16(), weight.bfloat16()
    return (bf16_bits(x) if form == "bf16 dot" else x.float().numpy()), weight, x.float(), weight.float()


@pytest.mark.parametrize("form", FORMS)
@given(rows=st.integers(1, 70), n=st.integers(1, 100), half_k=st.integers(1, 40), seed=st.integers(0, 99))
@settings(max_examples=30, deadline=None)
def test_matches_torch(form, rows, n, half_k, seed):
    x, weight, x_fp32, weight_fp32 = inputs(form, rows, n, 2 * half_k, seed)
    expected = (x_fp32.double() @ weight_fp32.double().T).numpy()
    np.testing.assert_allclose(product(x, weight), expected, atol=1e-4, rtol=1e-4)


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("k", [64, 704, 1024, 3072])
def test_a_row_has_the_same_bits_in_any_company(form, k):
    x, weight, *_ = inputs(form, 64, 96, k, 0)
    together = product(x, weight)
    for count in (1, 2, 3, 5, 8, 13, 16, 33):
        for first in (0, 7, 64 - count):
            alone = product(np.ascontiguousarray(x[first : first + count]), weight)
            assert (alone == together[first : first + count]).all()


@pytest.mark.parametrize("form", FORMS)
def test_residual_is_added_once(form):
    x, weight, x_fp32, weight_fp32 = inputs(form, 5, 64, 128, 1)
    residual = np.random.default_rng(0).normal(size=(5, 64)).astype(np.float32)
    assert (product(x, weight, residual) == residual + product(x, weight)).all()


def test_refuses_another_dtype():
    with pytest.raises(TypeError, match="bf16 or fp32"):
        pack(torch.zeros(32, 32, dtype=torch.float16))
