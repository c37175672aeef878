"""Muon for the hidden matrices, AdamW for embeddings and norms."""

from __future__ import annotations

import torch

from mtpviz.training.module import EMBEDDING_STD, WRITERS, MultiTokenDecoder
from mtpviz.training.muon import Muon
from mtpviz.training.presets import Preset


class Optimizer:
    """Muon (Jordan et al. 2024, kellerjordan.github.io/posts/muon/) on every 2-D weight of the layers, AdamW
    on the rest.

    Muon orthogonalises the momentum of a matrix, so its step has the same size in every direction; per token
    it learns faster than Adam, and tokens are what a small machine lacks. Learning rates are scaled by
    sqrt(max(1, rows / columns)), Muon's original rule. The rate of a writer to the residual stream is that of
    a reader times `EMBEDDING_STD`: relative to the stream, both then learn at one pace.
    """

    def __init__(self, model: MultiTokenDecoder, preset: Preset):
        readers, writers, embedding, norms = [], [], [], []
        for name, parameter in model.named_parameters():
            if parameter.ndim == 1:
                norms.append(parameter)
            elif "embed_tokens" in name:
                embedding.append(parameter)
            else:
                (writers if name.removesuffix(".weight").endswith(WRITERS) else readers).append(parameter)
        self.parameters = readers + writers + embedding + norms
        muon = Muon(
            [
                {"params": readers, "lr": preset.muon_lr},
                {"params": writers, "lr": preset.muon_lr * EMBEDDING_STD},
            ],
            weight_decay=preset.weight_decay,
        )
        adam = torch.optim.AdamW(
            [{"params": embedding, "lr": preset.embedding_lr}, {"params": norms, "lr": preset.norm_lr}],
            betas=(0.9, 0.95),
            weight_decay=0.0,
            fused=True,
        )
        self.parts = (muon, adam)
        self.peaks = [[group["lr"] for group in part.param_groups] for part in self.parts]

    def step(self, scale: float) -> torch.Tensor:
        """Clip the gradient to norm 1, take one step at `scale` times the peak rates, clear the gradient.

        Returns the gradient's norm before clipping, on the device.
        """
        norm = torch.nn.utils.clip_grad_norm_(self.parameters, 1.0)
        for part, peaks in zip(self.parts, self.peaks, strict=True):
            for group, peak in zip(part.param_groups, peaks, strict=True):
                group["lr"] = peak * scale
            part.step()
        self.clear()
        return norm

    def clear(self) -> None:
        """Forget the gradient."""
        for part in self.parts:
            part.zero_grad(set_to_none=True)

    def state_dict(self) -> list[dict]:
        """States of the two parts, Muon first."""
        return [part.state_dict() for part in self.parts]

    def load_state_dict(self, state: list[dict]) -> None:
        """Restore what `state_dict` gave."""
        for part, saved in zip(self.parts, state, strict=True):
            part.load_state_dict(saved)


def rate_scale(progress: float, warmup: float, decay: float) -> float:
    """Share of the peak learning rate at `progress` in [0, 1]: linear warm-up, constant, linear decay to
    zero.
    """
    return max(0.0, min(1.0, (progress + 1e-3) / warmup, (1.0 - progress) / decay))
