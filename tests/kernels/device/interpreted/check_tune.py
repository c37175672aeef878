"""`bench tune` at a tiny shape: configurations are put in force, timed and ranked; what the card refuses is none."""

import pytest
import torch

from mtpviz.bench.device import tune
from mtpviz.kernels.device import attention, tiles
from mtpviz.kernels.device.attention import Tiling, tiling_of
from mtpviz.kernels.device.linear import Workspace, linear, linear_reference
from mtpviz.kernels.device.tiles import Tile, tile_of, tile_of_vocab


class Clock:
    """A stop-watch that finds the configuration `fast` twice as fast as any other; launches run once."""

    def __init__(self, fast):
        self.fast, self.over, self.told = fast, False, []
        self.progress = self.told.append

    def ms(self, launches):
        launches()
        return 1.0 if self.fast in (tile_of(8, 8), tiling_of(64)) else 2.0


def group(kind: str, now, candidates, trying, cases):
    return tune.Group(kind, "all", now, candidates, cases, dict.fromkeys(cases, 2), dict.fromkeys(cases, 500.0), trying)


def test_a_trial_puts_its_configuration_in_force_and_takes_it_back(draw):
    before = tile_of(8, 8), tile_of_vocab(), tiling_of(64)
    x, w = draw(3, 40), draw(24, 40)

    def make():
        out, workspace = torch.empty(3, 24, device=x.device), Workspace(x.device, 3, [(24, 40)])

        def launches():
            linear(x, w, out, workspace)
            assert (out.double() - linear_reference(x, w)).norm() < 1e-3
        return launches

    fast, slow = Tile(16, 64, 2, 2, 4), Tile(32, 64, 1, 2, 4)
    trials = tune.tune(Clock(fast), group("linear", slow, [fast], tiles.trying, {"one": make}))
    assert [trial.config for trial in trials] == [fast, slow] and trials[0].us == {"one": 500.0}
    assert trials[0].over == pytest.approx(1.0) and trials[1].over == pytest.approx(2.0)
    other = Tiling(16, 32, 64, 1, 1)
    trials = tune.tune(Clock(other), group("attention", before[2], [other], attention.trying, {"one": lambda: make}))
    assert trials[0].config == other
    assert (tile_of(8, 8), tile_of_vocab(), tiling_of(64)) == before


def test_what_the_card_refuses_is_no_trial():
    now, big = Tile(16, 64, 1, 2, 4), Tile(128, 256, 1, 8, 5)

    def make():
        if tile_of(8, 8) == big:
            raise RuntimeError("out of resource: shared memory, Required: 9, Hardware limit: 1")
        return lambda: None

    assert [trial.config for trial in tune.tune(Clock(None), group("linear", now, [big], tiles.trying,
                                                                   {"one": make}))] == [now]
    assert not any(2 * (tile.n + 64) * tile.k * tile.stages > 2**18 for tile in tune._TILES if tune._fits(tile))
