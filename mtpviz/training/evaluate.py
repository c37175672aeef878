"""Held-out loss and top-1 accuracy of every head."""

from __future__ import annotations

from collections.abc import Mapping

import torch
from torch import Tensor

from mtpviz.training.module import MultiTokenDecoder


@torch.no_grad()
def held_out(
    model: MultiTokenDecoder, windows: Mapping[str, Tensor], device: torch.device, dtype: torch.dtype
) -> dict:
    """Evaluate on {domain: ids (rows, length + num_heads)}.

    Returns {domain: {"loss": [nats of head 1, 2, ...], "accuracy": [top-1 share of head 1, 2, ...]}}; head i
    is scored on the token i places ahead.
    """
    with torch.compiler.set_stance("force_eager"):  # a few windows are not worth compiling for
        return {domain: _scores(model, ids.to(device), dtype) for domain, ids in windows.items()}


def _scores(model: MultiTokenDecoder, ids: Tensor, dtype: torch.dtype) -> dict[str, list[float]]:
    length = ids.shape[1] - model.num_heads
    totals = torch.zeros(2, model.num_heads, device=ids.device)
    for row in ids.split(1):
        with torch.autocast(ids.device.type, dtype, enabled=dtype != torch.float32):
            trunk = model.trunk(row[:, :length])
            for index in range(model.num_heads):
                logits = model.head(index, trunk)[0] @ model.unembedding.T
                totals[:, index] += torch.stack(score(logits, row[0, 1 + index : 1 + index + length]))
    loss, accuracy = (totals / len(ids)).tolist()
    return {"loss": [round(x, 4) for x in loss], "accuracy": [round(x, 4) for x in accuracy]}


def score(logits: Tensor, targets: Tensor) -> tuple[Tensor, Tensor]:
    """Mean cross entropy (nats) and top-1 accuracy of logits (T, V) on targets (T,)."""
    loss = torch.nn.functional.cross_entropy(logits.float(), targets)
    return loss, (logits.argmax(-1) == targets).float().mean()
