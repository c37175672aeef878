"""Which models there are: the bundled one, those that the operator listed, and folders that a local user
names.

Nothing is ever downloaded here: a name that is no folder is an error, also where it looks like a hub id.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path

from mtpviz.errors import UserError

BUNDLED = "bundled"
ASSETS = Path(__file__).resolve().parents[2] / "assets"


@dataclass(frozen=True)
class ModelEntry:
    """A target model and what drafts for it.

    name: what the user called it. folder: its Hugging Face folder. draft_folder: that of a small model with
    the same tokenizer, None where there is none. heads: folders of its draft heads by name. vocabulary: folder
    of its language maps (heads/vocabulary.py), None where there is none.
    """

    name: str
    folder: Path
    draft_folder: Path | None = None
    heads: dict[str, Path] = field(default_factory=dict)
    vocabulary: Path | None = None


def resolve(
    name: str, allow_paths: bool = True, offered: Mapping[str, Path] | None = None, assets: Path = ASSETS
) -> ModelEntry:
    """The model called `name`: "bundled", a name in `offered` (the operator's list), or a local folder.

    allow_paths: whether folders outside of the list are accepted; False on a hosted page, where a visitor
    types the name. Raises UserError for an unknown name and for a folder that is no model.
    """
    offered = offered or {}
    if name in offered:
        return _entry(name, Path(offered[name]))
    if name == BUNDLED:
        return _bundled(assets / "models")
    if not allow_paths:
        known = ", ".join([BUNDLED, *sorted(offered)])
        raise UserError(f"There is no model {name!r} here; this page offers {known}.")
    if not name.strip():
        raise UserError(f"A model's name can't be empty; {BUNDLED!r} or a model folder's path would do.")
    return _entry(name, Path(name).expanduser())


def _bundled(models: Path) -> ModelEntry:
    if not (models / "target").is_dir():
        raise UserError(f"The bundled model is missing; {models / 'target'} holds it in the repository.")
    entry = _entry(BUNDLED, models / "target")
    draft, heads, vocabulary = models / "draft", models / "heads", models / "vocabulary"
    found = sorted(head for head in heads.iterdir() if head.is_dir()) if heads.is_dir() else []
    return replace(
        entry, draft_folder=draft if draft.is_dir() else None, heads={head.name: head for head in found},
        vocabulary=vocabulary if vocabulary.is_dir() else None,
    )


def _entry(name: str, folder: Path) -> ModelEntry:
    should = "a folder with config.json, safetensors and tokenizer.json would be right"
    shown = str(folder) if len(str(folder)) <= 200 else f"{str(folder)[:200]}..."
    try:
        found, is_folder, has_config = folder.exists(), folder.is_dir(), (folder / "config.json").is_file()
    except (OSError, ValueError):  # a name that is too long, holds a NUL, or lies where one may not look
        raise UserError(f"The model folder {shown!r} can't be opened; {should}.") from None
    if not found:
        raise UserError(f"There is no folder {shown!r}, and none is downloaded here; {should}.")
    if not is_folder:
        raise UserError(f"{shown!r} is a file, not a model folder; {should}.")
    if not has_config:
        raise UserError(f"The folder {shown!r} has no config.json; {should}.")
    return ModelEntry(name, folder)
