"""A draft head on disk: config.json beside its tensors, which published heads keep in safetensors, .bin or .pt."""

from __future__ import annotations

import json
import pickle
from pathlib import Path

import torch

from mtpviz.errors import UserError
from mtpviz.models.config import ModelConfig
from mtpviz.models.weights import LayerWeights, Stored, Weights, digest, layer_weights


class HeadFolder(Stored):
    """described: its config.json. tensors are taken by name, as from `Stored`. parameters: elements taken so far.

    Raises UserError for a folder without a readable config.json or tensors, and, where config.json names the target
    by its hash, for another target.
    """

    def __init__(self, folder: Path, target: Weights | None = None):
        try:
            self.described = json.loads((folder / "config.json").read_text(encoding="utf-8"))
            if not isinstance(self.described, dict):
                raise ValueError
            self.described |= self.described.get("transformer_layer_config", {})  # speculators nests the layer's shape
        except (OSError, ValueError, TypeError):
            raise UserError(f"{folder / 'config.json'} does not describe a draft head.") from None
        made_for = self.described.get("target_hash")
        if target is not None and made_for is not None and made_for != target.sha256:
            raise UserError(f"The head in {folder} was trained with another target ({str(made_for)[:16]}) than this "
                            f"one ({target.hash}); take the head that came with it.")
        pickled = sorted(path for path in folder.iterdir() if path.suffix in (".bin", ".pt", ".pth"))
        if pickled and not list(folder.glob("*.safetensors*")):
            self.folder, self.files = folder, tuple(pickled)
            self._tensors = {name: tensor for path in pickled for name, tensor in _unpickle(path).items()}
        else:
            super().__init__(folder)
        self.parameters = 0

    @property
    def names(self) -> set[str]:
        """Names of the tensors that have not been taken."""
        return set(self._tensors)

    @property
    def card(self) -> dict:
        """{"name", "hash", "parameters"} for traces, once all is taken."""
        return {"name": self.folder.name, "hash": digest(self.files)[:16], "parameters": self.parameters}

    def take(self, name: str, shape: tuple[int, ...]) -> torch.Tensor:
        """As `Stored.take`."""
        tensor = super().take(name, shape)
        self.parameters += tensor.numel()
        return tensor

    def vector(self, name: str) -> torch.Tensor | None:
        """A tensor of one axis and any length and dtype (a list of ids or flags), None where there is none."""
        tensor = self.drop(name)
        if tensor is not None and tensor.ndim != 1:
            raise UserError(f"The tensor {name} in {self.folder} has {tensor.ndim} axes, and it must have one.")
        return tensor

    def number(self, name: str, default: int | None = None, low: int = 1) -> int:
        """A whole number of config.json, at least `low`; UserError where it is missing or none."""
        value = self.described.get(name, default)
        if not isinstance(value, int) or isinstance(value, bool) or value < low:
            raise UserError(f"{self.folder / 'config.json'} has {name} {value!r}; a number from {low} would be right.")
        return value

    def layer_config(self, target: ModelConfig, at: str) -> ModelConfig:
        """The shape of the head's one decoder layer, whose names start with `at`: its own config's, which may differ
        from the target's in all but the vocabulary and the hidden size; biases and norms of q, k and v are there where
        their tensors are. A missing rope_theta means 10000 whatever the target has: EAGLE-3's were trained so."""
        d = self.described
        hidden = self.number("hidden_size", target.hidden)
        if hidden != target.hidden:
            raise UserError(f"The head in {self.folder} is for a hidden size of {hidden}; the target's is "
                            f"{target.hidden}.")
        heads = self.number("num_attention_heads", target.heads)
        rope = d.get("rope_parameters") or {}
        return ModelConfig(
            vocab=target.vocab, hidden=hidden, layers=1, heads=heads,
            kv_heads=self.number("num_key_value_heads", heads),
            head_dim=self.number("head_dim", hidden // heads), inner=self.number("intermediate_size", target.inner),
            context=target.context, rms_eps=float(d.get("rms_norm_eps", 1e-6)),
            rope_theta=float(d.get("rope_theta", rope.get("rope_theta", 10000.0))),
            qkv_bias=f"{at}self_attn.q_proj.bias" in self.names, qk_norm=f"{at}self_attn.q_norm.weight" in self.names,
            tied=target.tied)

    def layer(self, config: ModelConfig, at: str, normed: bool = True) -> LayerWeights:
        """The decoder layer whose names start with `at`; normed: whether it has an input_layernorm."""
        def take(name: str, shape: tuple[int, ...]):
            return None if not normed and name.endswith("input_layernorm.weight") else self.take(name, shape)

        return layer_weights(config, take, at)


def _unpickle(path: Path) -> dict[str, torch.Tensor]:
    try:
        state = torch.load(path, map_location="cpu", weights_only=True)  # refuses anything but tensors
    except (OSError, RuntimeError, EOFError, pickle.UnpicklingError, ValueError):
        raise UserError(f"{path} is damaged or holds more than tensors; safetensors would be right.") from None
    if not isinstance(state, dict) or not all(isinstance(tensor, torch.Tensor) for tensor in state.values()):
        raise UserError(f"{path} does not hold tensors by name; a state dict would be right.")
    return state
