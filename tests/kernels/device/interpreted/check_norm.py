import pytest
from poison import poisoned

from mtpviz.kernels.device.norm import rms_norm, rms_norm_reference


@pytest.mark.parametrize(("rows", "width"), [(1, 64), (3, 320), (17, 80), (64, 48), (100, 40)])
def test_equals_the_reference(draw, dtype, near, rows, width):
    x, weight = draw(rows, width, dtype=dtype) * 3, draw(width, dtype=dtype)
    out = poisoned(rows, width, dtype=dtype)
    rms_norm(x, weight, out, 1e-5)
    near(out, rms_norm_reference(x, weight, 1e-5))


def test_the_output_may_be_the_input(draw, near, dtype):
    x, weight = draw(5, 96, dtype=dtype), draw(96, dtype=dtype)
    expected = rms_norm_reference(x, weight, 1e-5)
    rms_norm(x, weight, x, 1e-5)
    near(x, expected)


def test_adds_to_the_stream_first(draw, dtype, near):
    x, delta, weight = draw(5, 96, dtype=dtype), draw(5, 96, dtype=dtype), draw(96, dtype=dtype)
    out, stream = poisoned(5, 96, dtype=dtype), x.clone()
    rms_norm(stream, weight, out, 1e-6, delta)
    near(stream, x.double() + delta.double())
    near(out, rms_norm_reference(stream, weight, 1e-6))
