"""How much memory a GPU run takes, told before it is taken."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import fields, is_dataclass
from typing import TYPE_CHECKING

import torch

from mtpviz.errors import UserError
from mtpviz.kernels.device import interpreting

if TYPE_CHECKING:
    from mtpviz.models.gpu import GpuModel

RESERVE = 512 * 2**20  # for PyTorch, compiled kernels and captured graphs


def footprint(*objects: object) -> int:
    """Bytes of the distinct tensors that the objects hold, in attributes, lists, tuples and dicts. With everything on
    torch's "meta" device this is what the same objects would take elsewhere."""
    sizes = {(tensor.data_ptr() or id(tensor), tensor.numel()): tensor.nbytes
             for tensor in _tensors(objects, set())}
    return sum(sizes.values())


def _tensors(value: object, seen: set[int]) -> Iterator[torch.Tensor]:
    if id(value) in seen:
        return
    seen.add(id(value))
    if isinstance(value, torch.Tensor):
        yield value
    elif isinstance(value, dict):
        for entry in value.values():
            yield from _tensors(entry, seen)
    elif isinstance(value, list | tuple):
        for entry in value:
            yield from _tensors(entry, seen)
    elif is_dataclass(value):
        for field in fields(value):
            yield from _tensors(getattr(value, field.name), seen)
    elif type(value).__module__.startswith("mtpviz."):
        for entry in vars(value).values():
            yield from _tensors(entry, seen)


def padded(slots: int) -> int:
    """Slots of a cache that has room for so many: caches come in multiples, so that few sizes are compiled."""
    return -(-slots // 256) * 256


def caches(models: Sequence[GpuModel], slots: int, batch: int) -> dict[str, int]:
    """Bytes by name of what a drafter's models take for `batch` sequences beyond their weights."""
    planned = [model.planned() for model in models]
    return {"the draft's caches": sum(footprint(model.new_cache(slots, batch)) for model in planned),
            "the draft's buffers": sum(footprint(model.buffers(batch)) for model in planned)}


def free() -> int | None:
    """Bytes that can still be had on the GPU, PyTorch's own unused blocks counted in; None in the interpreter."""
    if interpreting():
        return None
    return torch.cuda.mem_get_info()[0] + torch.cuda.memory_reserved() - torch.cuda.memory_allocated()


def check(what: str, parts: dict[str, int]) -> None:
    """Raise UserError if the parts, bytes by name, do not fit beside what is there already."""
    have, need = free(), sum(parts.values()) + RESERVE
    if have is not None and need > have:
        listed = ", ".join(f"{size / 1e9:.1f} GB of {name}" for name, size in parts.items())
        raise UserError(f"{what} needs {need / 1e9:.1f} GB of GPU memory ({listed}, {RESERVE / 1e9:.1f} GB in "
                        f"reserve), and {have / 1e9:.1f} GB are free; a smaller model, fewer tokens or --device cpu "
                        "would do.")
