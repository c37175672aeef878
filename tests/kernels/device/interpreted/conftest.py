"""Helpers of the checks that run kernels in Triton's interpreter."""

from __future__ import annotations

import os

import pytest
import torch


@pytest.fixture(params=[torch.float16, torch.float32], ids=["fp16", "fp32"])
def dtype(request) -> torch.dtype:
    """The dtypes that the interpreter computes rightly; bf16 it does not."""
    return request.param


@pytest.fixture
def draw():
    """draw(*shape, dtype=fp32): fresh normal numbers. The seed is new on every run and printed where a check fails."""
    seed = int.from_bytes(os.urandom(4))
    print(f"seed {seed}")
    generator = torch.Generator().manual_seed(seed)

    def numbers(*shape: int, dtype: torch.dtype = torch.float32) -> torch.Tensor:
        return torch.randn(shape, generator=generator).to(dtype)

    numbers.generator = generator
    return numbers


@pytest.fixture
def near(dtype):
    """near(out, reference): the relative error of the whole, |out - ref| / |ref|, is that of the dtype."""

    def check(out: torch.Tensor, reference: torch.Tensor) -> None:
        reference = reference.double()
        error = (out.double() - reference).norm() / reference.norm()
        assert error < (2e-3 if dtype == torch.float16 else 1e-5), error  # also false for NaN

    return check
