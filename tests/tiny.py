"""A tiny target, everything that drafts for it, right about half of the time, and their byte-level tokenizer."""

import json
import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import torch
from safetensors.torch import load_file, save_file
from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers

from mtpviz.models.catalogue import ModelEntry
from mtpviz.models.tokenizer import Tokenizer as ModelTokenizer
from mtpviz.models.weights import digest
from mtpviz.training.acceptance import acceptance
from mtpviz.training.headfolder import write_head
from mtpviz.training.heads import new_head, recipes
from mtpviz.training.teacher import Teacher
from tests.models.checkpoints import make

TEXT = ["the fox and the hare ran to the river, and the river ran to the sea. 狐狸 🦊 def f(x): return x + 1"] * 20


def entry(folder: Path, noise: float = 0.15, **sizes) -> ModelEntry:
    """Write target and draft into `folder`. The draft is the target with every weight disturbed by `noise` of its
    size, so it is right often enough to accept and wrong often enough to reject. sizes: of
    transformers' config."""
    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    alphabet = pre_tokenizers.ByteLevel.alphabet()
    trainer = trainers.BpeTrainer(vocab_size=300, special_tokens=["<|endoftext|>"], initial_alphabet=alphabet,
                                  show_progress=False)
    tokenizer.train_from_iterator(TEXT, trainer)
    target = folder / "target"
    model = make("llama-tied", target, vocab_size=tokenizer.get_vocab_size(), hidden_size=64, eos_token_id=None,
                 max_position_embeddings=400, **sizes)
    tokenizer.save(str(target / "tokenizer.json"))
    generator = torch.Generator().manual_seed(0)
    with torch.no_grad():
        for parameter in model.parameters():
            parameter += noise * parameter.std() * torch.randn(parameter.shape, generator=generator)
    model.save_pretrained(folder / "draft")
    shutil.copy(target / "tokenizer.json", folder / "draft")
    _write_heads(folder / "mtp", target, model.config.num_hidden_layers - 1)
    tiny = ModelEntry("tiny", target, folder / "draft", {"mtp": folder / "mtp"})
    return replace(tiny, heads=tiny.heads | train_heads(tiny, folder))


# A recurrent head's matrix that mixes feature and embedding, and where in it the (last) feature is read.
FUSING = {"eagle": ("fc.weight", slice(64, 128)), "eagle3": ("fc.weight", slice(-64, None)),
          "fastmtp": ("input_proj.weight", slice(0, 64))}


def train_heads(entry: ModelEntry, out: Path, steps: int = 4) -> dict[str, Path]:
    """Give every recipe a few steps on text that the target wrote, half of it greedily; folders by name. They start by
    handing the target's last guess on, which is right wherever the text repeats itself."""
    torch.manual_seed(0)
    teacher = Teacher(entry, "cpu", torch.float32)
    opening = torch.tensor([ModelTokenizer(entry.folder).encode(TEXT[0])[:20]])
    ids = torch.cat([teacher.model.generate(opening, do_sample=sampled, max_new_tokens=60, eos_token_id=None,
                                            pad_token_id=0) for sampled in (False, True)])
    counts, batch = np.bincount(ids.flatten(), minlength=teacher.config.vocab), teacher.batch(ids)
    for name, recipe in recipes().items():
        head, generator = new_head(recipe(teacher, counts), teacher.device), torch.Generator().manual_seed(0)
        if name in FUSING:
            matrix, columns = FUSING[name]
            with torch.no_grad():
                head.recipe.module.get_parameter(matrix)[:, columns] += 3 * torch.eye(64)
        for _ in range(steps):
            head.step(head.recipe.loss(teacher, batch, generator), 1.0)
        judged = acceptance({name: head.recipe}, teacher, {"text": ids[:1]}, 4)[name]
        write_head(out / name, head.recipe, teacher, judged, [], steps * ids.numel())
    return {name: out / name for name in recipes()}


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
