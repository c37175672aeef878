"""Medusa heads (Cai et al. 2024, section 2.1): on the frozen target's last hidden state, one guess each.

head k at position t guesses the token of t + 1 + k: x + SiLU(linear(x)), then an unembedding, its own or the target's.
Tensors: {k}.{l}.linear.weight and .bias, and {k}.{L}.weight of an unembedding of its own, all perhaps under
medusa_head.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from mtpviz.errors import UserError
from mtpviz.heads.folder import HeadFolder
from mtpviz.heads.recurrent import array
from mtpviz.kernels.linear import Matrix
from mtpviz.models.config import ModelConfig
from mtpviz.models.weights import Weights


class ResBlock(nn.Module):
    """x + SiLU(linear(x)); starts as x + SiLU(0) = x, so an untrained head repeats the target's own guess."""

    def __init__(self, hidden: int):
        super().__init__()
        self.linear = nn.Linear(hidden, hidden)
        nn.init.zeros_(self.linear.weight)
        nn.init.zeros_(self.linear.bias)

    def forward(self, x: Tensor) -> Tensor:
        """(..., hidden) -> (..., hidden)."""
        return x + F.silu(self.linear(x))


class Medusa(nn.ModuleList):
    """`heads` heads of `layers` blocks each, in training; they share the target's unembedding."""

    def __init__(self, hidden: int, heads: int, layers: int = 1):
        super().__init__(nn.ModuleList(ResBlock(hidden) for _ in range(layers)) for _ in range(heads))

    def forward(self, x: Tensor) -> list[Tensor]:
        """The target's normed hidden states (..., hidden) -> what the unembedding reads, head by head."""
        return [_through(blocks, x) for blocks in self]


def _through(blocks, x):
    for block in blocks:
        x = block(x)
    return x


@dataclass(frozen=True)
class ResidualHeads:
    """Heads as the engine runs them. blocks: by head, (weight, bias) by layer. unembeddings: (vocab, hidden) by
    head, empty where they share the target's. ahead: by head, how many places beyond the hidden state's own position
    its guess lies. card: for the trace."""

    blocks: list[list[tuple[Matrix, np.ndarray]]]
    unembeddings: list[torch.Tensor]
    ahead: list[int]
    card: dict

    def __call__(self, head: int, rows: np.ndarray) -> np.ndarray:
        """What head `head`'s unembedding reads of normed hidden states fp32 (rows, hidden)."""
        for weight, bias in self.blocks[head]:
            gate = weight(rows) + bias
            rows = rows + gate / (1 + np.exp(-gate))
        return rows


def load(folder: Path, target: ModelConfig, weights: Weights) -> ResidualHeads:
    """Read Medusa heads made for this target. The number of heads and layers is what the file holds: published configs
    are wrong about it. UserError for a damaged folder and for another target's heads."""
    stored = HeadFolder(folder, weights)
    prefix = "medusa_head." if any(name.startswith("medusa_head.") for name in stored.names) else ""
    blocks, unembeddings = [], []
    while f"{prefix}{len(blocks)}.0.linear.weight" in stored.names:
        at = f"{prefix}{len(blocks)}."
        blocks.append(read_blocks(stored, at + "{}.linear.", target.hidden))
        if (own := f"{at}{len(blocks[-1])}.weight") in stored.names:
            unembeddings.append(stored.take(own, (target.vocab, target.hidden)))
    for name in [name for name in stored.names if prefix and not name.startswith(prefix)]:
        stored.drop(name)  # a Medusa-2 folder is a whole model
    stored.finish()
    check_heads(folder, blocks, unembeddings)
    return ResidualHeads(blocks, unembeddings, [2 + k for k in range(len(blocks))], stored.card)


def read_blocks(stored: HeadFolder, pattern: str, hidden: int) -> list[tuple[Matrix, np.ndarray]]:
    """Weight and bias of block 0, 1, ... under the names pattern.format(block) + "weight" and "bias"."""
    blocks = []
    while (name := pattern.format(len(blocks)) + "weight") in stored.names:
        weight = Matrix(stored.take(name, (hidden, hidden)))
        blocks.append((weight, array(stored.take(pattern.format(len(blocks)) + "bias", (hidden,)))))
    return blocks


def check_heads(folder: Path, blocks: list, unembeddings: list) -> None:
    """UserError where there are no heads, or where only some have an unembedding."""
    if not blocks or unembeddings and len(unembeddings) != len(blocks):
        raise UserError(f"{folder} holds {len(blocks)} heads and {len(unembeddings)} unembeddings; one for each head, "
                        "or none, would be right.")
