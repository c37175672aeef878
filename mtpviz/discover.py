"""Collects what the rooms offer from their folders: adding a strategy, a figure or an export is adding a file.

A public module of the folder (no leading underscore) that carries the folder's mark is an entry; any other is passed
over. Nothing is imported until one of the functions is called, and results are kept for the life of the process.
"""

from __future__ import annotations

import functools
import importlib
import importlib.util
import pkgutil
from types import ModuleType

from mtpviz.errors import UserError


@functools.cache
def strategies() -> dict[str, type]:
    """The drafters by name: the class that each module in mtpviz/strategies/ marks with `STRATEGY`, by its `order`."""
    found = [module.STRATEGY for module in _marked("mtpviz.strategies", "STRATEGY")]
    return {entry.name: entry for entry in sorted(found, key=lambda entry: (entry.order, entry.name))}


@functools.cache
def device_strategies() -> dict[str, type]:
    """The same of the strategies' device forms, in mtpviz/strategies/device/; needs Triton."""
    return {module.STRATEGY.name: module.STRATEGY for module in _marked("mtpviz.strategies.device", "STRATEGY")}


@functools.cache
def peers() -> dict[str, type]:
    """Other engines' lanes by name: the classes that modules in mtpviz/peers/ list as `PEERS`, by their `order`."""
    found = [entry for module in _marked("mtpviz.peers", "PEERS") for entry in module.PEERS]
    return {entry.name: entry for entry in sorted(found, key=lambda entry: (entry.order, entry.name))}


@functools.cache
def plots() -> dict[str, ModuleType]:
    """The figures by module name: modules in mtpviz/plots/ with TITLE, ORDER, ABOUT and `figure(traces, theme)`."""
    found = _marked("mtpviz.plots", "figure")
    return {_name(module): module for module in sorted(found, key=lambda module: (module.ORDER, _name(module)))}


@functools.cache
def exports() -> dict[str, ModuleType]:
    """The export formats by module name: modules in mtpviz/export/ with SUFFIX and `write(traces, path, **options)`."""
    found = _marked("mtpviz.export", "SUFFIX")
    return {_name(module): module for module in sorted(found, key=_name)}


@functools.cache
def foreign() -> dict[str, ModuleType]:
    """Other programs' trace formats by module name: modules in mtpviz/foreign/ with NAME and `read(records)`."""
    return {_name(module): module for module in sorted(_marked("mtpviz.foreign", "NAME"), key=_name)}


@functools.cache
def servers() -> dict[str, ModuleType]:
    """The serving engines by module name: modules in mtpviz/serving/ with OWNER, what their list of models says of who
    serves them (mtpviz/serving/server.py lists the rest of such a module)."""
    return {_name(module): module for module in _marked("mtpviz.serving", "OWNER")}


_KINDS = {"strategy": strategies, "strategy on a GPU": device_strategies, "plot": plots, "export": exports,
          "serving engine": servers}


def pick(kind: str, name: str) -> type | ModuleType:
    """The entry called `name` of a kind ("strategy", "strategy on a GPU", "plot", "export" or "serving engine"); a
    UserError that lists the known ones."""
    known = _KINDS[kind]()
    if name not in known:
        raise UserError(f"There is no {kind} {name!r}; the known ones are {', '.join(known) or 'none'}.")
    return known[name]


def _marked(package: str, mark: str) -> list[ModuleType]:
    spec = importlib.util.find_spec(package)
    if spec is None or spec.submodule_search_locations is None:
        return []
    names = [entry.name for entry in pkgutil.iter_modules(spec.submodule_search_locations)]
    modules = [importlib.import_module(f"{package}.{name}") for name in names if not name.startswith("_")]
    return [module for module in modules if hasattr(module, mark)]


def _name(module: ModuleType) -> str:
    return module.__name__.rpartition(".")[2]
