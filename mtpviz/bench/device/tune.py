"""Trying launch configurations of the products, the vocabulary head and the attention on the card at hand."""

from __future__ import annotations

import contextlib
import math
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager
from dataclasses import astuple, dataclass

import torch

from mtpviz.bench.device.kernels import copies_of, over_context, over_rows, random_layer, weights_of
from mtpviz.bench.device.probe import MODELS, Probe
from mtpviz.kernels.device import attention, interpreting, tiles
from mtpviz.kernels.device.attention import Tiling
from mtpviz.kernels.device.launch import SHARED_LIMIT, card, next_power
from mtpviz.kernels.device.tiles import Tile
from mtpviz.models.config import ModelConfig

ROWS = (1, 16, 64)
_AT_ONCE = 12  # configurations that are compiled side by side
# Around the present table; those that would not fit a multiprocessor's shared memory are left out.
_TILES = [Tile(n, k, 1, warps, stages) for n, k, warps, stages in (
    (16, 64, 2, 5), (16, 128, 2, 5), (16, 64, 2, 8), (16, 128, 4, 6), (32, 64, 4, 8), (32, 128, 4, 6), (32, 128, 4, 4),
    (32, 256, 4, 3), (64, 64, 4, 6), (64, 64, 8, 8), (64, 128, 8, 5), (64, 128, 4, 4), (64, 128, 8, 4),
    (128, 64, 8, 5), (128, 64, 8, 4), (128, 128, 8, 3))]
_SPLITS = (1, 2, 4, 8)  # of k, where a weight has too few outputs to fill the card
_TILINGS = [Tiling(pairs, keys, split, warps, stages) for pairs, keys, split, warps, stages in (
    (64, 64, 256, 8, 3), (64, 64, 256, 4, 3), (32, 64, 256, 4, 3), (16, 64, 256, 4, 4), (64, 32, 256, 4, 4),
    (64, 64, 128, 4, 3), (64, 64, 512, 8, 3), (64, 128, 256, 8, 2), (32, 128, 256, 4, 2), (32, 32, 128, 4, 4))]


@dataclass
class Group:
    """What one entry of a table is for. entry: as it stands in the table. now: its configuration. candidates: what is
    tried. cases: names and what makes each one's launches, copies: how many are launched, floor_us: of one. trying:
    puts a configuration in force."""

    kind: str
    entry: str
    now: Tile | Tiling
    candidates: Sequence[Tile | Tiling]
    cases: dict[str, Callable[[], Callable[[], None]]]
    copies: dict[str, int]
    floor_us: dict[str, float]
    trying: Callable[[Tile | Tiling], AbstractContextManager]


@dataclass(eq=False)
class Trial:
    """A configuration's microseconds by case; over: the geometric mean of time over floor, which ranks it."""

    config: Tile | Tiling
    us: dict[str, float]
    over: float


def groups(probe: Probe, kinds: Sequence[str], models: Sequence[str]) -> Iterator[Group]:
    """The entries of the tables that the models meet, with their cases, one after the other."""
    configs = {"bundled": probe.session.config} | {name: MODELS[name] for name in models}
    if "linear" in kinds:
        yield from _linears(probe, configs)
    if "vocabulary" in kinds:
        weights = {f"{name} vocabulary": weights_of(c)["vocabulary"] for name, c in configs.items()}
        yield _products(probe, "vocabulary", "all", tiles.tile_of_vocab(), [1], weights)
    if "attention" in kinds:
        yield from _attentions(probe, configs)


def count(bundled: ModelConfig, kinds: Sequence[str], models: Sequence[str]) -> int:
    """How many groups there will be: by them the time is shared out."""
    configs = [bundled, *(MODELS[name] for name in models)]
    shapes = [shape for c in configs for kind, shape in weights_of(c).items() if kind != "vocabulary"]
    return (("linear" in kinds) * len({tiles.entry_of(*shape) for shape in shapes}) + ("vocabulary" in kinds)
            + ("attention" in kinds) * len({_padded(c) for c in configs}))


def tune(probe: Probe, group: Group) -> list[Trial]:
    """Time every candidate until the time is up, the present one first; the best first. One that the card refuses, for
    want of shared memory or registers, is none."""
    found, configs = [], list(dict.fromkeys([group.now, *group.candidates]))
    for number, config in enumerate(configs):
        if probe.over and found:
            break
        if number % _AT_ONCE == 0 and not interpreting():
            probe.progress(f"{group.kind} {group.entry}: compiling")
            _compile(group, configs[number : number + _AT_ONCE])
        probe.progress(f"{group.kind} {group.entry}: {astuple(config)}")
        try:
            with group.trying(config):
                us = {name: 1000 * probe.ms(make()) / group.copies[name] for name, make in group.cases.items()}
        except Exception as error:  # Triton's OutOfResources, or a compiler's refusal
            if config == group.now or "out of resource" not in str(error).lower():
                raise
            continue
        over = math.exp(sum(math.log(us[name] / group.floor_us[name]) for name in us) / len(us))
        found.append(Trial(config, us, over))
    return sorted(found, key=lambda trial: trial.over)


def _compile(group: Group, configs: Sequence[Tile | Tiling]) -> None:
    """Launch every case under each configuration once, side by side: compiling is most of a trial's time and takes one
    core. What is refused here is refused again when it is timed."""

    def once(config: Tile | Tiling) -> None:
        with group.trying(config), contextlib.suppress(Exception):
            for make in group.cases.values():
                make()()

    with ThreadPoolExecutor(len(configs)) as pool:
        list(pool.map(once, configs))
    torch.cuda.synchronize()


def _linears(probe: Probe, configs: dict[str, ModelConfig]) -> Iterator[Group]:
    entries: dict[tuple, dict[str, tuple[int, int]]] = {}
    for name, c in configs.items():
        for kind, shape in weights_of(c).items():
            if kind != "vocabulary":
                entries.setdefault(tiles.entry_of(*shape), {})[f"{name} {kind}"] = shape
    for (outputs, k, tile), weights in entries.items():
        fewest = min(n for n, _ in weights.values())
        splits = [split for split in _SPLITS if split == 1 or fewest < 4096]
        yield _products(probe, "linear", f"outputs >= {outputs}, k >= {k}", tile, splits, weights)


def _products(probe: Probe, kind: str, entry: str, now: Tile, splits: Sequence[int],
              weights: dict[str, tuple[int, int]]) -> Group:
    candidates = [Tile(t.n, t.k, split, t.warps, t.stages) for split in splits for t in _TILES
                  if _fits(t) and (split == 1 or t.n <= 32)]
    cases, counts, floors = {}, {}, {}
    for name, (n, k) in weights.items():
        copies = copies_of(probe, n, k)
        for rows in ROWS:
            cases[f"{name} x {rows}"] = lambda name=name, copies=copies, rows=rows: over_rows(
                probe, name.split()[-1], copies, rows)
            counts[f"{name} x {rows}"] = len(copies)
            floors[f"{name} x {rows}"] = 1e6 * n * k * probe.dtype.itemsize / probe.bandwidth
    return Group(kind, entry, now, candidates if not interpreting() else candidates[:1], cases, counts, floors,
                 tiles.trying)


def _fits(tile: Tile) -> bool:
    """With 64 rows of x beside it, in bf16."""
    return 2 * (tile.n + 64) * tile.k * tile.stages <= SHARED_LIMIT[card()]


def _attentions(probe: Probe, configs: dict[str, ModelConfig]) -> Iterator[Group]:
    by_size: dict[int, dict[str, ModelConfig]] = {}
    for name, c in configs.items():
        by_size.setdefault(_padded(c), {})[name] = c
    for size, found in by_size.items():
        cases, floors = {}, {}
        for name, c in found.items():
            for batch, context in [(1, 20)] if interpreting() else [(1, min(2048, c.context - 64)),
                                                                    (1, min(8192, c.context - 64)), (8, 2048)]:
                for rows in ROWS:
                    label = f"{name} {batch} x {context}, {rows} rows"
                    layer = random_layer(probe, batch, context, rows, c.heads, c.kv_heads, c.head_dim)
                    cases[label] = lambda layer=layer, context=context: over_context(*layer, context)
                    moved = 2 * batch * c.kv_heads * (context + rows) * c.head_dim * probe.dtype.itemsize
                    floors[label] = 1e6 * moved / probe.bandwidth
        dim = max(c.head_dim for c in found.values())
        yield Group("attention", f"heads up to {size}", attention.tiling_of(dim),
                    _TILINGS[:1] if interpreting() else _TILINGS, cases, dict.fromkeys(cases, 1), floors,
                    attention.trying)


def _padded(c: ModelConfig) -> int:
    return max(64, next_power(c.head_dim))
