"""The vector operations that the CPU kernels are written in."""

import numba
import numpy as np
import torch

from mtpviz.kernels.norm import rms_norm_rows
from mtpviz.kernels.simd import exp, fma, lane_max, lane_sum, load, splat, store, store_as
from mtpviz.kernels.swiglu import swiglu_panel


@numba.njit
def _exp(x, out):
    for i in range(0, x.size, 16):
        store(out, i, exp(load(x, i)))


@numba.njit
def _reduce(x):
    return lane_sum(load(x, 0)), lane_max(load(x, 0)), lane_sum(fma(load(x, 0), load(x, 0), splat(np.float32(1.0))))


@numba.njit
def _round(x, out):
    store_as(out, 0, load(x, 0))


def test_exp_is_accurate_over_its_range_and_zero_below():
    x = np.linspace(-86.9, 87.9, 1600, dtype=np.float32)
    out = np.empty_like(x)
    _exp(x, out)
    assert np.abs(out / np.exp(x.astype(np.float64)) - 1).max() < 3e-7
    x[:] = -np.inf
    x[0], x[1] = -3e38, 0.0
    _exp(x, out)
    assert out[0] == 0.0 and out[1] == 1.0 and (out[2:] == 0.0).all()


def test_exp_of_a_lane_does_not_depend_on_the_other_lanes():
    x = np.random.default_rng(0).normal(0, 10, 16).astype(np.float32)
    together, alone = np.empty_like(x), np.empty_like(x)
    _exp(x, together)
    for i in range(16):
        _exp(np.full(16, x[i]), alone)
        assert (alone == together[i]).all()


def test_reductions():
    x = np.arange(16, dtype=np.float32) - 20
    assert _reduce(x) == (x.sum(), x.max(), (x * x + 1).sum())


def test_bf16_store_rounds_to_nearest_even():
    x = torch.randn(16, generator=torch.Generator().manual_seed(0))
    x[0], x[1] = 1.0 + 2**-8, 1.0 + 3 * 2**-8  # ties: down to even, up to even
    out = np.zeros(16, np.uint16)
    _round(x.numpy(), out)
    assert (out == x.bfloat16().view(torch.int16).numpy().view(np.uint16)).all()


def test_rms_norm_matches_torch_and_is_row_invariant():
    x, weight = torch.randn(9, 96) * 3, torch.randn(96)
    out = np.full((9, 96), np.nan, np.float32)
    rms_norm_rows(x.numpy(), weight.numpy(), 0, 1e-5, 96, out, 9)
    expected = torch.nn.functional.rms_norm(x, (96,), weight, 1e-5)
    np.testing.assert_allclose(out, expected.numpy(), atol=1e-5, rtol=1e-5)
    one = np.full((1, 96), np.nan, np.float32)
    rms_norm_rows(x[4:5].numpy(), weight.numpy(), 0, 1e-5, 96, one, 1)
    assert (one[0] == out[4]).all()


def test_swiglu_matches_torch():
    gate_up = torch.randn(3, 32) * 4
    out = np.full((3, 16), np.nan, np.float32)
    swiglu_panel(gate_up.numpy(), 0, out, 3)
    expected = torch.nn.functional.silu(gate_up[:, :16]) * gate_up[:, 16:]
    np.testing.assert_allclose(out, expected.numpy(), atol=1e-6, rtol=1e-5)
