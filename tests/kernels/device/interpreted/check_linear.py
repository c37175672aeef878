import pytest
import torch
from poison import DEVICE, poisoned

from mtpviz.kernels.device import linear as module
from mtpviz.kernels.device.linear import Workspace, interleave, linear, linear_reference
from mtpviz.kernels.device.tiles import Tile


def run(x, weight, **options):
    workspace = Workspace(DEVICE, 128, [tuple(weight.shape)])
    workspace.partial.fill_(float("nan"))
    width = weight.shape[0] // (2 if options.get("epilogue") == "swiglu" else 1)
    out = poisoned(len(x), width, dtype=x.dtype)
    linear(x, weight, out, workspace, **options)
    assert not workspace.arrived.any()  # ready for the next launch
    return out


@pytest.mark.parametrize(("rows", "outputs", "k"),
                         [(1, 64, 320), (3, 40, 96), (17, 24, 320), (64, 24, 96), (100, 40, 64)])
def test_equals_the_reference(draw, dtype, near, rows, outputs, k):
    x, weight = draw(rows, k, dtype=dtype), draw(outputs, k, dtype=dtype) / k**0.5
    bias, residual = draw(outputs, dtype=dtype), draw(rows, outputs, dtype=dtype)
    near(run(x, weight), linear_reference(x, weight))
    options = {"bias": bias, "residual": residual, "epilogue": "silu"}
    near(run(x, weight, **options), linear_reference(x, weight, **options))


@pytest.mark.parametrize("rows", [1, 33])
def test_swiglu_of_interleaved_weights(draw, dtype, near, rows):
    x, gate, up = draw(rows, 64, dtype=dtype), draw(40, 64, dtype=dtype) / 8, draw(40, 64, dtype=dtype) / 8
    expected = torch.nn.functional.silu(x.double() @ gate.double().T) * (x.double() @ up.double().T)
    near(run(x, interleave(gate, up), epilogue="swiglu"), expected)


def test_a_split_product_adds_its_parts(draw, dtype, near, monkeypatch):
    monkeypatch.setattr(module, "tile_of", lambda n, k: Tile(16, 32, 3, 1, 1))
    x, weight, residual = draw(50, 208, dtype=dtype), draw(24, 208, dtype=dtype) / 14, draw(50, 24, dtype=dtype)
    near(run(x, weight, residual=residual), linear_reference(x, weight, residual=residual))


@pytest.mark.parametrize("split", [1, 3])
def test_a_row_has_the_same_bits_whoever_shares_its_pass(draw, dtype, monkeypatch, split):
    monkeypatch.setattr(module, "tile_of", lambda n, k: Tile(16, 32, split, 1, 1))
    x, weight = draw(100, 112, dtype=dtype), draw(24, 112, dtype=dtype)
    together = run(x, weight)
    for first, count in ((0, 1), (70, 1), (5, 17), (20, 64)):
        assert torch.equal(run(x[first : first + count], weight), together[first : first + count])


def test_the_residual_may_be_the_output(draw, dtype):
    x, weight, stream = draw(3, 64, dtype=dtype), draw(32, 64, dtype=dtype), draw(3, 32, dtype=dtype)
    expected = run(x, weight, residual=stream)
    linear(x, weight, stream, Workspace(DEVICE, 3, [(32, 64)]), residual=stream)
    assert torch.equal(stream, expected)
