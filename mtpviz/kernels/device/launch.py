"""Launching a kernel, or writing down what would be launched.

All host code goes through `launch`, so the same functions that run the kernels also tell, for tensors on torch's "meta"
device, what there is to compile for a shape (`record`). Configurations are plain tables in the operations' files: an
autotuner at run time would choose reduction orders by chance.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass

import torch

TARGETS = {"sm_80": 80, "sm_90": 90, "sm_120": 120}
SHARED_LIMIT = {"sm_80": 163 * 1024, "sm_90": 227 * 1024, "sm_120": 99 * 1024}  # bytes a block can have


@dataclass(frozen=True)
class Launch:
    """One launch: the jitted kernel, its positional arguments, its constexprs, the grid, warps and stages."""

    kernel: object
    args: tuple
    constants: dict
    grid: tuple[int, ...]
    warps: int
    stages: int


_recorded: ContextVar[list[Launch] | None] = ContextVar("recorded", default=None)
_card: ContextVar[str | None] = ContextVar("card", default=None)


def card() -> str:
    """The table to read: "sm_80", "sm_90" or "sm_120", the nearest at or below the GPU at hand."""
    if (named := _card.get()) is not None:
        return named
    if not torch.cuda.is_available():
        return "sm_80"
    major, minor = torch.cuda.get_device_capability()
    return [name for name, number in TARGETS.items() if number <= 10 * major + minor][-1]


@contextmanager
def record(target: str) -> Iterator[list[Launch]]:
    """Within the block nothing is launched: launches for the card `target` are appended to the list instead."""
    launches: list[Launch] = []
    tokens = _recorded.set(launches), _card.set(target)
    try:
        yield launches
    finally:
        _recorded.reset(tokens[0])
        _card.reset(tokens[1])


def options(warps: int, stages: int) -> dict:
    """The compiler's options for a kernel of so many warps a program."""
    registers = min(65536 // (32 * warps), 255)
    return {"num_warps": warps, "num_stages": stages, "maxnreg": registers, "enable_fp_fusion": False}


def launch(kernel, grid: tuple[int, ...], *args, warps: int = 4, stages: int = 1, **constants) -> None:
    """Run `kernel` over `grid`.

    Contraction of a * b + c is off in the compiler, so that two specialisations of one kernel can't round differently.
    The registers' limit is told, or the assembler may spill to have more blocks resident.
    """
    if (launches := _recorded.get()) is not None:
        launches.append(Launch(kernel, args, constants, grid, warps, stages))
    else:
        kernel[grid](*args, **constants, **options(warps, stages))


def next_power(value: int) -> int:
    """The smallest power of two that is not below `value`."""
    return 1 << max(value - 1, 0).bit_length()
