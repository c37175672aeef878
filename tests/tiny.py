"""A tiny target, a draft model that agrees with it about half of the time, and their byte-level tokenizer."""

import json
import shutil
from pathlib import Path

import torch
from safetensors.torch import load_file, save_file
from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers

from mtpviz.models.catalogue import ModelEntry
from mtpviz.models.weights import digest
from tests.models.checkpoints import make

TEXT = ["the fox and the hare ran to the river, and the river ran to the sea. 狐狸 🦊 def f(x): return x + 1"] * 20


def entry(folder: Path, noise: float = 0.15) -> ModelEntry:
    """Write target and draft into `folder`. The draft is the target with every weight disturbed by `noise` of its
    size, so it is right often enough to accept and wrong often enough to reject."""
    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    alphabet = pre_tokenizers.ByteLevel.alphabet()
    trainer = trainers.BpeTrainer(vocab_size=300, special_tokens=["<|endoftext|>"], initial_alphabet=alphabet,
                                  show_progress=False)
    tokenizer.train_from_iterator(TEXT, trainer)
    target = folder / "target"
    model = make("llama-tied", target, vocab_size=tokenizer.get_vocab_size(), hidden_size=64, eos_token_id=None,
                 max_position_embeddings=400)
    tokenizer.save(str(target / "tokenizer.json"))
    generator = torch.Generator().manual_seed(0)
    with torch.no_grad():
        for parameter in model.parameters():
            parameter += noise * parameter.std() * torch.randn(parameter.shape, generator=generator)
    model.save_pretrained(folder / "draft")
    shutil.copy(target / "tokenizer.json", folder / "draft")
    _write_heads(folder / "mtp", target, model.config.num_hidden_layers - 1)
    return ModelEntry("tiny", target, folder / "draft", {"mtp": folder / "mtp"})


def _write_heads(folder: Path, target: Path, last: int, count: int = 3) -> None:
    """Extra heads that are copies of the target's last layer: well-formed, and now and then right."""
    folder.mkdir()
    tensors = {}
    for name, tensor in load_file(target / "model.safetensors").items():
        if name.startswith(f"model.layers.{last}."):
            part = name.removeprefix(f"model.layers.{last}.")
            tensors |= {f"extra_heads.{i}.{part}": tensor.clone() for i in range(count)}
    save_file(tensors, folder / "model.safetensors")
    made_for = digest((target / "model.safetensors",))
    (folder / "config.json").write_text(json.dumps({"kind": "mtp", "num_heads": count, "target_hash": made_for}))
