"""What EAGLE, EAGLE-3 and MTP modules share: a draft step takes a feature and a token's embedding to the next feature.

Row j takes the feature of position j and the token of position j + 1, and predicts the token of position j + 2. Where
position j is committed its feature is the target's, else it is what the draft's own last step left.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor, nn

from mtpviz.heads.layer import Seen
from mtpviz.models.config import ModelConfig
from mtpviz.models.weights import LayerWeights


class RecurrentModule(nn.Module, ABC):
    """A module in training. Subclasses are named after their published tensors."""

    @abstractmethod
    def start(self, states: tuple[Tensor, ...]) -> Tensor:
        """The target's hidden states as transformers gives them, layers + 1 of (B, T, hidden), the last one after the
        final norm -> the features of the first step, (B, T, hidden)."""

    @abstractmethod
    def step(self, feature: Tensor, embedded: Tensor, seen: Seen) -> tuple[Tensor, Tensor]:
        """Features and the next tokens' embeddings, (B, T, hidden) -> the features of the next step, and what the
        unembedding reads."""

    def unroll(self, states: tuple[Tensor, ...], embedded: Tensor, steps: int) -> list[Tensor]:
        """What the unembedding reads at each of `steps` steps, (B, T - steps, hidden) each; row j of step s predicts
        the token of position j + 2 + s. embedded (B, T, hidden): of the tokens at positions 0..T - 1, which are the
        text's, not the draft's."""
        rows = embedded.shape[1] - steps
        feature, seen, scored = self.start(tuple(state[:, :rows] for state in states)), [], []
        for step in range(steps):
            feature, read = self.step(feature, embedded[:, 1 + step : 1 + step + rows], seen)
            scored.append(read)
        return scored


@dataclass(frozen=True)
class RecurrentHead:
    """A module as the engine runs it. Arrays are fp32.

    config, layer, norm: of its one decoder layer, for models.cpu.CpuModel; norm None where there is none. taps: layers
    of the target whose input it fuses. start(normed (n, target hidden), taps (taps, n, target hidden)) -> features of
    committed rows. mix(features, embeddings) -> the layer's residual stream, and its side stream or None. raw: whether
    the next step's feature is the stream before the final norm. unembedding: (ids, hidden) of its own, or None for the
    target's; ids: int64, ascending, which tokens it scores, None for all. card: for the trace.
    """

    config: ModelConfig
    layer: LayerWeights
    norm: torch.Tensor | None
    taps: tuple[int, ...]
    start: Callable[[np.ndarray, np.ndarray], np.ndarray]
    mix: Callable[[np.ndarray, np.ndarray], tuple[np.ndarray, np.ndarray | None]]
    raw: bool
    unembedding: torch.Tensor | None
    ids: np.ndarray | None
    card: dict


def array(tensor: Tensor) -> np.ndarray:
    """A small parameter as fp32."""
    return tensor.float().numpy()


def rms_norm(x: np.ndarray, weight: np.ndarray, eps: float) -> np.ndarray:
    """RMSNorm of rows fp32 (n, hidden)."""
    return x / np.sqrt(np.mean(x * x, -1, keepdims=True) + np.float32(eps)) * weight
