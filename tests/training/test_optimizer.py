import pytest
import torch

from mtpviz.training.muon import Muon, orthogonalise


@pytest.mark.parametrize("shape", [(8, 8), (16, 8), (8, 24)])
def test_steps_equal_those_of_the_library(shape):
    torch.manual_seed(0)
    start, gradients = torch.randn(shape), torch.randn(5, *shape)
    settings = {"lr": 0.02, "momentum": 0.95, "weight_decay": 0.1}
    ends = []
    for kind in (Muon, torch.optim.Muon):
        parameters = [torch.nn.Parameter(start * factor) for factor in (1.0, 2.0)]
        optimizer = kind(parameters, **settings)
        for gradient in gradients:
            for parameter in parameters:
                parameter.grad = gradient * parameter.detach()
            optimizer.step()
        ends.append([parameter.detach() for parameter in parameters])
    for ours, theirs in zip(*ends, strict=True):
        torch.testing.assert_close(ours, theirs, rtol=0, atol=2e-3)


def test_singular_values_come_close_to_one():
    torch.manual_seed(0)
    values = torch.linalg.svdvals(orthogonalise(torch.randn(3, 12, 20)).float())
    assert values.min() > 0.3 and values.max() < 1.4
