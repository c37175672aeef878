"""The operations of a decoding step on a GPU: one file each, with its Triton kernel and its torch reference.

Importing this package imports neither triton nor CUDA; `why_not()` says whether its modules can be used.
"""

from __future__ import annotations

import importlib.util
import os

import torch


def interpreting() -> bool:
    """Whether Triton's interpreter runs the kernels on the CPU (TRITON_INTERPRET=1): slow, and needs no GPU."""
    return os.environ.get("TRITON_INTERPRET") == "1"


def memory_device() -> torch.device:
    """Where the kernels' tensors lie."""
    return torch.device("cpu" if interpreting() else "cuda")


def why_not() -> str | None:
    """One sentence that says why the device path can't run here; None where it can."""
    if importlib.util.find_spec("triton") is None:
        return "The GPU engine needs Triton, which is not installed."
    if interpreting():
        return None
    if torch.version.hip is not None:
        return "The GPU engine needs an NVIDIA GPU, and this PyTorch is built for AMD's."
    if not torch.cuda.is_available():
        apple = getattr(torch.backends, "mps", None) is not None and torch.backends.mps.is_available()
        note = ", and this one is Apple's" if apple else ""
        return f"The GPU engine needs an NVIDIA GPU that PyTorch can see{note}."
    major, minor = torch.cuda.get_device_capability()
    if major < 8:
        return f"The GPU engine needs compute capability 8.0 or newer, and this GPU has {major}.{minor}."
    return None
