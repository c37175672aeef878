"""The shape of a target model, read from a Hugging Face folder through transformers' config classes."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass, fields, replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import torch

from mtpviz.errors import UserError

if TYPE_CHECKING:
    from transformers import PreTrainedConfig

# model_type in config.json -> its class in transformers. All are one decoder: RMSNorm, RoPE, GQA, SwiGLU.
_CLASSES = {
    "llama": "LlamaConfig",
    "qwen2": "Qwen2Config",
    "qwen3": "Qwen3Config",
    "mistral": "MistralConfig",
}


@dataclass(frozen=True)
class Llama3Scaling:
    """RoPE scaling of Llama 3.1: slow frequencies divided by `factor`, fast ones kept, a ramp between them.

    The bounds are wavelengths, in positions: original_context / low_freq_factor and original_context /
    high_freq_factor.
    """

    factor: float
    low_freq_factor: float
    high_freq_factor: float
    original_context: int


@dataclass(frozen=True)
class ModelConfig:
    """Sizes and switches of a decoder. All sizes count elements.

    vocab: rows of the embedding, which may be more than the tokenizer's ids. hidden: width of the residual
    stream. inner: width of the SwiGLU. head_dim: of one query, key or value head; heads * head_dim need not
    equal hidden. context: positions that can be used: the trained ones, or the sliding window where that is
    smaller, because attention here always sees every position before it. rms_eps: added to the mean square.
    qkv_bias: as in Qwen2. qk_norm: RMSNorm of each query and key head before the rotation, as in Qwen3. tied:
    the head is the embedding. sliding_window: in positions, None where attention is full. bos: id that starts
    a text, None where there is none. eos: ids that end a text, those of generation_config.json before those
    of config.json, as in transformers.
    """

    vocab: int
    hidden: int
    layers: int
    heads: int
    kv_heads: int
    head_dim: int
    inner: int
    context: int
    rms_eps: float = 1e-5
    rope_theta: float = 10000.0
    rope_scaling: Llama3Scaling | None = None
    qkv_bias: bool = False
    qk_norm: bool = False
    tied: bool = False
    sliding_window: int | None = None
    bos: int | None = None
    eos: tuple[int, ...] = ()
    family: str = "llama"

    def __post_init__(self) -> None:
        for field in fields(self)[:8]:
            size = getattr(self, field.name)
            if not isinstance(size, int) or size < 1:
                raise UserError(f"A model's {field.name} must be a positive whole number, not {size!r}.")
        if self.heads % self.kv_heads:
            raise UserError(f"{self.heads} query heads can't share {self.kv_heads} key heads evenly.")
        if self.head_dim % 2:
            raise UserError(f"Rotary positions need an even head_dim, and {self.head_dim} is odd.")

    @classmethod
    def from_folder(cls, folder: str | Path) -> ModelConfig:
        """The shape of the model in a Hugging Face folder.

        Raises UserError where config.json is missing, damaged, of another family or asks for what is not
        supported.
        """
        folder = Path(folder)
        raw = _read_json(folder / "config.json", required=True)
        family = raw.get("model_type")
        if family not in _CLASSES:
            raise _unsupported(family)
        import transformers  # about two seconds, so only once it is needed

        try:
            config = getattr(transformers, _CLASSES[family]).from_dict(raw)
        except Exception as error:  # transformers validates with KeyError, ValueError and types of its own
            path, why = folder / "config.json", _brief(error)
            raise UserError(f"{path} is not a valid {family} configuration ({why}).") from None
        read = cls.from_hf(config)
        eos = _read_json(folder / "generation_config.json", required=False).get("eos_token_id")
        return read if eos is None else replace(read, eos=_ids(eos))

    @classmethod
    def from_hf(cls, config: PreTrainedConfig) -> ModelConfig:
        """The shape that a transformers configuration object describes; UserError where it can't be run."""
        family = config.model_type
        if family not in _CLASSES:
            raise _unsupported(family)
        if config.hidden_act not in ("silu", "swish"):
            raise UserError(f"The model's activation is {config.hidden_act!r}, and only 'silu' can be run.")
        if getattr(config, "attention_bias", False) or getattr(config, "mlp_bias", False):
            raise UserError("The model has biases in o or its MLP, and only Qwen2's in q, k, v can be run.")
        if getattr(config, "quantization_config", None):
            raise UserError("The model's weights are quantised, and only bf16, fp16 and fp32 can be run.")
        theta, scaling = _rope(config)
        context, window = config.max_position_embeddings, _window(config)
        return cls(
            vocab=config.vocab_size,
            hidden=config.hidden_size,
            layers=config.num_hidden_layers,
            heads=config.num_attention_heads,
            kv_heads=config.num_key_value_heads,
            head_dim=getattr(config, "head_dim", None) or config.hidden_size // config.num_attention_heads,
            inner=config.intermediate_size,
            context=context if window is None else min(context, window),
            rms_eps=config.rms_norm_eps,
            rope_theta=theta,
            rope_scaling=scaling,
            qkv_bias=family == "qwen2",
            qk_norm=family == "qwen3",
            tied=config.tie_word_embeddings,
            sliding_window=window,
            bos=config.bos_token_id,
            eos=_ids(config.eos_token_id),
            family=family,
        )

    @property
    def parameters(self) -> int:
        """How many weights the model has; a tied embedding counts once."""
        projections = 2 * self.hidden * self.head_dim * (self.heads + self.kv_heads)
        biases = self.head_dim * (self.heads + 2 * self.kv_heads) * self.qkv_bias
        norms = 2 * self.hidden + 2 * self.head_dim * self.qk_norm
        layer = projections + biases + norms + 3 * self.hidden * self.inner
        return self.layers * layer + self.hidden + self.vocab * self.hidden * (1 if self.tied else 2)

    @property
    def shape(self) -> dict:
        """The sizes that the cost of a pass follows from, as a trace tells them (trace.Run.model)."""
        names = ("vocab", "hidden", "layers", "heads", "kv_heads", "head_dim", "inner", "tied")
        return {name: getattr(self, name) for name in names}

    @property
    def context_note(self) -> str:
        """Where the usable context ends, with the reason; no full stop, to stand inside a sentence."""
        if self.sliding_window == self.context:
            return f"{self.context} tokens, the model's sliding window"
        return f"{self.context} tokens, the length the model was made for"

    def rope_inv_freq(self) -> np.ndarray:
        """Angle per position of each rotated pair, fp32 (head_dim / 2,), with Llama 3.1's scaling where there
        is one.

        Computed in fp32 by the operations that transformers uses, so the bits are the same as there.
        """
        exponents = torch.arange(0, self.head_dim, 2, dtype=torch.float32) / self.head_dim
        inv_freq = 1.0 / (self.rope_theta**exponents)
        if (scaling := self.rope_scaling) is not None:
            wavelength = 2 * torch.pi / inv_freq
            low, high = scaling.low_freq_factor, scaling.high_freq_factor
            ramp = (scaling.original_context / wavelength - low) / (high - low)
            slow = inv_freq / scaling.factor
            smooth = (1 - ramp) * slow + ramp * inv_freq
            smooth = torch.where(wavelength > scaling.original_context / low, slow, smooth)
            inv_freq = torch.where(wavelength < scaling.original_context / high, inv_freq, smooth)
        return inv_freq.numpy()


def _rope(config: PreTrainedConfig) -> tuple[float, Llama3Scaling | None]:
    """Base and scaling; in `rope_parameters`, or at the top level as `rope_theta` and `rope_scaling`."""
    rope = getattr(config, "rope_parameters", None) or getattr(config, "rope_scaling", None) or {}
    theta = rope.get("rope_theta") or getattr(config, "rope_theta", None) or 10000.0
    kind = rope.get("rope_type") or rope.get("type") or "default"
    if rope.get("partial_rotary_factor", 1.0) != 1.0:
        raise UserError("The model rotates a part of each head, and only full rotary heads can be run.")
    if kind == "default":
        return float(theta), None
    if kind != "llama3":
        raise UserError(f"The model's RoPE scaling is {kind!r}, and only 'default' and 'llama3' can be run.")
    names = ("factor", "low_freq_factor", "high_freq_factor", "original_max_position_embeddings")
    if missing := [name for name in names if not isinstance(rope.get(name), int | float)]:
        raise UserError(f"The model's llama3 RoPE scaling lacks {', '.join(missing)}.")
    return float(theta), Llama3Scaling(*(rope[name] for name in names))


def _window(config: PreTrainedConfig) -> int | None:
    """The sliding window if any layer has one. Mistral has it in all layers; Qwen names its layers' types."""
    window = getattr(config, "sliding_window", None)
    if config.model_type == "mistral":
        return window
    return window if "sliding_attention" in (getattr(config, "layer_types", None) or ()) else None


def _ids(eos: object) -> tuple[int, ...]:
    """An eos_token_id, which is one id, a list of them or null."""
    ids = () if eos is None else tuple(eos) if isinstance(eos, list | tuple) else (eos,)
    if not all(isinstance(id, int) for id in ids):
        raise UserError(f"The model's eos_token_id must be an id or a list of ids, not {eos!r}.")
    return ids


def _unsupported(family: object) -> UserError:
    supported = "Llama, Qwen2, Qwen3 and Mistral decoders"
    return UserError(f"The model is of the family {family!r}, and only {supported} can be run.")


def _read_json(path: Path, required: bool) -> dict:
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        if not required:
            return {}
        raise UserError(f"{path} is missing, and a Hugging Face model folder has one.") from None
    except (OSError, ValueError) as error:
        raise UserError(f"{path} can't be read as JSON ({_brief(error)}).") from None
    if not isinstance(content, dict):
        raise UserError(f"{path} must hold a JSON object, not a {type(content).__name__}.")
    return content


def _brief(error: Exception) -> str:
    """An exception's text cut down to what fits inside a sentence."""
    lines = str(error).strip().splitlines() or [type(error).__name__]
    return re.sub(r"^\w+Error: ", "", lines[-1].strip()).split(". ")[0].rstrip(".")
