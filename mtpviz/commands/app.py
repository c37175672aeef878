"""`python -m mtpviz app`: the page. Its options are those of app.py, which hosted Spaces start by itself."""

from __future__ import annotations

import importlib.util
from collections.abc import Sequence
from pathlib import Path

from mtpviz.errors import UserError

APP = Path(__file__).resolve().parents[2] / "app.py"


def main(argv: Sequence[str]) -> None:
    """Start app.py with these options."""
    spec = importlib.util.spec_from_file_location("app", APP)
    if not APP.is_file() or spec is None or spec.loader is None:
        raise UserError(f"{APP} is missing, so there is no page to start; take a whole copy of the repository.")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    module.main(list(argv))
