"""How much of a head's chain the target would accept, on held-out text, without running the engine.

At every row of a text that the target wrote greedily, a chain's levels are compared with the target's own choices. The
rows stand for the roots of decoding, so tau here is that of a chain started at every position alike.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from mtpviz.training.recipe import Recipe
from mtpviz.training.teacher import Batch, Teacher


@dataclass
class Acceptance:
    """Of the levels 1..K. rows: how many were judged: those behind which the text is the target's own choice at every
    level but the last, so that each level's guess stood behind accepted ones. prefix: share of rows where the level and
    all before it are right. conditional: share where it is right, of those where all before it are. ranks: (K, ranks),
    share of rows where the target's choice is the draft's candidate of that rank."""

    rows: int
    prefix: np.ndarray
    conditional: np.ndarray
    ranks: np.ndarray

    def tau(self, depth: int) -> float:
        """Tokens a step of a chain of `depth` levels, the bonus token counted."""
        return 1.0 + float(self.prefix[:depth].sum())

    def described(self) -> dict:
        """Plain numbers."""
        return {"rows": self.rows, "prefix": np.round(self.prefix, 4).tolist(),
                "conditional": np.round(self.conditional, 4).tolist()}


@torch.no_grad()
def acceptance(recipes: Mapping[str, Recipe], teacher: Teacher, windows: Mapping[str, Tensor],
               ranks: int = 1) -> dict[str, dict[str, Acceptance]]:
    """Judge heads by name on {domain: ids (rows, T)} of text that the teacher wrote greedily; by name and domain, all
    domains together being "all". ranks: candidates of a level that are counted."""
    counts = {name: {} for name in recipes}
    for domain, ids in windows.items():
        for row in ids.split(1):
            batch = teacher.batch(row)
            for name, recipe in recipes.items():
                found = _counted(recipe, teacher, batch, ranks)
                counts[name][domain] = counts[name].get(domain, 0) + found
    return {name: {domain: _judged(count) for domain, count in (found | {"all": sum(found.values())}).items()}
            for name, found in counts.items()}


def _counted(recipe: Recipe, teacher: Teacher, batch: Batch, ranks: int) -> np.ndarray:
    """Counts of one text: int (levels, 3 + ranks): rows judged, prefix right, prefix of the level before right, and
    the hits by rank."""
    with torch.autocast(teacher.device.type, teacher.dtype, enabled=teacher.dtype != torch.float32):
        levels = recipe.levels(batch)
        choices = batch.choices[0]
        weight = recipe.unembedding(teacher).to(teacher.dtype)
        found = [_top(level.scored[0].to(teacher.dtype) @ weight.T, recipe, ranks) for level in levels]
    own = torch.stack([batch.ids[0, level.at] == choices[level.at - 1] for level in levels[:-1]]).all(0)
    right, rows = own, []
    for level, top in zip(levels, found, strict=True):
        hits = top == choices[level.at - 1, None]
        before, right = right, right & hits[:, 0]
        counts = torch.stack([own.sum(), right.sum(), before.sum()])
        rows.append(torch.cat([counts, (hits & own[:, None]).sum(0)]))
    return torch.stack(rows).cpu().numpy()  # the one look at the device


def _top(logits: Tensor, recipe: Recipe, ranks: int) -> Tensor:
    top = logits.argmax(-1, keepdim=True) if ranks == 1 else logits.topk(ranks, -1).indices
    return top if recipe.kept is None else recipe.kept[top]


def _judged(counts: np.ndarray) -> Acceptance:
    rows, right, before = int(counts[0, 0]), counts[:, 1], counts[:, 2]
    judged = max(rows, 1)
    return Acceptance(rows, right / judged, right / np.maximum(before, 1), counts[:, 3:] / judged)
