"""FastMTP (Cai et al. 2025, section 3.2): one shared module, depth k weighs beta^(k-1), text the target wrote.

The published code computes every key of depth k from depth k - 1's features; at decoding the committed positions' keys
are depth 1's. Training-time test (heads/layer.py) trains on what decoding does.
"""

from __future__ import annotations

import torch
from torch import nn

from mtpviz.engine.drafter import Setting
from mtpviz.heads.fastmtp import PREFIX, MtpModule
from mtpviz.heads.layer import draft_config
from mtpviz.training.recipe import Guess, Recipe, layer_described
from mtpviz.training.recurrent import start_small, unrolled
from mtpviz.training.teacher import Batch, Teacher

DEPTHS, LEVELS = 3, 5
BETA = 0.6


class FastMtpRecipe(Recipe):
    """Labels are the text's own tokens, as in the paper; only the module is trained."""

    name = "fastmtp"
    about = "FastMTP: one module, weights shared over depths"
    data_share = 1.0
    options = {"depths": Setting(DEPTHS, "steps of the recursion that are trained; 1 trains a plain module", 1, 7)}

    def __init__(self, teacher: Teacher, counts, depths: int = DEPTHS):
        self.depths = depths
        self.config = draft_config(teacher.config)
        self.module = MtpModule(self.config)
        start_small(self.module)
        with torch.no_grad():
            nn.init.normal_(self.module.input_proj.weight, std=self.module.input_proj.in_features**-0.5)
            self.module.final_layernorm.weight.copy_(teacher.model.model.norm.weight)

    def guesses(self, batch: Batch, generator: torch.Generator) -> list[Guess]:
        whole = sum(BETA**k for k in range(self.depths))
        guesses = unrolled(self.module, batch, self.depths, BETA)
        return [Guess(guess.scored, guess.at, guess.weight / whole) for guess in guesses]

    def levels(self, batch: Batch) -> list[Guess]:
        return unrolled(self.module, batch, LEVELS)

    def tensors(self) -> dict[str, torch.Tensor]:
        return {PREFIX + name: tensor for name, tensor in self.module.state_dict().items()}

    def described(self) -> dict:
        return {"architectures": ["MiMoForCausalLM"], "kind": "fastmtp", "num_nextn_predict_layers": 1,
                "num_speculative_steps": self.depths, **layer_described(self.config)}


RECIPE = FastMtpRecipe
