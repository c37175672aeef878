"""Checkpoints of a training run: one file, replaced atomically."""

from __future__ import annotations

import os
import pickle
from pathlib import Path

import torch

from mtpviz.errors import UserError

NAME = "checkpoint.pt"


def save_checkpoint(folder: Path, state: dict) -> Path:
    """Write `state` (tensors and plain data) to `folder`/checkpoint.pt; a crash leaves the old file whole."""
    path = folder / NAME
    partial = path.with_suffix(".partial")
    torch.save(state, partial)
    os.replace(partial, path)
    return path


def load_checkpoint(folder: Path, preset: str | None = None) -> dict:
    """Read `folder`/checkpoint.pt onto the CPU.

    Raises UserError if there is none, if it is damaged, or if it is of another preset than `preset` (None:
    any).
    """
    path = folder / NAME
    if not path.is_file():
        raise UserError(f"No checkpoint at {path}.")
    try:
        state = torch.load(path, map_location="cpu", weights_only=True)
    except (RuntimeError, EOFError, OSError, pickle.UnpicklingError) as error:
        raise UserError(f"Checkpoint {path} is damaged.") from error
    if preset is not None and state["preset"] != preset:
        raise UserError(f"Checkpoint {path} is of preset {state['preset']!r}, not {preset!r}.")
    return state
