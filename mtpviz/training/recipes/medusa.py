"""Medusa-1 (Cai et al. 2024, section 2.2.1): heads on the frozen target, cross entropy, head k weighs 0.8^k."""

from __future__ import annotations

import torch

from mtpviz.heads.medusa import Medusa
from mtpviz.training.recipe import Guess, Recipe
from mtpviz.training.teacher import Batch, Teacher

HEADS = 4
DECAY = 0.8


class MedusaRecipe(Recipe):
    """Bundled heads share the target's unembedding: at this vocabulary four of their own would outweigh the target."""

    name = "medusa"
    about = "Medusa heads"
    data_share = 1.0
    share = 0.2

    def __init__(self, teacher: Teacher, counts):
        self.module = Medusa(teacher.config.hidden, HEADS)

    def guesses(self, batch: Batch, generator: torch.Generator) -> list[Guess]:
        rows = torch.arange(batch.ids.shape[1] - 1 - HEADS, device=batch.ids.device)
        scored = self.module(batch.normed[:, : len(rows)])
        return [Guess(read, rows + 2 + k, DECAY**k) for k, read in enumerate(scored)]

    def levels(self, batch: Batch) -> list[Guess]:
        return self.guesses(batch, None)

    def described(self) -> dict:
        return {"kind": "medusa", "medusa_num_heads": HEADS, "medusa_num_layers": 1}


RECIPE = MedusaRecipe
