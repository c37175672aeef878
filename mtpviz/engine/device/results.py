"""What a step leaves behind for the host, in one stretch of memory: one small copy brings all of it."""

from __future__ import annotations

import numpy as np
import torch

from mtpviz.engine.device.drafter import Shape

ALTERNATIVES = 5  # of the target's candidates that a recorded step keeps a row
# The stamps, nanoseconds of the device's clock; the last one only of a recorded step.
MARKS = ("before", "start", "drafted", "verified", "committed", "described")


class Results:
    """Tensors by name, as attributes, all views of `memory`, uint8.

    tokens, parents, wanted: int32 (batch, rows); probs: fp32 (batch, rows), the draft's; counts, kept, bonus: int32
    (batch,); path: int32 (batch, levels); stamps: int64 (MARKS,). Recorded: top, top_probs (batch, rows, ALTERNATIVES)
    and weights, own (batch, rows), the target's probabilities of each drafted token and of its own choice.
    """

    def __init__(self, device: torch.device, batch: int, shape: Shape, record: bool, extra: tuple[str, ...]):
        rows, whole, real = (batch, shape.rows), torch.int32, torch.float32
        fields = {"stamps": ((len(MARKS),), torch.int64), "tokens": (rows, whole), "parents": (rows, whole),
                  "wanted": (rows, whole), "probs": (rows, real), "counts": ((batch,), whole),
                  "kept": ((batch,), whole), "bonus": ((batch,), whole), "path": ((batch, shape.levels), whole)}
        if record:
            fields |= {"top": ((*rows, ALTERNATIVES), whole), "top_probs": ((*rows, ALTERNATIVES), real),
                       "weights": (rows, real), "own": (rows, real)}
        fields |= {name: ((batch,), whole) for name in extra}
        self._places: dict[str, tuple[int, int, torch.dtype, tuple[int, ...]]] = {}
        end = 0
        for name, (size, dtype) in fields.items():
            length = int(np.prod(size)) * dtype.itemsize
            self._places[name] = end, end + length, dtype, size
            end += -(-length // 16) * 16  # the kernels are compiled for aligned addresses
        self.memory = torch.zeros(end, dtype=torch.uint8, device=device)
        for name, view in self.views(self.memory).items():
            setattr(self, name, view)

    def views(self, memory: torch.Tensor) -> dict[str, torch.Tensor]:
        """The tensors by name in `memory`, which is laid out as this one's."""
        return {name: memory[first:last].view(dtype).view(size)
                for name, (first, last, dtype, size) in self._places.items()}


class Mailbox:
    """Two host copies of a step's results that take turns, so that one is read while the next step's arrives."""

    def __init__(self, results: Results):
        self.results, self.turn = results, 0
        pinned = results.memory.is_cuda
        self.memories = [torch.zeros_like(results.memory, device="cpu", pin_memory=pinned) for _ in range(2)]
        self.arrays = [{name: view.numpy() for name, view in results.views(memory).items()}
                       for memory in self.memories]

    def send(self) -> dict[str, np.ndarray]:
        """Copy behind what has been launched; the arrays are right once that is done."""
        self.turn = 1 - self.turn
        self.memories[self.turn].copy_(self.results.memory, non_blocking=True)
        return self.arrays[self.turn]
