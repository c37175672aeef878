"""EAGLE (Li et al. 2024, section 4.2): regression to the next feature, and the target's distribution on top of it."""

from __future__ import annotations

from dataclasses import replace

import torch
import torch.nn.functional as F
from torch import Tensor

from mtpviz.heads.eagle import Eagle
from mtpviz.heads.layer import draft_config
from mtpviz.training.recipe import Guess, Recipe, layer_described
from mtpviz.training.recurrent import start_small, unrolled
from mtpviz.training.teacher import Batch, Teacher

LEVELS = 5
CLASS_WEIGHT = 0.1  # of the cross entropy beside the feature loss
NOISE = 0.2  # span of the uniform noise on the features, in units of their own spread: what decoding will add


class EagleRecipe(Recipe):
    """One step, teacher forced; at decoding the module meets its own features, which noise stands for in training."""

    name = "eagle"
    about = "EAGLE: next-feature regression"

    def __init__(self, teacher: Teacher, counts):
        self.config = draft_config(teacher.config)
        self.module = Eagle(self.config)
        start_small(self.module.layers[0])

    def guesses(self, batch: Batch, generator: torch.Generator) -> list[Guess]:
        feature = batch.states[-1].float()
        noise = torch.rand(feature.shape, generator=generator).to(feature.device) - 0.5
        spread = feature.std() * 12**0.5
        states = (*batch.states[:-1], (feature + NOISE * spread * noise).to(batch.embedded.dtype))
        return unrolled(self.module, replace(batch, states=states), 1)

    def extra_loss(self, batch: Batch, guesses: list[Guess]) -> Tensor:
        feature = guesses[0].scored
        goal = batch.normed[:, guesses[0].at - 1].float()
        unit = goal.std()  # the published weights are for features of about unit size
        return F.smooth_l1_loss(feature.float() / unit, goal / unit) / CLASS_WEIGHT

    def levels(self, batch: Batch) -> list[Guess]:
        return unrolled(self.module, batch, LEVELS)

    def described(self) -> dict:
        return {"architectures": ["LlamaForCausalLM"], "model_type": "llama", "kind": "eagle", "bias": True,
                **layer_described(self.config)}


RECIPE = EagleRecipe
