"""Cross entropy through an unembedding without ever holding the logits of more than one chunk of positions.

Gloeckle et al. 2404.19737, section 2 ("memory-efficient implementation") keep the logits of one head at a
time; here one chunk of one head at a time: the gradient with respect to features and unembedding is formed in
the forward pass, chunk by chunk, and only those two small tensors are kept for the backward pass.
"""

from __future__ import annotations

import functools
from collections.abc import Callable

import torch
from torch import Tensor

# Positions a chunk; on a CPU so few that a chunk of logits stays in the last-level cache.
CHUNK = {"cpu": 256, "cuda": 8192}


def cross_entropy(features: Tensor, weight: Tensor, targets: Tensor, dtype: torch.dtype) -> Tensor:
    """Mean cross entropy in nats of `targets` (N,) int64 under softmax(features @ weight.T).

    features (N, d), weight (V, d); products in `dtype`, the softmax in float32.
    """
    return _ChunkedCrossEntropy.apply(features, weight, targets, None, None, 1.0, dtype)


def distillation_loss(
    features: Tensor,
    weight: Tensor,
    targets: Tensor,
    teacher_features: Tensor,
    teacher_weight: Tensor,
    *,
    data_share: float,
    dtype: torch.dtype,
) -> Tensor:
    """Mean cross entropy against (1 - data_share) x the teacher's distribution + data_share x the data.

    Its gradient is that of (1 - data_share) KL(teacher || student) + data_share CE(data). Shapes: features
    (N, d), weight (V, d), teacher_features (N, D), teacher_weight (V, D), targets (N,). No gradient flows to
    the teacher.
    """
    return _ChunkedCrossEntropy.apply(
        features, weight, targets, teacher_features, teacher_weight, data_share, dtype
    )


def _judge(logits: Tensor, target: Tensor, teacher: Tensor | None, data_share: float) -> tuple[Tensor, Tensor]:
    """The summed loss of logits (n, V) on target (n, 1), and its gradient (n, V) in the logits' dtype. teacher: its
    logits (n, V)."""
    log_p = logits.float().log_softmax(-1)
    wanted = data_share * log_p.gather(1, target)
    if teacher is not None:
        teacher = teacher.float().softmax(-1).mul_(1 - data_share)
        wanted += (teacher * log_p).sum(-1, keepdim=True)
    loss = -wanted.sum()
    error = log_p.exp_()
    error.scatter_add_(1, target, torch.full_like(wanted, -data_share))
    if teacher is not None:
        error -= teacher
    return loss, error.to(logits.dtype)


@functools.cache
def _compiled() -> Callable:
    """`_judge` for a GPU: three passes over the logits, which are most of what a step of a small model moves, in place
    of a dozen. The number of rows may change from call to call."""
    return torch.compile(_judge)


class _ChunkedCrossEntropy(torch.autograd.Function):
    @staticmethod
    def forward(ctx, features, weight, targets, teacher_features, teacher_weight, data_share, dtype):
        count = features.shape[0]
        x, w = features.detach().to(dtype), weight.detach().to(dtype)
        if teacher_features is not None:
            teacher_x, teacher_w = teacher_features.detach().to(dtype), teacher_weight.detach().to(dtype)
        grad_x = torch.empty_like(x)
        grad_w = torch.zeros_like(weight) if ctx.needs_input_grad[1] else None
        loss = torch.zeros((), device=x.device)
        judge = _compiled() if x.is_cuda else _judge
        chunk = CHUNK["cuda" if x.is_cuda else "cpu"]
        for start in range(0, count, chunk):
            rows = slice(start, start + chunk)
            target = targets[rows, None]
            teacher = None if teacher_features is None else teacher_x[rows] @ teacher_w.T
            chunk_loss, error = judge(x[rows] @ w.T, target, teacher, data_share)
            loss += chunk_loss
            grad_x[rows] = error @ w
            if grad_w is not None:
                grad_w += error.T @ x[rows]
        ctx.save_for_backward(grad_x.to(features.dtype).div_(count), None if grad_w is None else grad_w.div_(count))
        return loss / count

    @staticmethod
    def backward(ctx, grad):
        grad_x, grad_w = ctx.saved_tensors
        return grad_x * grad, None if grad_w is None else grad_w * grad, None, None, None, None, None
