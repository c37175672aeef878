"""A draft's unembedding on a device, cut to a language's tokens or whole."""

from __future__ import annotations

import numpy as np
import torch

from mtpviz.kernels.device.vocab import VocabScratch, top_tokens
from mtpviz.models.gpu import GpuModel
from mtpviz.strategies._vocabulary import choose


class Head:
    """name: the language or "full". size: tokens that are scored. weight: (size, hidden). names: int32 (size,), the
    token of each row, None where it is the row's number. rows, top: of the largest call."""

    def __init__(self, session, model: GpuModel, part: str, choice: str, prompt: list[int], rows: int, top: int):
        self.name, ids = choose(session, choice, prompt)
        self.size = session.config.vocab if ids is None else len(ids)
        self.weight, self.names = model.head, None
        if ids is not None:
            self.weight, self.names = session.part(f"{part} {self.name} on the device", lambda _: _cut(model, ids))
        self.lse = torch.empty(rows, dtype=torch.float32, device=model.device)
        self.scratch = VocabScratch(model.device, rows, self.size, top)

    def best(self, normed: torch.Tensor, ids: torch.Tensor, probs: torch.Tensor) -> None:
        """ids: int32, probs: fp32, (..., top): the most probable tokens of each row of normed (rows, hidden)."""
        rows, top = len(normed), ids.shape[-1]
        top_tokens(normed, self.weight, ids.view(rows, top), probs.view(rows, top), self.lse[:rows], self.scratch,
                   self.names)


def _cut(model: GpuModel, ids: np.ndarray) -> tuple[torch.Tensor, torch.Tensor]:
    kept = torch.from_numpy(ids).to(model.device)
    return model.head[kept].contiguous(), kept.int()
