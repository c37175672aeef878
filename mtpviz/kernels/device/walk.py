"""The match rule of engine/verify.py: descend while a child is the token that the target chose, then take the bonus."""

from __future__ import annotations

import torch
import triton
import triton.language as tl

from mtpviz.kernels.device.launch import launch, next_power


@triton.jit
def _walk(wanted_ptr, tokens_ptr, parents_ptr, counts_ptr, path_ptr, kept_ptr, bonus_ptr, lengths_ptr, limits_ptr,
          ROWS: tl.constexpr, BLOCK: tl.constexpr, PATH: tl.constexpr):
    batch = tl.program_id(0)
    row = tl.arange(0, BLOCK)
    inside = row < tl.minimum(tl.load(counts_ptr + batch), ROWS)
    parents = tl.load(parents_ptr + batch * ROWS + row, inside, -2)
    tokens = tl.load(tokens_ptr + batch * ROWS + row, inside, -1)
    at = 0
    kept = 1
    tl.store(path_ptr + batch * PATH, 0)
    for _ in range(PATH - 1):
        wanted = tl.load(wanted_ptr + batch * ROWS + at)
        child = tl.min(tl.where((parents == at) & (tokens == wanted), row, BLOCK), 0)
        found = (child < BLOCK) & (child > at)
        tl.store(path_ptr + batch * PATH + kept, child, found)
        kept += found.to(tl.int32)
        at = tl.where(found, child, at)
    if limits_ptr is not None:
        kept = tl.where(tl.load(lengths_ptr + batch) < tl.load(limits_ptr + batch), kept, 0)
    tl.store(kept_ptr + batch, kept)
    tl.store(bonus_ptr + batch, tl.load(wanted_ptr + batch * ROWS + at))


def walk(wanted: torch.Tensor, tokens: torch.Tensor, parents: torch.Tensor, counts: torch.Tensor, path: torch.Tensor,
         kept: torch.Tensor, bonus: torch.Tensor, lengths: torch.Tensor | None = None,
         limits: torch.Tensor | None = None) -> None:
    """Accept the path along which the drafted tokens are those that the target chose.

    wanted, tokens, parents: int32 (batch, rows) of a block whose row 0 is the last committed token (parent -1) and
    whose row i is drafted: the target's choice after each row, the row's token, its parent's row. counts: int32
    (batch,), real rows. path: int32 (batch, levels): rows 0, ... of the accepted path, written for i < kept. kept:
    int32 (batch,), rows of the path, the root included. bonus: int32 (batch,), the target's token after its end.
    lengths, limits: int32 (batch,), committed tokens and how many end the sequence: one that is over keeps nothing, so
    that `advance` leaves it as it is.
    """
    batch, rows = tokens.shape
    launch(_walk, (batch,), wanted, tokens, parents, counts, path, kept, bonus, lengths, limits,
           ROWS=rows, BLOCK=next_power(rows), PATH=path.shape[1], warps=1)


def walk_reference(wanted, tokens, parents, counts) -> list[tuple[list[int], int]]:
    """(path, bonus) of each sequence."""
    found = []
    for chosen, drafted, above, count in zip(*(t.tolist() for t in (wanted, tokens, parents, counts)), strict=True):
        path = [0]
        while (child := next((row for row in range(1, count) if above[row] == path[-1]
                              and drafted[row] == chosen[path[-1]]), None)) is not None:
            path.append(child)
        found.append((path, chosen[path[-1]]))
    return found
