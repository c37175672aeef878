"""Muon (Jordan et al. 2024, kellerjordan.github.io/posts/muon/), with matrices of one shape orthogonalised
together.

The same update as torch.optim.Muon with its "original" learning-rate rule, and the same state. On a CPU the
library's matrix by matrix products take four times as long as one batched product per shape, which for a
small model is more than the whole backward pass.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence

import torch
from torch import Tensor

_COEFFICIENTS = (3.4445, -4.7750, 2.0315)  # of the quintic iteration that drives singular values towards 1
_ITERATIONS = 5


class Muon(torch.optim.Optimizer):
    """Steps along the orthogonalised Nesterov momentum of every 2-D parameter."""

    def __init__(self, params, lr: float = 0.02, momentum: float = 0.95, weight_decay: float = 0.0):
        super().__init__(params, {"lr": lr, "momentum": momentum, "weight_decay": weight_decay})

    @torch.no_grad()
    def step(self) -> None:
        """One step of every parameter that has a gradient."""
        for group in self.param_groups:
            by_shape = defaultdict(list)
            for parameter in group["params"]:
                if parameter.grad is not None:
                    by_shape[parameter.shape].append(parameter)
            for (rows, columns), parameters in by_shape.items():
                updates = orthogonalise(torch.stack(self._momenta(parameters, group["momentum"])))
                rate = group["lr"] * max(1.0, rows / columns) ** 0.5
                torch._foreach_mul_(parameters, 1.0 - group["lr"] * group["weight_decay"])
                torch._foreach_add_(parameters, list(updates.to(parameters[0].dtype)), alpha=-rate)

    def _momenta(self, parameters: list[Tensor], momentum: float) -> Sequence[Tensor]:
        """Nesterov's, of all at once: on a GPU a launch for each would cost more than the products."""
        for parameter in parameters:
            if "momentum_buffer" not in self.state[parameter]:
                self.state[parameter]["momentum_buffer"] = torch.zeros_like(parameter.grad)
        gradients = [parameter.grad for parameter in parameters]
        buffers = [self.state[parameter]["momentum_buffer"] for parameter in parameters]
        torch._foreach_lerp_(buffers, gradients, 1.0 - momentum)
        return torch._foreach_lerp(gradients, buffers, momentum)


def orthogonalise(matrices: Tensor) -> Tensor:
    """(count, rows, columns) -> bf16 of the same shape: each matrix with its singular values brought close to
    1 by Newton-Schulz iterations.
    """
    tall = matrices.size(-2) > matrices.size(-1)
    x = (matrices.mT if tall else matrices).to(torch.bfloat16)
    x = x / x.norm(dim=(-2, -1), keepdim=True).clamp(min=1e-7)
    a, b, c = _COEFFICIENTS
    for _ in range(_ITERATIONS):
        gram = x @ x.mT
        x = torch.baddbmm(x, torch.baddbmm(gram, gram, gram, beta=b, alpha=c), x, beta=a)
    return x.mT if tall else x
