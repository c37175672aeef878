"""The operations of a decoding step on a GPU: one file each, with its Triton kernel and its torch reference.

Importing this package imports neither triton nor CUDA; `why_not()` says whether its modules can be used.
"""

from __future__ import annotations

import importlib.util

import torch


def why_not() -> str | None:
    """One sentence that says why the device path can't run here; None where it can."""
    if importlib.util.find_spec("triton") is None:
        return "The GPU engine needs Triton, which is not installed."
    if torch.version.hip is not None or not torch.cuda.is_available():
        return "The GPU engine needs an NVIDIA GPU that PyTorch can see."
    major, minor = torch.cuda.get_device_capability()
    if major < 8:
        return f"The GPU engine needs compute capability 8.0 or newer, and this GPU has {major}.{minor}."
    return None
