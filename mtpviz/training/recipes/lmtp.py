"""L-MTP (Liu et al. 2025, section 3.2, stage 1): leap heads on the frozen target, cross entropy, equal weights.

Heads for two strides are trained side by side, so that the stride can be chosen at decoding: stride 2 guesses 3, 5, 7
and 9 places ahead, stride 3 guesses 4, 7 and 10.
"""

from __future__ import annotations

import torch

from mtpviz.heads.lmtp import STRIDE, Lmtp, leaps, sources
from mtpviz.training.recipe import Guess, Recipe
from mtpviz.training.teacher import Batch, Teacher

AHEAD = [3, 5, 7, 9, 4, 10]


class LmtpRecipe(Recipe):
    """Levels are those of stride 2, each from the row that the draft looks back to."""

    name = "lmtp"
    about = "L-MTP leap heads"
    data_share = 1.0
    share = 0.2

    def __init__(self, teacher: Teacher, counts):
        self.module = Lmtp(teacher.config.hidden, AHEAD)

    def guesses(self, batch: Batch, generator: torch.Generator) -> list[Guess]:
        rows = torch.arange(batch.ids.shape[1] - max(AHEAD), device=batch.ids.device)
        scored = self.module(batch.normed[:, : len(rows)])
        return [Guess(read, rows + ahead) for read, ahead in zip(scored, AHEAD, strict=True)]

    def levels(self, batch: Batch) -> list[Guess]:
        chain = leaps(AHEAD, STRIDE)
        plan = sources(STRIDE, STRIDE * len(chain))
        anchors = torch.arange(STRIDE - 1, batch.ids.shape[1] - 1 - len(plan), device=batch.ids.device)
        scored = self.module(batch.normed)
        return [Guess(scored[chain[leap]][:, anchors - back], anchors + 2 + level)
                for level, (leap, back) in enumerate(plan)]

    def described(self) -> dict:
        return {"kind": "lmtp", "head_type": "lmtp", "n_head": len(AHEAD), "head_num_layers": 1, "skip_token": STRIDE,
                "ahead": AHEAD}

    def tensors(self) -> dict[str, torch.Tensor]:
        return self.module.published()


RECIPE = LmtpRecipe
