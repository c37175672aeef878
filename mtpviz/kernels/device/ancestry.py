"""From the parents of a drafted block to what attention reads: each row's path from the last committed token."""

from __future__ import annotations

import torch
import triton
import triton.language as tl

from mtpviz.kernels.device.launch import launch, next_power


@triton.jit
def _ancestry(parents_ptr, lengths_ptr, counts_ptr, path_ptr, depth_ptr, positions_ptr, ROWS: tl.constexpr,
              BLOCK: tl.constexpr, PATH: tl.constexpr):
    """All rows of one sequence at once: climb to count the levels, climb again to write them root first."""
    batch = tl.program_id(0)
    row = tl.arange(0, BLOCK)
    inside = row < ROWS
    real = row < tl.load(counts_ptr + batch)
    parents = parents_ptr + batch * ROWS
    depth = tl.zeros((BLOCK,), tl.int32)
    at = tl.where(real, row, -1)
    for _ in range(PATH):
        depth += (at >= 0).to(tl.int32)
        at = tl.load(parents + at, at >= 0, -1)
    at = tl.where(real, row, -1)
    for level in range(PATH):
        tl.store(path_ptr + (batch * ROWS + row) * PATH + depth - 1 - level, at, at >= 0)
        at = tl.load(parents + at, at >= 0, -1)
    tl.store(depth_ptr + batch * ROWS + row, depth, inside)
    position = tl.load(lengths_ptr + batch) + tl.maximum(depth - 1, 0)
    tl.store(positions_ptr + batch * ROWS + row, position, inside)


def ancestry(parents: torch.Tensor, lengths: torch.Tensor, counts: torch.Tensor, path: torch.Tensor,
             depth: torch.Tensor, positions: torch.Tensor) -> None:
    """Fill path, depth and positions from parents; all int32.

    parents: (batch, rows), each below its own row, -1 for a child of the last committed token. lengths: committed
    tokens; counts: real rows, both (batch,). path: (batch, rows, levels): path[b, r, i] is the block row that stands i
    places behind the committed tokens on the way to row r, itself included; written for i < depth[b, r]. depth:
    (batch, rows), 0 for padding rows. positions: (batch, rows), lengths + depth - 1.
    The table takes the place of an ancestor bit mask: it has the keys in the order of their positions.
    """
    batch, rows = parents.shape
    launch(_ancestry, (batch,), parents, lengths, counts, path, depth, positions, ROWS=rows, BLOCK=next_power(rows),
           PATH=path.shape[2], warps=2)


def ancestry_reference(parents: torch.Tensor, lengths: torch.Tensor, counts: torch.Tensor):
    """path as nested lists, positions as (batch, rows) of real rows (padding rows: lengths)."""
    paths, positions = [], []
    for row_parents, length, count in zip(parents.tolist(), lengths.tolist(), counts.tolist(), strict=True):
        found: list[list[int]] = []
        for row, parent in enumerate(row_parents):
            found.append([] if row >= count else [*(found[parent] if parent >= 0 else []), row])
        paths.append(found)
        positions.append([length + max(len(path) - 1, 0) for path in found])
    return paths, torch.tensor(positions, dtype=torch.int32)
