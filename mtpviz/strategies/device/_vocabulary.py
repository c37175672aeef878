"""A draft's unembedding on a device, cut to a language's tokens or whole."""

from __future__ import annotations

import numpy as np
import torch

from mtpviz.engine.device.memory import check
from mtpviz.errors import UserError
from mtpviz.kernels.device.vocab import VocabScratch, top_tokens
from mtpviz.strategies._vocabulary import choose


class Head:
    """unembedding: (tokens, hidden) on the device; part: its name among the session's parts. rows, top: of the largest
    call. trained: as for `choose`.

    UserError where so few tokens are kept that `top` of them cannot be had: it would name some twice.

    name: the language or "full". size: tokens that are scored. weight: (size, hidden). names: int32 (size,), the
    token of each row, None where it is the row's number.
    """

    def __init__(self, session, unembedding: torch.Tensor, part: str, choice: str, prompt: list[int], rows: int,
                 top: int, trained: np.ndarray | None = None):
        self.name, kept, ids = choose(session, choice, prompt, trained)
        self.weight, self.names = session.part(f"{part} {self.name} on the device",
                                               lambda _: _cut(unembedding, kept, ids))
        self.size, device = len(self.weight), unembedding.device
        if self.size < top:
            raise UserError(f"The vocabulary map {self.name!r} keeps {self.size} tokens for the {part}, fewer than the "
                            f"{top} children that a node of this tree may have; vocab=full or tree=chain will do.")
        self.lse = torch.empty(rows, dtype=torch.float32, device=device)
        self.scratch = VocabScratch(device, rows, self.size, top)

    def best(self, normed: torch.Tensor, ids: torch.Tensor, probs: torch.Tensor) -> None:
        """ids: int32, probs: fp32, (..., top): the most probable tokens of each row of normed (rows, hidden)."""
        rows, top = len(normed), ids.shape[-1]
        top_tokens(normed, self.weight, ids.view(rows, top), probs.view(rows, top), self.lse[:rows], self.scratch,
                   self.names)


def _cut(unembedding: torch.Tensor, kept: np.ndarray | None,
         ids: np.ndarray | None) -> tuple[torch.Tensor, torch.Tensor | None]:
    device, weight = unembedding.device, unembedding
    if kept is not None:
        size = len(kept) * unembedding.shape[1] * unembedding.itemsize
        check(f"A head of {len(kept)} tokens", {"weights": size})
        weight = unembedding[torch.from_numpy(kept).to(device)]
    return weight, None if ids is None else torch.from_numpy(ids).to(device, torch.int32)
