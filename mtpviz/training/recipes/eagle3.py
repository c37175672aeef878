"""EAGLE-3 (Li et al. 2025, section 3): no feature loss, fused features, training-time test over several steps."""

from __future__ import annotations

import numpy as np
import torch
from torch import nn

from mtpviz.engine.drafter import Setting
from mtpviz.heads.eagle3 import Eagle3, default_taps, kept_ids
from mtpviz.heads.folder import HeadFolder
from mtpviz.heads.layer import Attention, draft_config
from mtpviz.training.recipe import Guess, Recipe, layer_described
from mtpviz.training.recurrent import start_small, unrolled
from mtpviz.training.teacher import Batch, Teacher

STEPS = LEVELS = 5
DECAY = 0.8
KEPT_SHARE = 0.25  # of the vocabulary: 32,000 of Llama 3's 128,256


class Eagle3Recipe(Recipe):
    """Soft labels: the target's distribution restricted to the kept ids, which are the texts' most frequent ones."""

    name = "eagle3"
    about = "EAGLE-3: fused features, training-time test"
    options = {"steps": Setting(STEPS, "of training-time test", 1, 7),
               "features": Setting("fused", "what the draft starts from: low, middle and high layers, or the highest",
                                   choices=("fused", "top"))}

    def __init__(self, teacher: Teacher, counts: np.ndarray, steps: int = STEPS, features: str = "fused"):
        self.config, self.steps = draft_config(teacher.config), steps
        taps = default_taps(teacher.config.layers) if features == "fused" else (teacher.config.layers - 1,)
        order = np.argsort(-counts, kind="stable")
        self.kept = torch.from_numpy(np.sort(order[: round(KEPT_SHARE * len(counts))]).copy()).to(teacher.device)
        self.module = Eagle3(self.config, taps, self.kept.cpu())
        start_small(self.module.midlayer)
        with torch.no_grad():
            self.module.lm_head.weight.copy_(teacher.unembedding[self.kept])
            # The highest tap passes as it is, the others as noise beside it: the unembedding, the target's own rows,
            # reads something of its guess from the first step on.
            nn.init.normal_(self.module.fc.weight, std=0.5 * self.module.fc.in_features**-0.5)
            self.module.fc.weight[:, -self.config.hidden :] += torch.eye(self.config.hidden)
            _look_at_itself(self.module.midlayer.self_attn)
            # The stream has about unit size; its norm starts where the target's unembedding expects its rows.
            self.module.norm.weight.copy_(teacher.model.model.norm.weight)

    def unembedding(self, teacher: Teacher) -> torch.Tensor:
        return self.module.lm_head.weight

    def guesses(self, batch: Batch, generator: torch.Generator) -> list[Guess]:
        return unrolled(self.module, batch, self.steps, DECAY)

    def levels(self, batch: Batch) -> list[Guess]:
        return unrolled(self.module, batch, LEVELS)

    @torch.no_grad()
    def take_over(self, stored: HeadFolder) -> None:
        """Of its unembedding the rows of ids that both keep; the others start as the target's."""
        ids = kept_ids(stored, self.config.vocab)
        ids = np.arange(self.config.vocab) if ids is None else ids
        rows = stored.take("lm_head.weight", (len(ids), self.config.hidden))
        kept = self.kept.cpu().numpy()
        ours = np.isin(kept, ids)
        self.module.lm_head.weight[torch.from_numpy(ours)] = rows[np.searchsorted(ids, kept[ours])].to(
            self.module.lm_head.weight)
        for name, tensor in self.tensors().items():
            if name not in ("d2t", "t2d", "lm_head.weight"):
                tensor.copy_(stored.take(name, tuple(tensor.shape)))

    def described(self) -> dict:
        return {"architectures": ["LlamaForCausalLMEagle3"], "model_type": "llama", "kind": "eagle3",
                "draft_vocab_size": len(self.kept), "eagle_aux_hidden_state_layer_ids": list(self.module.taps),
                **layer_described(self.config)}


def _look_at_itself(attention: Attention) -> None:
    """Start the first query head of every group with its key's weights. A row's own key then answers by far the
    loudest, and only through its own row does the last token's embedding come into the stream."""
    group = attention.heads // attention.kv_heads
    rows = attention.q_proj.weight.view(attention.heads, attention.head_dim, -1)
    attention.k_proj.weight.copy_(rows[::group].flatten(0, 1))


RECIPE = Eagle3Recipe
