"""The setting that every drafter with an unembedding has: which tokens it scores."""

from __future__ import annotations

import numpy as np
import torch

from mtpviz.engine.drafter import Setting
from mtpviz.errors import UserError
from mtpviz.heads.vocabulary import FULL, LANGUAGES, language_of, load_map
from mtpviz.models.cpu import CpuModel

SETTING = Setting("auto", "tokens that the draft scores: its language's most frequent ones, or all",
                  choices=("auto", FULL, *LANGUAGES))


def choose(session, choice: str, prompt: list[int],
           trained: np.ndarray | None = None) -> tuple[str, np.ndarray | None, np.ndarray | None]:
    """The language of the chosen map ("full" for none); the rows of the unembedding that it keeps and the tokens that
    the kept rows score, int64 and ascending, None for all and for those of their number.

    trained: ids, int64 and ascending, that an unembedding of (trained, hidden) scores, whose vocabulary was fixed by
    training: a language's map can only take from it. UserError where a language is asked for that the model has no map
    of, and where nothing is left.
    """
    wanted = language_of(session.tokenizer.decode(prompt)) if choice == "auto" else choice
    kept = None if wanted == FULL else session.part(
        f"vocabulary {wanted}", lambda _: load_map(session.entry.vocabulary, wanted, session.config.vocab))
    if kept is None and choice in LANGUAGES:
        raise UserError(f"The model {session.entry.name} has no vocabulary map {choice!r}; vocab=full will do.")
    if kept is None:
        return FULL, None, trained
    if trained is None:
        return wanted, kept, kept
    rows = np.flatnonzero(np.isin(trained, kept))
    if not len(rows):
        raise UserError(f"The vocabulary map {wanted!r} keeps none of the tokens that this head was trained to draft; "
                        "vocab=full will do.")
    return wanted, rows, trained[rows]


class Head:
    """An unembedding, cut to a language's tokens or whole. name: the language or "full". size: tokens it scores.

    panels: as `CpuModel.unembed` wants them. to_ids maps what it scores to the model's vocabulary. trained: as for
    `choose`. shared: whether the unembedding is the model's own, which is packed already.
    """

    def __init__(self, session, model: CpuModel, unembedding: torch.Tensor, part: str, choice: str, prompt: np.ndarray,
                 trained: np.ndarray | None = None, shared: bool = True):
        self.name, rows, ids = choose(session, choice, prompt.tolist(), trained)
        self.ids, self.size = ids, session.config.vocab if ids is None else len(ids)
        if rows is None and shared:
            self.panels = model.packed.head
        else:
            kept = slice(None) if rows is None else torch.from_numpy(rows)
            self.panels = session.part(f"{part} {self.name}", lambda _: model.pack_head(unembedding[kept]))

    def to_ids(self, scored: np.ndarray) -> np.ndarray:
        """Ids in the model's vocabulary of indices among the scored tokens."""
        return scored if self.ids is None else self.ids[scored]
