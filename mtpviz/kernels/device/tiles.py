"""The tiles of the products with weights, by card and by the weight's shape alone: they fix the order of the sums."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass

from mtpviz.kernels.device.launch import card


@dataclass(frozen=True)
class Tile:
    """Outputs and k of one tile of W, programs that share k, warps and pipeline stages of a program."""

    n: int
    k: int
    split: int
    warps: int
    stages: int


# First match wins: weights of at least (outputs, k) take the tile. About 64 KB of W in flight a multiprocessor.
_TABLE = {
    "sm_80": [(8192, 0, Tile(64, 64, 1, 4, 5)), (3072, 0, Tile(32, 128, 1, 4, 5)), (1536, 4096, Tile(32, 128, 4, 4, 4)),
              (1536, 0, Tile(32, 128, 2, 4, 4)), (512, 1024, Tile(16, 128, 4, 2, 4)), (0, 0, Tile(16, 64, 1, 2, 4))],
    "sm_90": [(8192, 0, Tile(64, 128, 1, 8, 5)), (3072, 2048, Tile(32, 128, 1, 4, 6)), (3072, 0, Tile(32, 64, 1, 4, 8)),
              (1536, 4096, Tile(32, 128, 4, 4, 4)), (1536, 0, Tile(32, 128, 2, 4, 4)),
              (512, 1024, Tile(16, 64, 4, 2, 8)), (0, 0, Tile(16, 64, 1, 2, 5))],
}
_TABLE["sm_120"] = _TABLE["sm_80"]  # less shared memory, but these fit
_VOCABULARY = {"sm_80": Tile(64, 64, 1, 4, 5), "sm_90": Tile(64, 128, 1, 8, 5), "sm_120": Tile(64, 64, 1, 4, 5)}


_trial: ContextVar[Tile | None] = ContextVar("trial", default=None)


def tile_of(outputs: int, k: int) -> Tile:
    """The tile of a weight (outputs, k) on the card at hand."""
    return _trial.get() or entry_of(outputs, k)[2]


def entry_of(outputs: int, k: int) -> tuple[int, int, Tile]:
    """The table's entry for a weight: the least outputs and k that it is for, and the tile."""
    return next(entry for entry in _TABLE[card()] if outputs >= entry[0] and k >= entry[1])


def tile_of_vocab() -> Tile:
    """The tile of the vocabulary on the card at hand; one for all sizes."""
    return _trial.get() or _VOCABULARY[card()]


@contextmanager
def trying(tile: Tile) -> Iterator[None]:
    """Within the block every weight and vocabulary takes `tile`: to measure it before it is written into the table."""
    token = _trial.set(tile)
    try:
        yield
    finally:
        _trial.reset(token)
