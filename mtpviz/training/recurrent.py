"""What the recipes of recurrent modules share."""

from __future__ import annotations

import torch
from torch import nn

from mtpviz.heads.layer import DraftLayer
from mtpviz.heads.recurrent import RecurrentModule
from mtpviz.training.recipe import Guess
from mtpviz.training.teacher import Batch


def unrolled(module: RecurrentModule, batch: Batch, steps: int, decay: float = 1.0) -> list[Guess]:
    """`steps` drafted tokens from every row; step s weighs decay^s in the loss."""
    scored = module.unroll(batch.states, batch.embedded, steps)
    rows = torch.arange(scored[0].shape[1] - 1, device=batch.ids.device)  # the last row's last guess has no label
    return [Guess(read[:, :-1], rows + 2 + step, decay**step) for step, read in enumerate(scored)]


def start_small(layer: DraftLayer) -> None:
    """A layer whose writers are zero hands its input on, and learns from there."""
    for writer in (layer.self_attn.o_proj, layer.mlp.down_proj):
        nn.init.zeros_(writer.weight)
    for reader in (layer.self_attn.q_proj, layer.self_attn.k_proj, layer.self_attn.v_proj, layer.mlp.gate_proj,
                   layer.mlp.up_proj):
        nn.init.normal_(reader.weight, std=reader.in_features**-0.5)
