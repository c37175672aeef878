"""Pretraining of a target with four-token prediction, its draft model distilled in the same loop.

Loss: the sum over heads i = 1..n of the cross entropy of token t + i, equal weights (Gloeckle et al.
2404.19737, eq. 2). Where a preset's `extra_fraction` is below 1, each extra head sees in every pass a random
share of the sequences, freshly drawn: the mean over a random subset is an unbiased estimate of the mean over
all, so the loss stays the equal-weight sum and only its variance grows, while the work of the extra heads
shrinks by that share.
"""

from __future__ import annotations

import json
import math
import time
from collections.abc import Callable
from pathlib import Path

import torch
from torch import Tensor

from mtpviz.errors import UserError
from mtpviz.training.checkpoint import save_checkpoint
from mtpviz.training.distill import draft_loss
from mtpviz.training.evaluate import held_out
from mtpviz.training.loss import cross_entropy
from mtpviz.training.module import MultiTokenDecoder
from mtpviz.training.optimizer import rate_scale
from mtpviz.training.run import Budget, Run, random_rows


def pretrain_step(run: Run, progress: float) -> dict[str, Tensor | float]:
    """One optimizer step of target and draft at `progress` of the budget; returns the losses of the step, in
    nats, on the run's device: who reads them waits for it.
    """
    preset, heads, generator = run.preset, run.target.num_heads, run.generator()
    totals = sum(_forward_and_backward(run, ids, generator) for ids in run.passes(progress))
    scale = rate_scale(progress, preset.warmup, preset.decay)
    norm = run.target_optimizer.step(scale)
    run.draft_optimizer.step(scale)
    run.step += 1
    return {"loss": totals[:heads], "draft_loss": totals[heads], "rate": scale, "norm": norm}


def _forward_and_backward(run: Run, ids: Tensor, generator: torch.Generator) -> Tensor:
    """Add a pass' gradients to both models'; its losses over the passes of a step, (heads + 1,), the draft's last."""
    preset, heads = run.preset, run.target.num_heads
    with run.autocast():
        losses, features = target_losses(run.target, ids, preset.extra_fraction, run.dtype, generator)
        losses.append(draft_loss(run.draft, ids[:, : ids.shape[1] - heads + 1], features, run.target.unembedding,
                                 fraction=preset.draft_fraction, dtype=run.dtype, generator=generator))
    losses = torch.stack(losses) / run.passes_per_step
    losses.sum().backward()
    return losses.detach()


def compile_layers(run: Run, report: Callable[[str], None]) -> None:
    """torch.compile the layers of both models, one graph a shape that they share, and try it on noise for every shape
    of the run, so that its minutes are spent on training. Where compiling fails that is told, and nothing is
    compiled."""
    torch._dynamo.config.recompile_limit = 32  # two models, two lengths, with and without gradient
    for model in (run.target, run.draft):
        for layer in (*model.model.layers, *model.extra_heads):
            layer.compile(dynamic=False)
    started = time.monotonic()
    try:
        for length in (run.preset.short_length, run.preset.target.context):
            rows = max(1, run.preset.micro_tokens // length)
            ids = torch.randint(run.preset.target.vocab_size, (rows, length + run.target.num_heads), device=run.device)
            float(_forward_and_backward(run, ids, torch.Generator()).sum())
        report(f"compiled in {time.monotonic() - started:.0f} s")
    except Exception as error:  # of a compiler, whatever it may be: the run is worth more than its speed
        torch.compiler.set_stance("force_eager")
        report(f"torch.compile failed, so training goes on without it: {str(error).strip().splitlines()[:1]}")
    for optimizer in (run.target_optimizer, run.draft_optimizer):
        optimizer.clear()


def target_losses(
    model: MultiTokenDecoder, ids: Tensor, fraction: float, dtype: torch.dtype, generator: torch.Generator
) -> tuple[list[Tensor], Tensor]:
    """Losses of heads 1..n on ids (B, T + n), and head 1's features (B, T, d), detached.

    Head i is scored on the token i places ahead; heads 2..n on a random `fraction` of the B sequences each.
    """
    heads = model.num_heads
    batch, length = ids.shape[0], ids.shape[1] - heads
    trunk = model.trunk(ids[:, :length])
    losses = []
    for index in range(heads):
        rows = slice(None) if index == 0 else random_rows(batch, fraction, generator, ids.device)
        features = model.head(index, trunk[rows])
        targets = ids[rows, 1 + index : 1 + index + length]
        losses.append(cross_entropy(features.flatten(0, 1), model.unembedding, targets.flatten(), dtype))
        if index == 0:
            first = features.detach()
    return losses, first


def train(
    run: Run,
    step: Callable[[Run, float], dict],
    budget: Budget,
    folder: Path,
    *,
    validation: dict[str, Tensor],
    checkpoint_minutes: float = 4.0,
    log_every: int = 10,
    ends: float = math.inf,
    report: Callable[[str], None] = lambda line: None,
) -> bool:
    """Take steps (`pretrain_step` or `distill_step`) until `budget` is used, which it returns True for, or until the
    monotonic clock reads `ends`, which leaves a checkpoint to go on from; logs JSON lines to `folder`/log.jsonl and
    checkpoints to `folder`. report: gets a line now and then.

    The schedule follows the share of the budget that is used, so a paused process loses steps but still ends
    in time with its rate decayed to zero. A run restored from a checkpoint counts the seconds it had used
    before.
    """
    try:
        log = open(folder / "log.jsonl", "a", encoding="utf-8")
    except OSError as error:
        raise UserError(f"Cannot write to {folder}: {error.strerror}.") from error
    started = time.monotonic() - run.seconds
    saved = mark = time.monotonic()
    mark_tokens = run.tokens
    with log:
        while (progress := budget.progress(run.seconds, run.tokens)) < 1.0 and time.monotonic() < ends:
            losses = step(run, progress)
            now = time.monotonic()
            run.seconds = now - started
            if run.step % log_every == 0:
                told = {name: _numbers(value) for name, value in losses.items()}  # waits for the device
                now = time.monotonic()
                rate = round((run.tokens - mark_tokens) / (now - mark))
                left = round((1 - progress) * budget.minutes, 1) if budget.minutes else None
                _write(log, {"step": run.step, "tokens": run.tokens, "progress": round(progress, 4),
                             "tokens_per_s": rate, **told, "minutes_left": left})
                if run.step % (10 * log_every) == 0:
                    report(f"step {run.step}, {run.tokens / 1e6:.1f}M tokens, {rate:,} tokens/s, {progress:.0%} of the "
                           f"run; {told}")
                mark, mark_tokens = now, run.tokens
            if now - saved > 60 * checkpoint_minutes:
                _evaluate_and_save(run, folder, validation, log)
                saved = mark = time.monotonic()
                run.seconds = saved - started
        _evaluate_and_save(run, folder, validation, log)
    return progress >= 1.0


def _evaluate_and_save(run: Run, folder: Path, validation: dict[str, Tensor], log) -> None:
    surplus = run.target.num_heads - 1
    draft_windows = {domain: ids[:, : ids.shape[1] - surplus] for domain, ids in validation.items()}
    record = {
        "step": run.step,
        "tokens": run.tokens,
        "held_out": held_out(run.target, validation, run.device, run.dtype),
        "held_out_draft": held_out(run.draft, draft_windows, run.device, run.dtype),
    }
    run.history.append(record)
    _write(log, record)
    save_checkpoint(folder, run.state_dict())


def _numbers(value: Tensor | float) -> float | list[float]:
    values = [round(float(one), 4) for one in torch.as_tensor(value).flatten().tolist()]
    return values if isinstance(value, Tensor) and value.ndim else values[0]


def _write(log, record: dict) -> None:
    log.write(json.dumps({"time": time.strftime("%H:%M:%S"), **record}) + "\n")
    log.flush()
