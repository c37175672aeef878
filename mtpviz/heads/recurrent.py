"""What EAGLE, EAGLE-3 and MTP modules share: a draft step takes a feature and a token's embedding to the next feature.

Row j takes the feature of position j and the token of position j + 1, and predicts the token of position j + 2. Where
position j is committed its feature is the target's, else it is what the draft's own last step left.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor, nn

from mtpviz.heads.layer import Seen
from mtpviz.kernels.linear import Matrix
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
    """A module as an engine runs it. Vectors are fp32 (hidden,).

    config, layer, norm: of its one decoder layer, for models.cpu.CpuModel; norm None where there is none. taps: layers
    of the target whose input it fuses. fuse: (hidden, taps x target hidden), makes the feature of a committed row of
    its taps side by side; None: the feature is the target's normed row. mix: (hidden, 2 hidden), makes the layer's
    residual stream, plus bias, of [embedding ; feature]; None: the stream is the feature, and the layer reads the
    embedding beside it. token_norm, feature_norm: of the two before that, None where there is none. raw: whether the
    next step's feature is the stream before the final norm. unembedding: (ids, hidden) of its own, or None for the
    target's; ids: int64, ascending, which tokens it scores, None for all. card: for the trace.
    """

    config: ModelConfig
    layer: LayerWeights
    norm: torch.Tensor | None
    card: dict
    taps: tuple[int, ...] = ()
    fuse: Matrix | None = None
    mix: Matrix | None = None
    bias: np.ndarray | None = None
    token_norm: np.ndarray | None = None
    feature_norm: np.ndarray | None = None
    raw: bool = False
    unembedding: torch.Tensor | None = None
    ids: np.ndarray | None = None

    def start(self, normed: np.ndarray, tapped: np.ndarray) -> np.ndarray:
        """Features of committed rows: of normed (n, target hidden) and tapped (taps, n, target hidden), fp32."""
        return normed if self.fuse is None else self.fuse(np.concatenate(list(tapped), -1))


def array(tensor: Tensor) -> np.ndarray:
    """A small parameter as fp32."""
    return tensor.float().numpy()
