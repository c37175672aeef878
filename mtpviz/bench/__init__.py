"""The benchmark: `python -m mtpviz bench SUITE`. A suite is a module of this folder with a `SUITE`."""

from __future__ import annotations

import functools
import importlib
import pkgutil
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from mtpviz.bench.harness import Suite


@functools.cache
def suites() -> dict[str, Suite]:
    """The suites by name, in alphabetical order."""
    modules = [importlib.import_module(f"{__name__}.{entry.name}") for entry in pkgutil.iter_modules(__path__)]
    found = [module.SUITE for module in modules if hasattr(module, "SUITE")]
    return {suite.name: suite for suite in found}
