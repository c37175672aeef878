"""Outputs that show what was not written."""

import torch

from mtpviz.kernels.device import memory_device

DEVICE = memory_device()


def poisoned(*shape: int, dtype: torch.dtype) -> torch.Tensor:
    """NaN everywhere; for integers a value that is no token and no row."""
    return torch.full(shape, float("nan") if dtype.is_floating_point else -12345, dtype=dtype)
