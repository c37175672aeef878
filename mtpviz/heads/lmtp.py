"""L-MTP's leap heads (Liu et al. 2025, section 3): head i at position t guesses the token of t + 1 + stride x i.

The gaps are filled by looking backward: the same head at an earlier position guesses an earlier token. Blocks as
Medusa's. Tensors: heads.heads.{i}.resblock.{l}.l_proj.weight and .bias, heads.heads.{i}.lm_head.weight of an
unembedding of its own. `ahead` in config.json lists how far each head guesses; published heads: stride 2.
"""

from __future__ import annotations

from pathlib import Path

from torch import Tensor, nn

from mtpviz.errors import UserError
from mtpviz.heads.folder import HeadFolder
from mtpviz.heads.medusa import Medusa, ResidualHeads, check_heads, read_blocks
from mtpviz.models.config import ModelConfig
from mtpviz.models.weights import Weights

PREFIX = "heads.heads."
STRIDE = 2


class Lmtp(nn.Module):
    """Heads in training; ahead: how far beyond its own position each guesses."""

    def __init__(self, hidden: int, ahead: list[int], layers: int = 1):
        super().__init__()
        self.ahead = ahead
        self.heads = Medusa(hidden, len(ahead), layers)

    def forward(self, x: Tensor) -> list[Tensor]:
        """As `Medusa.forward`."""
        return self.heads(x)

    def published(self) -> dict[str, Tensor]:
        """The tensors by their published names."""
        return {f"{PREFIX}{name.split('.')[0]}.resblock.{name.split('.')[1]}.l_proj.{name.split('.')[-1]}": tensor
                for name, tensor in self.heads.state_dict().items()}


def load(folder: Path, target: ModelConfig, weights: Weights) -> ResidualHeads:
    """Read leap heads made for this target. UserError for a damaged folder and for another target's heads."""
    stored = HeadFolder(folder, weights)
    for name in [name for name in stored.names if not name.startswith(PREFIX)]:
        stored.drop(name)  # published files hold the whole target too
    blocks, unembeddings = [], []
    while f"{PREFIX}{len(blocks)}.resblock.0.l_proj.weight" in stored.names:
        at = f"{PREFIX}{len(blocks)}."
        blocks.append(read_blocks(stored, at + "resblock.{}.l_proj.", target.hidden))
        if at + "lm_head.weight" in stored.names:
            unembeddings.append(stored.take(at + "lm_head.weight", (target.vocab, target.hidden)))
    stored.finish()
    check_heads(folder, blocks, unembeddings)
    ahead = stored.described.get("ahead", [1 + STRIDE * (i + 1) for i in range(len(blocks))])
    if not isinstance(ahead, list) or len(ahead) != len(blocks) or not all(isinstance(a, int) and a > 1 for a in ahead):
        raise UserError(f"{folder / 'config.json'} has ahead {ahead!r}; {len(blocks)} numbers above 1 would be right.")
    return ResidualHeads(blocks, unembeddings, ahead, stored.card)


def leaps(ahead: list[int], stride: int) -> list[int]:
    """The heads, in order, that guess 1 + stride, 1 + 2 stride, ... places ahead, as far as there are such."""
    chain = []
    while (wanted := 1 + stride * (len(chain) + 1)) in ahead:
        chain.append(ahead.index(wanted))
    return chain


def sources(stride: int, levels: int) -> list[tuple[int, int]]:
    """Of each level of the draft (level j is the j-th token after the root): which leap guesses it, from 0, and how
    many rows back it looks."""
    return [((j - 1) // stride, stride * ((j - 1) // stride + 1) - j) for j in range(1, levels + 1)]
