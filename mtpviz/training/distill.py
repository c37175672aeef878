"""Distillation of the draft model from a target: beside the target's own training, or from a finished one."""

from __future__ import annotations

import torch
from torch import Tensor

from mtpviz.training.loss import distillation_loss
from mtpviz.training.module import MultiTokenDecoder
from mtpviz.training.optimizer import rate_scale
from mtpviz.training.run import Run, random_rows

# Share of the data in the soft label. The teacher carries more information per token, but at the start of a
# joint run it knows nothing; a tenth of data keeps the draft honest then and costs nothing later.
DATA_SHARE = 0.1


def draft_loss(
    draft: MultiTokenDecoder,
    ids: Tensor,
    teacher_features: Tensor,
    teacher_weight: Tensor,
    *,
    fraction: float,
    dtype: torch.dtype,
    generator: torch.Generator,
) -> Tensor:
    """Loss of the draft on ids (B, T + 1) against the target's next-token distribution at the same positions.

    0.9 KL(target || draft) + 0.1 CE(data), up to the target's entropy, which no draft can change (Leviathan
    et al. 2211.17192, section 3.3: acceptance is one minus the total variation distance, which KL bounds).
    `teacher_features` (B, T, D) and `teacher_weight` (V, D) are detached. Computed on a random `fraction` of
    the B sequences.
    """
    rows = random_rows(len(ids), fraction, generator, ids.device)
    features = draft.head(0, draft.trunk(ids[rows, :-1]))
    return distillation_loss(
        features.flatten(0, 1),
        draft.unembedding,
        ids[rows, 1:].flatten(),
        teacher_features[rows].flatten(0, 1),
        teacher_weight,
        data_share=DATA_SHARE,
        dtype=dtype,
    )


def distill_step(run: Run, progress: float) -> dict[str, Tensor | float]:
    """One optimizer step of the draft alone, on all sequences, against a target that stays as it is."""
    generator = run.generator()
    total = torch.zeros((), device=run.device)
    for ids in run.passes(progress):
        ids = ids[:, : ids.shape[1] - run.target.num_heads + 1]
        with run.autocast():
            with torch.no_grad():
                teacher = run.target.head(0, run.target.trunk(ids[:, :-1]))
            loss = draft_loss(
                run.draft,
                ids,
                teacher,
                run.target.unembedding,
                fraction=1.0,
                dtype=run.dtype,
                generator=generator,
            )
        (loss / run.passes_per_step).backward()
        total += loss.detach() / run.passes_per_step
    scale = rate_scale(progress, run.preset.warmup, run.preset.decay)
    run.draft_optimizer.step(scale)
    run.step += 1
    return {"draft_loss": total, "rate": scale}
