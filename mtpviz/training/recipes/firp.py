"""FIRP-style maps: KL to the target's distribution at the guessed places, state i weighs 0.8^(i-1)."""

from __future__ import annotations

from dataclasses import replace

import torch

from mtpviz.engine.drafter import Setting
from mtpviz.heads.firp import Firp
from mtpviz.models.weights import LayerWeights
from mtpviz.training.recipe import Guess, Recipe
from mtpviz.training.teacher import Batch, Teacher

STATES = 4
DECAY = 0.8
ANCHORS = 48  # rows of a text whose pseudo states are trained in a step


class FirpRecipe(Recipe):
    """The maps read and write before one layer, half way up if nothing else is asked for."""

    name = "firp"
    about = "FIRP-style pseudo hidden states"
    rate = 1e-3
    share = 1.0
    options = {"depth": Setting(0.5, "where the maps work, as a share of the target's layers", 0.05, 0.95)}

    def __init__(self, teacher: Teacher, counts, depth: float = 0.5):
        self.layer = min(max(1, round(depth * teacher.config.layers)), teacher.config.layers - 1)
        self.module = Firp(teacher.config.hidden, STATES)
        self.config = teacher.config
        own = [LayerWeights(**{name: None if tensor is None else tensor.to(teacher.device, teacher.dtype)
                               for name, tensor in vars(layer).items()}) for layer in teacher.weights.layers]
        self.weights = replace(teacher.weights, layers=own, norm=teacher.weights.norm.to(teacher.device, teacher.dtype))

    def guesses(self, batch: Batch, generator: torch.Generator) -> list[Guess]:
        rows = batch.ids.shape[1] - 1 - STATES
        anchors = torch.randperm(rows, generator=generator)[:ANCHORS].to(batch.ids.device)
        return self._at(batch, anchors)

    def levels(self, batch: Batch) -> list[Guess]:
        return self._at(batch, torch.arange(batch.ids.shape[1] - 1 - STATES, device=batch.ids.device))

    def _at(self, batch: Batch, anchors: torch.Tensor) -> list[Guess]:
        scored = self.module(self.config, self.weights, self.layer, batch.states, anchors)
        return [Guess(read, anchors + 2 + i, DECAY**i) for i, read in enumerate(scored)]

    def described(self) -> dict:
        return {"kind": "firp", "layer": self.layer, "k": STATES}


RECIPE = FirpRecipe
