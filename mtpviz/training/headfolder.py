"""A trained head on disk, in the published format of its method, with what was measured of it."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import torch
from safetensors.torch import save_file

from mtpviz.errors import UserError
from mtpviz.training.acceptance import Acceptance
from mtpviz.training.export import write_json
from mtpviz.training.recipe import Recipe
from mtpviz.training.teacher import Teacher


def write_head(folder: Path, recipe: Recipe, teacher: Teacher, judged: Mapping[str, Acceptance], history: list[dict],
               tokens: int) -> None:
    """Write `folder`/{config.json, model.safetensors, README.md}; floating-point tensors in bfloat16.

    Raises UserError if the folder cannot be written.
    """
    whole = judged["all"]
    described = {
        **recipe.described(), "target_hash": teacher.weights.sha256, "torch_dtype": "bfloat16",
        "trained_tokens": tokens, "accuracy": [[round(float(share), 4) for share in level] for level in whole.ranks],
        "acceptance": {domain: found.described() for domain, found in judged.items()}, "history": history,
    }
    tensors = {name: tensor.detach().cpu().to(torch.bfloat16).contiguous() if tensor.is_floating_point()
               else tensor.detach().cpu().contiguous() for name, tensor in recipe.tensors().items()}
    try:
        folder.mkdir(parents=True, exist_ok=True)
        write_json(folder / "config.json", described)
        save_file(tensors, folder / "model.safetensors", metadata={"format": "pt"})
        (folder / "model.safetensors").chmod(0o644)
        (folder / "README.md").write_text(_card(recipe, teacher, judged, history, tokens), encoding="utf-8")
    except OSError as error:
        raise UserError(f"Cannot write to {folder}: {error.strerror}.") from error


def _card(recipe: Recipe, teacher: Teacher, judged: Mapping[str, Acceptance], history: list[dict], tokens: int) -> str:
    parameters = sum(tensor.numel() for tensor in recipe.tensors().values() if tensor.is_floating_point())
    depths = range(1, len(judged["all"].prefix) + 1)
    lines = [
        f"# {recipe.about}", "",
        f"A draft head of {parameters / 1e6:.2f}M parameters for the target {teacher.weights.hash}, trained on "
        f"{tokens:,} tokens of text that the target wrote itself, from openings of the corpus's documents; the "
        "target's card names them and their licences.", "",
        "Held out, on greedy text of the target, a chain started at every position. Prefix rate: share of rows where "
        "this level and all before it are the target's choice; in brackets the conditional rate, given all before it.",
        "", "| domain | " + " | ".join(f"level {k}" for k in depths) + " | tau of 3 | rows |",
        "|---" * (len(depths) + 3) + "|",
    ]
    for domain, found in judged.items():
        rates = " | ".join(f"{p:.3f} ({c:.3f})" for p, c in zip(found.prefix, found.conditional, strict=True))
        lines.append(f"| {domain} | {rates} | {found.tau(3):.2f} | {found.rows} |")
    stages = [f"{('untrained', 'one step')[entry['step']]} {entry['tau']:.2f}" for entry in history[:2]]
    lines += ["", "tau of a chain of 3, all domains: " + ", ".join(stages)
              + f", trained {judged['all'].tau(3):.2f}."]
    return "\n".join(lines) + "\n"
