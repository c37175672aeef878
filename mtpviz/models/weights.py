"""A target model's tensors, read strictly from a Hugging Face folder's safetensors, or made at random."""

from __future__ import annotations

import hashlib
import json
import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import torch
from safetensors import SafetensorError, safe_open

from mtpviz.errors import UserError
from mtpviz.models.config import ModelConfig

_DTYPES = (torch.bfloat16, torch.float16, torch.float32)


@dataclass(frozen=True)
class LayerWeights:
    """One decoder layer. Matrices are (out, in), as in torch.nn.Linear; the rows of q, k, v run head by head.

    input_norm, post_norm: (hidden,). q: (heads * head_dim, hidden); k, v: (kv_heads * head_dim, hidden); o:
    (hidden, heads * head_dim); gate, up: (inner, hidden); down: (hidden, inner). q_bias, k_bias, v_bias:
    (rows of q, k, v,), None without qkv_bias. q_norm, k_norm: (head_dim,), None without qk_norm.

    Draft layers differ: input_norm is None where q, k and v read the residual stream as it is (EAGLE), and with
    side_norm (hidden,) they read [side ; residual], each half normed, and have 2 hidden columns (EAGLE-3).
    """

    input_norm: torch.Tensor | None
    q: torch.Tensor
    k: torch.Tensor
    v: torch.Tensor
    o: torch.Tensor
    post_norm: torch.Tensor
    gate: torch.Tensor
    up: torch.Tensor
    down: torch.Tensor
    q_bias: torch.Tensor | None = None
    k_bias: torch.Tensor | None = None
    v_bias: torch.Tensor | None = None
    q_norm: torch.Tensor | None = None
    k_norm: torch.Tensor | None = None
    side_norm: torch.Tensor | None = None


@dataclass(frozen=True)
class Weights:
    """All tensors of a model, in the dtypes they are stored in; tensors of a file are mapped, not copied.

    embed: (vocab, hidden). norm: (hidden,), the final one, None in a draft module without one. head: (vocab, hidden),
    the same object as embed where tied. files: where they came from, in order of name; empty for random weights.
    """

    embed: torch.Tensor
    layers: list[LayerWeights]
    norm: torch.Tensor | None
    head: torch.Tensor
    files: tuple[Path, ...] = ()

    @cached_property
    def sha256(self) -> str:
        """Hex digest of the weights file; of several, that of their hex digests one after the other, in order
        of name.

        Of random weights, the digest of the tensors' bytes.
        """
        if self.files:
            return digest(self.files)
        whole = hashlib.sha256()
        for tensor in self._tensors():
            whole.update(tensor.cpu().contiguous().view(torch.uint8).numpy().data)
        return whole.hexdigest()

    @property
    def hash(self) -> str:
        """The first 16 hex digits of sha256: what traces and the page name the weights by."""
        return self.sha256[:16]

    def _tensors(self) -> Iterator[torch.Tensor]:
        yield self.embed
        for layer in self.layers:
            yield from (tensor for tensor in vars(layer).values() if tensor is not None)
        yield self.norm
        if self.head is not self.embed:
            yield self.head


class Stored:
    """The tensors in a folder's model.safetensors, or in the shards that its index names, to be taken one by one.

    Raises UserError where a file is missing, truncated or damaged. digest: sha256 as `Weights.sha256` describes it.
    """

    def __init__(self, folder: str | Path):
        self.folder = Path(folder)
        self.files = _files(self.folder)
        self._tensors: dict[str, torch.Tensor] = {}
        for path in self.files:
            for name, tensor in _read(path):
                if name in self._tensors:
                    raise UserError(f"The tensor {name} is in two files of {folder}, and it must be in one.")
                self._tensors[name] = tensor

    def take(self, name: str, shape: tuple[int, ...]) -> torch.Tensor:
        """The tensor `name`; UserError where it is missing, of another shape or of a dtype that can't be run."""
        tensor = self._tensors.pop(name, None)
        if tensor is None:
            raise UserError(f"The tensor {name} is missing from the weights in {self.folder}.")
        if tuple(tensor.shape) != shape:
            have = tuple(tensor.shape)
            raise UserError(f"The tensor {name} in {self.folder} has shape {have}; config.json asks for {shape}.")
        if tensor.dtype not in _DTYPES:
            kind = str(tensor.dtype).removeprefix("torch.")
            raise UserError(f"The tensor {name} in {self.folder} is {kind}; only bf16, fp16 and fp32 can be run.")
        return tensor

    def drop(self, name: str) -> torch.Tensor | None:
        """Remove a tensor that may be there; returns it."""
        return self._tensors.pop(name, None)

    def finish(self) -> None:
        """UserError if anything has not been taken."""
        # Checkpoints from before 2023 hold the rotary frequencies too; they follow from config.json.
        unexpected = sorted(name for name in self._tensors if not name.endswith("rotary_emb.inv_freq"))
        if unexpected:
            more = f" and {len(unexpected) - 1} more" if len(unexpected) > 1 else ""
            raise UserError(f"The weights in {self.folder} hold {unexpected[0]}{more}, which the model can't place.")


def load(folder: str | Path, config: ModelConfig) -> Weights:
    """The weights of a target's folder. Raises UserError where a file is missing, truncated or damaged, and where a
    tensor is missing, unexpected, of the wrong shape or of another dtype than bf16, fp16 and fp32."""
    stored = Stored(folder)
    weights = _assemble(config, stored.take, stored.files)
    if config.tied and (head := stored.drop("lm_head.weight")) is not None:  # some writers store it twice
        if not torch.equal(head, weights.embed):
            raise UserError(f"The weights in {folder} hold a head that is not the embedding it is tied to.")
    stored.finish()
    return weights


def digest(files: tuple[Path, ...]) -> str:
    """sha256 of one file; of several, that of their hex digests one after the other, in order of name."""
    if len(files) == 1:
        return _file_digest(files[0])
    whole = hashlib.sha256()
    for path in sorted(files):
        whole.update(_file_digest(path).encode())
    return whole.hexdigest()


def random(
    config: ModelConfig, seed: int = 0, dtype: torch.dtype = torch.float32, device: torch.device | str = "cpu"
) -> Weights:
    """Random weights of a config, made on `device`: for tests and for speed figures, which need no training.

    Matrices are normal with variance 1 / columns, so that activations and logits stay near unit size at any
    depth.
    """
    generator = torch.Generator(device).manual_seed(seed)

    def draw(name: str, shape: tuple[int, ...]) -> torch.Tensor:
        noise = torch.randn(shape, generator=generator, device=device)
        if len(shape) == 2:
            return (noise / math.sqrt(shape[1])).to(dtype)
        return ((noise * 0.1) if name.endswith("bias") else (1 + noise * 0.1)).to(dtype)

    return _assemble(config, draw, ())


def layer_weights(c: ModelConfig, take: Callable[[str, tuple[int, ...]], torch.Tensor], at: str) -> LayerWeights:
    """One decoder layer from `take(name, shape)`, its names starting with `at`."""
    q_rows, kv_rows = c.heads * c.head_dim, c.kv_heads * c.head_dim
    tensors = {
        "input_norm": take(at + "input_layernorm.weight", (c.hidden,)),
        "q": take(at + "self_attn.q_proj.weight", (q_rows, c.hidden)),
        "k": take(at + "self_attn.k_proj.weight", (kv_rows, c.hidden)),
        "v": take(at + "self_attn.v_proj.weight", (kv_rows, c.hidden)),
        "o": take(at + "self_attn.o_proj.weight", (c.hidden, q_rows)),
        "post_norm": take(at + "post_attention_layernorm.weight", (c.hidden,)),
        "gate": take(at + "mlp.gate_proj.weight", (c.inner, c.hidden)),
        "up": take(at + "mlp.up_proj.weight", (c.inner, c.hidden)),
        "down": take(at + "mlp.down_proj.weight", (c.hidden, c.inner)),
    }
    if c.qkv_bias:
        for part, rows in (("q", q_rows), ("k", kv_rows), ("v", kv_rows)):
            tensors[part + "_bias"] = take(at + f"self_attn.{part}_proj.bias", (rows,))
    if c.qk_norm:
        for part in ("q", "k"):
            tensors[part + "_norm"] = take(at + f"self_attn.{part}_norm.weight", (c.head_dim,))
    return LayerWeights(**tensors)


def _assemble(config: ModelConfig, take: Callable[[str, tuple[int, ...]], torch.Tensor], files) -> Weights:
    """Weights from `take(name, shape)`; the one list of Hugging Face's tensor names and their shapes."""
    c = config
    embed = take("model.embed_tokens.weight", (c.vocab, c.hidden))
    layers = [layer_weights(c, take, f"model.layers.{i}.") for i in range(c.layers)]
    norm = take("model.norm.weight", (c.hidden,))
    head = embed if c.tied else take("lm_head.weight", (c.vocab, c.hidden))
    return Weights(embed, layers, norm, head, files)


def _files(folder: Path) -> tuple[Path, ...]:
    single, index = folder / "model.safetensors", folder / "model.safetensors.index.json"
    if single.is_file():
        return (single,)
    if not index.is_file():
        if any(folder.glob("*.bin")) or any(folder.glob("*.pt")) or any(folder.glob("*.gguf")):
            raise UserError(f"The weights in {folder} are not safetensors; convert them first.")
        raise UserError(f"{folder} holds neither model.safetensors nor model.safetensors.index.json.")
    try:
        names = sorted(set(json.loads(index.read_text(encoding="utf-8"))["weight_map"].values()))
        # A shard is a file beside its index: a path would let a downloaded folder point at other files.
        if not names or any(Path(name).name != name for name in names):
            raise ValueError
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        raise UserError(f"{index} is damaged; its weight_map must map tensors to files beside it.") from None
    for name in names:
        if not (folder / name).is_file():
            raise UserError(f"The shard {name} that {index} names is missing.")
    return tuple(folder / name for name in names)


def _read(path: Path) -> Iterator[tuple[str, torch.Tensor]]:
    try:
        with safe_open(path, framework="pt") as file:
            for name in file.keys():  # noqa: SIM118 - safe_open is no mapping
                yield name, file.get_tensor(name)
    except (OSError, SafetensorError, ValueError):
        raise UserError(f"{path} is truncated, damaged or no safetensors file; fetch it again.") from None


def _file_digest(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
