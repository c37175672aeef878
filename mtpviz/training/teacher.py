"""The frozen target that draft heads are trained on: any Llama or Qwen folder, run by transformers."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import torch
from torch import Tensor, nn

from mtpviz.models.catalogue import ModelEntry
from mtpviz.models.config import ModelConfig
from mtpviz.models.weights import Weights, load


@dataclass(frozen=True)
class Batch:
    """ids: int64 (B, T). states: the target's hidden states, layers + 1 of (B, T, hidden): what enters each layer, then
    what leaves the final norm. embedded: (B, T, hidden), of the ids. All in the teacher's dtype, without gradient."""

    ids: Tensor
    states: tuple[Tensor, ...]
    embedded: Tensor
    unembedding: Tensor

    @property
    def normed(self) -> Tensor:
        """What the target's unembedding reads, (B, T, hidden)."""
        return self.states[-1]

    @cached_property
    def choices(self) -> Tensor:
        """The target's most probable token behind every position, int64 (B, T)."""
        return torch.stack([(row @ self.unembedding.T).argmax(-1) for row in self.normed])


class Teacher:
    """config, weights: as the engine reads them; the hash binds a head to its target. unembedding: (vocab, hidden)."""

    def __init__(self, entry: ModelEntry, device: str, dtype: torch.dtype):
        from transformers import AutoModelForCausalLM

        self.device, self.dtype = torch.device(device), dtype
        self.config = ModelConfig.from_folder(entry.folder)
        self.weights: Weights = load(entry.folder, self.config)
        self.model: nn.Module = AutoModelForCausalLM.from_pretrained(
            entry.folder, dtype=dtype, local_files_only=True, trust_remote_code=False).to(device)
        self.model.requires_grad_(False).eval()
        self.unembedding: Tensor = self.model.get_output_embeddings().weight
        self.embedding: nn.Module = self.model.get_input_embeddings()

    @torch.no_grad()
    def batch(self, ids: Tensor) -> Batch:
        """Run ids int64 (B, T)."""
        ids = ids.to(self.device)
        states = self.model.model(ids, output_hidden_states=True, use_cache=False).hidden_states
        return Batch(ids, tuple(states), self.embedding(ids), self.unembedding)
