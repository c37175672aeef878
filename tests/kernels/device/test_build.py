"""Every kernel compiles for every target at the shapes of the models, spills nothing and fits into shared memory."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import pytest

from mtpviz.bench.kernels import SHAPES, floor_us
from mtpviz.kernels.device.build import build_apart
from mtpviz.kernels.device.launch import SHARED_LIMIT


@pytest.fixture(scope="module")
def built() -> dict[str, list[dict]]:
    """The records of all shapes by target; two targets at a time."""
    with ThreadPoolExecutor(2) as pool:
        return dict(zip(SHARED_LIMIT, pool.map(lambda target: build_apart(target, list(SHAPES)), SHARED_LIMIT),
                        strict=True))


@pytest.mark.parametrize("target", SHARED_LIMIT)
def test_compiles_without_local_memory(built, target):
    assert {record["shape"] for record in built[target]} == set(SHAPES)
    for record in built[target]:
        assert record["local_bytes"] == 0, record
        assert record["shared_bytes"] <= SHARED_LIMIT[target], record


@pytest.mark.parametrize("target", SHARED_LIMIT)
def test_one_matrix_instruction_serves_every_row_count(built, target):
    """A wide one would be another instruction with another order of sums."""
    products = [record for record in built[target] if record["kernel"] in ("linear", "vocab")]
    assert products and all(record["mma"] and not record["wide_mma"] for record in products)
    attention = [record for record in built[target] if record["kernel"] == "attend"]
    assert len({(record["mma"], record["wide_mma"]) for record in attention}) == 1


def test_floors():
    assert floor_us("sm_90", 4_300_000, 0) == 1.0 and floor_us("sm_90", 0, 790_000_000) == 1.0
