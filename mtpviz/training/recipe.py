"""What a draft head's training recipe says; the loop is training/heads.py's. One file each in training/recipes/."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar

import numpy as np
import torch
from torch import Tensor, nn

from mtpviz.engine.drafter import Setting
from mtpviz.heads.folder import HeadFolder
from mtpviz.training.loss import cross_entropy, distillation_loss
from mtpviz.training.run import random_rows
from mtpviz.training.teacher import Batch, Teacher


@dataclass(frozen=True)
class Guess:
    """What a head says of one token at some rows. scored: (B, R, hidden), what the unembedding reads. at: int64 (R,),
    positions of the guessed tokens. weight: in the loss."""

    scored: Tensor
    at: Tensor
    weight: float = 1.0


class Recipe(ABC):
    """A head in training. name: its folder among the model's heads. about: one line. module: what is trained. rate:
    peak learning rate of its matrices. data_share: of the text's own tokens in the labels, the rest being the target's
    distribution. share: of a guess's rows, drawn anew in every pass, that the loss is taken of: an unbiased estimate at
    a fraction of the work, which lies in the unembedding. options: what can be chosen, by name, as of a strategy.
    kept: ids that its own unembedding scores, None for all."""

    name: ClassVar[str]
    about: ClassVar[str]
    rate: ClassVar[float] = 2e-3
    data_share: ClassVar[float] = 0.0
    share: ClassVar[float] = 0.5
    options: ClassVar[Mapping[str, Setting]] = {}
    module: nn.Module
    kept: Tensor | None = None

    @abstractmethod
    def __init__(self, teacher: Teacher, counts: np.ndarray, **options: object):
        """A fresh head for the teacher. counts: how often each id occurs in the texts, (vocab,)."""

    @abstractmethod
    def guesses(self, batch: Batch, generator: torch.Generator) -> list[Guess]:
        """What the loss is taken of."""

    @abstractmethod
    def levels(self, batch: Batch) -> list[Guess]:
        """What a chain would draft, level after level, at the same rows: level k guesses the k-th token after the
        root."""

    def unembedding(self, teacher: Teacher) -> Tensor:
        """(ids scored, hidden)."""
        return teacher.unembedding

    def extra_loss(self, batch: Batch, guesses: list[Guess]) -> Tensor | float:
        """What the method adds to the loss."""
        return 0.0

    @abstractmethod
    def described(self) -> dict:
        """config.json of the head, in its method's published terms."""

    def tensors(self) -> dict[str, Tensor]:
        """The head's tensors by their published names."""
        return self.module.state_dict()

    @torch.no_grad()
    def take_over(self, stored: HeadFolder) -> None:
        """Start from the weights of a head on disk, in the method's published format."""
        for name, tensor in self.tensors().items():
            tensor.copy_(stored.take(name, tuple(tensor.shape)))

    def loss(self, teacher: Teacher, batch: Batch, generator: torch.Generator) -> Tensor:
        """The weighted sum over the guesses of the cross entropy against the target's distribution (or the text)."""
        guesses = self.guesses(batch, generator)
        total = self.extra_loss(batch, guesses)
        for guess in guesses:
            total = total + guess.weight * self._cross_entropy(teacher, batch, guess, generator)
        return total

    def _cross_entropy(self, teacher: Teacher, batch: Batch, guess: Guess, generator: torch.Generator) -> Tensor:
        count = guess.scored.shape[0] * guess.scored.shape[1]
        drawn = random_rows(count, self.share, generator, batch.ids.device)
        scored, labels = guess.scored.flatten(0, 1)[drawn], batch.ids[:, guess.at].flatten()[drawn]
        teaching = batch.normed[:, guess.at - 1].flatten(0, 1)[drawn]
        if self.data_share == 1.0:
            return cross_entropy(scored, self.unembedding(teacher), labels, teacher.dtype)
        weight = teacher.unembedding
        if self.kept is not None:  # EAGLE-3: a row whose best token the draft cannot say teaches nothing
            sayable = torch.isin(batch.choices[:, guess.at - 1].flatten()[drawn], self.kept)
            scored, teaching, weight = scored[sayable], teaching[sayable], weight[self.kept]
            if not len(scored):
                return scored.sum()
            labels = torch.zeros_like(labels[sayable])
        return distillation_loss(scored, self.unembedding(teacher), labels, teaching, weight,
                                 data_share=self.data_share, dtype=teacher.dtype)


def layer_described(config) -> dict:
    """A decoder layer's shape in the words of a Llama config.json."""
    return {
        "hidden_size": config.hidden, "intermediate_size": config.inner, "num_hidden_layers": 1,
        "num_attention_heads": config.heads, "num_key_value_heads": config.kv_heads, "head_dim": config.head_dim,
        "rms_norm_eps": config.rms_eps, "rope_theta": config.rope_theta, "vocab_size": config.vocab,
    }
