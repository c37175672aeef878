"""Export of a training checkpoint to safetensors folders in the Hugging Face layout.

`target/` and `draft/` load with transformers' LlamaForCausalLM; `heads/mtp/` holds the extra heads.
"""

from __future__ import annotations

import json
from pathlib import Path

import torch
from safetensors.torch import save_file
from tokenizers import Tokenizer
from torch import Tensor

from mtpviz.errors import UserError
from mtpviz.models.weights import digest
from mtpviz.training.card import render_card
from mtpviz.training.presets import Shape, find_preset
from mtpviz.training.tokenizer import END_OF_TEXT, PAD, save_tokenizer

MAX_SHARD_BYTES = 16 * 2**20


def export_run(state: dict, tokenizer: Tokenizer, folder: Path, record: dict) -> None:
    """Write `folder`/target, `folder`/draft and `folder`/heads/mtp from a checkpoint's `state`, in bfloat16.

    `record` holds what the checkpoint does not know and the model card says: `hardware`, `date`,
    `corpus_notice`. Raises UserError if the folder cannot be written.
    """
    preset = find_preset(state["preset"])
    base = {name: value for name, value in state["target"].items() if name.startswith("model.")}
    extra = {name: value for name, value in state["target"].items() if name.startswith("extra_heads.")}
    try:
        target_hash = write_llama(folder / "target", base, preset.target, tokenizer)
        draft_hash = write_llama(folder / "draft", state["draft"], preset.draft, tokenizer)
        heads_hash = write_heads(folder / "heads" / "mtp", extra, preset.target, target_hash)
        hashes = {"target": target_hash, "draft": draft_hash, "heads/mtp": heads_hash}
        for part in hashes:
            card = render_card(part, preset, state, {**record, "hashes": hashes})
            (folder / part / "README.md").write_text(card, encoding="utf-8")
    except OSError as error:
        raise UserError(f"Cannot write to {folder}: {error.strerror}.") from error


def write_llama(folder: Path, state: dict[str, Tensor], shape: Shape, tokenizer: Tokenizer) -> str:
    """Write one LlamaForCausalLM folder with its tokenizer; returns the sha256 of its weights (see
    `weights_hash`).
    """
    folder.mkdir(parents=True, exist_ok=True)
    end, pad = tokenizer.token_to_id(END_OF_TEXT), tokenizer.token_to_id(PAD)
    write_json(folder / "config.json", llama_config(shape, end, pad))
    write_json(
        folder / "generation_config.json",
        {
            "bos_token_id": end,
            "eos_token_id": end,
            "pad_token_id": pad,
            "do_sample": False,
        },
    )
    save_tokenizer(tokenizer, folder)
    write_weights(folder, state)
    return weights_hash(folder)


def write_heads(folder: Path, state: dict[str, Tensor], shape: Shape, target_hash: str) -> str:
    """Write the extra heads: keys `extra_heads.{i}.` + the sub-names of a Llama layer; head i predicts token
    t + 2 + i.
    """
    folder.mkdir(parents=True, exist_ok=True)
    write_json(
        folder / "config.json",
        {
            "kind": "mtp",
            "num_heads": shape.extra_heads,
            "offsets": [2 + index for index in range(shape.extra_heads)],
            "reads": "trunk",
            "trunk_layers": shape.num_layers - 1,
            "target_hash": target_hash,
            "hidden_size": shape.hidden_size,
            "intermediate_size": shape.intermediate_size,
            "num_attention_heads": shape.num_heads,
            "num_key_value_heads": shape.num_kv_heads,
            "head_dim": shape.head_dim,
            "rms_norm_eps": shape.rms_norm_eps,
            "rope_theta": shape.rope_theta,
            "torch_dtype": "bfloat16",
        },
    )
    write_weights(folder, state)
    return weights_hash(folder)


def llama_config(shape: Shape, end: int, pad: int) -> dict:
    """config.json of a LlamaForCausalLM of this shape."""
    return {
        "architectures": ["LlamaForCausalLM"],
        "model_type": "llama",
        "vocab_size": shape.vocab_size,
        "hidden_size": shape.hidden_size,
        "intermediate_size": shape.intermediate_size,
        "num_hidden_layers": shape.num_layers,
        "num_attention_heads": shape.num_heads,
        "num_key_value_heads": shape.num_kv_heads,
        "head_dim": shape.head_dim,
        "hidden_act": "silu",
        "max_position_embeddings": shape.context,
        "rms_norm_eps": shape.rms_norm_eps,
        "rope_theta": shape.rope_theta,
        "rope_scaling": None,
        "attention_bias": False,
        "mlp_bias": False,
        "attention_dropout": 0.0,
        "tie_word_embeddings": True,
        "bos_token_id": end,
        "eos_token_id": end,
        "pad_token_id": pad,
        "torch_dtype": "bfloat16",
    }


def write_weights(folder: Path, state: dict[str, Tensor]) -> None:
    """Write `state` in bfloat16 as model.safetensors, or as shards of at most `MAX_SHARD_BYTES` with an
    index.

    A tensor larger than a shard gets a shard of its own.
    """
    for old in folder.glob("model*.safetensors*"):
        old.unlink()
    tensors = {name: value.to(torch.bfloat16).contiguous() for name, value in sorted(state.items())}
    shards: list[dict[str, Tensor]] = [{}]
    size = 0
    for name, tensor in tensors.items():
        if shards[-1] and size + tensor.nbytes > MAX_SHARD_BYTES:
            shards.append({})
            size = 0
        shards[-1][name] = tensor
        size += tensor.nbytes
    if len(shards) == 1:
        _save(shards[0], folder / "model.safetensors")
        return
    weight_map = {}
    for number, shard in enumerate(shards, 1):
        file = f"model-{number:05d}-of-{len(shards):05d}.safetensors"
        _save(shard, folder / file)
        weight_map |= dict.fromkeys(shard, file)
    total = sum(tensor.nbytes for tensor in tensors.values())
    write_json(
        folder / "model.safetensors.index.json", {"metadata": {"total_size": total}, "weight_map": weight_map}
    )


def _save(tensors: dict[str, Tensor], path: Path) -> None:
    save_file(tensors, path, metadata={"format": "pt"})
    path.chmod(0o644)


def weights_hash(folder: Path) -> str:
    """sha256 (hex) of the weights in `folder`, as `Weights.sha256` of a loaded target gives it."""
    return digest(tuple(sorted(folder.glob("model*.safetensors"))))


def write_json(path: Path, data: dict) -> None:
    """Write `data` as indented JSON."""
    path.write_text(json.dumps(data, indent=2) + "\n", encoding="utf-8")
