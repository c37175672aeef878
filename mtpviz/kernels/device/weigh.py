"""How probable the target holds each drafted token and its own choices: what a trace tells of a step."""

from __future__ import annotations

import torch
import triton
import triton.language as tl

from mtpviz.kernels.device.launch import launch, next_power


@triton.jit(do_not_specialize=["rows"])
def _weigh_rows(normed_ptr, head_ptr, lse_ptr, tokens_ptr, parents_ptr, counts_ptr, out_ptr, rows, WIDTH: tl.constexpr,
                BLOCK: tl.constexpr):
    row = tl.program_id(0)
    within = row % rows
    batch = row // rows
    real = (within > 0) & (within < tl.load(counts_ptr + batch))
    parent = (batch * rows + tl.load(parents_ptr + row, real, 0)).to(tl.int64)
    token = tl.load(tokens_ptr + row, real, 0).to(tl.int64)
    i = tl.arange(0, BLOCK)
    inside = i < tl.where(real, WIDTH, 0)
    x = tl.load(normed_ptr + parent * WIDTH + i, inside, 0.0).to(tl.float32)
    w = tl.load(head_ptr + token * WIDTH + i, inside, 0.0).to(tl.float32)
    tl.store(out_ptr + row, tl.exp(tl.sum(x * w) - tl.load(lse_ptr + parent, real, 0.0)), real)


@triton.jit(do_not_specialize=["rows"])
def _weigh_probs(probs_ptr, wanted_ptr, tokens_ptr, parents_ptr, counts_ptr, out_ptr, own_ptr, rows, vocab):
    row = tl.program_id(0)
    within = row % rows
    batch = row // rows
    real = (within > 0) & (within < tl.load(counts_ptr + batch))
    parent = (batch * rows + tl.load(parents_ptr + row, real, 0)).to(tl.int64)
    tl.store(out_ptr + row, tl.load(probs_ptr + parent * vocab + tl.load(tokens_ptr + row, real, 0), real, 0.0), real)
    tl.store(own_ptr + row, tl.load(probs_ptr + row.to(tl.int64) * vocab + tl.load(wanted_ptr + row)))


def weigh_rows(normed: torch.Tensor, head: torch.Tensor, lse: torch.Tensor, tokens: torch.Tensor, parents: torch.Tensor,
               counts: torch.Tensor, out: torch.Tensor) -> None:
    """out[r] = softmax(normed[parent of r] head^T)[token of r] for the drafted rows, without writing logits.

    normed: (batch * rows, width); head: (vocab, width); lse: fp32 (batch * rows,), as `top_tokens` leaves it. tokens,
    parents: int32 (batch, rows), counts: int32 (batch,), as for `walk`. out: fp32 (batch, rows), row 0 untouched.
    """
    total, width = normed.shape
    launch(_weigh_rows, (total,), normed, head, lse, tokens, parents, counts, out, total // len(counts), WIDTH=width,
           BLOCK=next_power(width), warps=4)


def weigh_probs(probs: torch.Tensor, wanted: torch.Tensor, tokens: torch.Tensor, parents: torch.Tensor,
                counts: torch.Tensor, out: torch.Tensor, own: torch.Tensor) -> None:
    """The same by distributions that were written: probs, fp32 (batch * rows, vocab). own[r] = probs[r, wanted[r]].
    wanted: int32, own: fp32, both (batch, rows)."""
    total, vocab = probs.shape
    launch(_weigh_probs, (total,), probs, wanted, tokens, parents, counts, out, own, total // len(counts), vocab,
           warps=1)


def weigh_reference(probs: torch.Tensor, tokens: torch.Tensor, parents: torch.Tensor,
                    counts: torch.Tensor) -> list[list[float]]:
    """Of each sequence, the probability of each drafted row's token. probs: (batch, rows, vocab)."""
    return [[float(probs[b, parents[b, row], tokens[b, row]]) for row in range(1, count)]
            for b, count in enumerate(counts.tolist())]
