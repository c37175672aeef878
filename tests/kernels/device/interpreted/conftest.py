"""Helpers of the checks, which run in Triton's interpreter or, without TRITON_INTERPRET, on a GPU."""

from __future__ import annotations

import os
from contextlib import nullcontext

import pytest
import torch
from poison import DEVICE

from mtpviz.kernels.device import interpreting

DTYPES = {"fp16": torch.float16, "fp32": torch.float32} | ({} if interpreting() else {"bf16": torch.bfloat16})


@pytest.fixture(autouse=True)
def where(request):
    """Tensors of the kernels' checks are made where the kernels run; whole models bring their own device."""
    alone = request.path.name in ("check_bench.py", "check_decode.py", "check_device.py", "check_drafters.py",
                                      "check_model.py")
    with nullcontext() if alone else torch.device(DEVICE):
        yield


@pytest.fixture(params=DTYPES.values(), ids=DTYPES)
def dtype(request) -> torch.dtype:
    """The dtypes that are computed rightly; the interpreter multiplies bf16 wrongly."""
    return request.param


@pytest.fixture
def draw():
    """draw(*shape, dtype=fp32): fresh normal numbers. The seed is new on every run and printed where a check fails."""
    seed = int.from_bytes(os.urandom(4))
    print(f"seed {seed}")
    generator = torch.Generator(DEVICE).manual_seed(seed)

    def numbers(*shape: int, dtype: torch.dtype = torch.float32) -> torch.Tensor:
        return torch.randn(shape, generator=generator, device=DEVICE).to(dtype)

    numbers.generator = generator
    return numbers


@pytest.fixture
def near(dtype):
    """near(out, reference): the relative error of the whole, |out - ref| / |ref|, is that of the dtype."""

    def check(out: torch.Tensor, reference: torch.Tensor) -> None:
        reference = reference.double()
        error = (out.double() - reference).norm() / reference.norm()
        most = {torch.float16: 2e-3, torch.bfloat16: 1e-2, torch.float32: 1e-5}[dtype]
        assert error < most, error  # also false for NaN

    return check
