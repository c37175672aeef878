"""A dynamic token tree on the device, as engine/grow.py's `dynamic` grows it (Li et al. 2024, "EAGLE-2", section 4).

`expand` adds one level to a pool of candidates and chooses the nodes that get children next; `rerank` keeps the best of
the pool and lays them out as the block that the target verifies. Of equal chances the shallower comes first, then the
one proposed earlier, so a kept node's parent is kept too.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
import triton
import triton.language as tl

from mtpviz.kernels.device.launch import launch, next_power


@dataclass
class Pool:
    """Candidates of a batch, parents before children, all (batch, room): tokens, parents (-1: the root), depths (from
    1), int32; probs, fp32, the draft's; chances, fp64, their products along the path. frontier: int32 (batch, width),
    the nodes to expand, ascending."""

    tokens: torch.Tensor
    parents: torch.Tensor
    depths: torch.Tensor
    probs: torch.Tensor
    chances: torch.Tensor
    frontier: torch.Tensor

    @classmethod
    def empty(cls, device: torch.device | str, batch: int, depth: int, width: int) -> Pool:
        """Room for `depth` levels of which each but the first has width * width candidates."""
        room = width + (depth - 1) * width * width

        def make(dtype: torch.dtype, size: int = room) -> torch.Tensor:
            return torch.zeros((batch, size), dtype=dtype, device=device)

        return cls(*(make(torch.int32) for _ in range(3)), make(torch.float32), make(torch.float64),
                   make(torch.int32, width))


@triton.jit
def _expand(ids_ptr, probs_ptr, tokens_ptr, parents_ptr, depths_ptr, own_ptr, chances_ptr, frontier_ptr, base,
            stride, ROOM: tl.constexpr, PARENTS: tl.constexpr, WIDTH: tl.constexpr, BLOCK: tl.constexpr,
            CHUNK: tl.constexpr, ROOT: tl.constexpr, SHARED: tl.constexpr):
    """All candidates of one level of one sequence; the best WIDTH by counting, for each, how many are better."""
    batch = tl.program_id(0)
    i = tl.arange(0, BLOCK)
    inside = i < PARENTS * WIDTH
    source = batch * stride + i
    if SHARED:
        source = batch * stride + i % WIDTH
    prob = tl.load(probs_ptr + source, inside, 0.0)
    chance = prob.to(tl.float64)
    parent = i * 0 - 1
    depth = i * 0 + 1
    if not ROOT:
        parent = tl.load(frontier_ptr + batch * WIDTH + i // WIDTH, inside, 0)
        chance *= tl.load(chances_ptr + batch * ROOM + parent, inside, 0.0)
        depth += tl.load(depths_ptr + batch * ROOM + parent, inside, 0)
    at = batch * ROOM + base + i
    tl.store(tokens_ptr + at, tl.load(ids_ptr + source, inside, 0), inside)
    tl.store(parents_ptr + at, parent, inside)
    tl.store(depths_ptr + at, depth, inside)
    tl.store(own_ptr + at, prob, inside)
    tl.store(chances_ptr + at, chance, inside)
    tl.debug_barrier()  # the chances are read again, laid out along the other axis, and the frontier is written over
    rank = tl.zeros((BLOCK,), tl.int32)
    for first in range(0, PARENTS * WIDTH, CHUNK):
        j = first + tl.arange(0, CHUNK)
        other = tl.load(chances_ptr + batch * ROOM + base + j, j < PARENTS * WIDTH, -1.0)
        better = (other[None, :] > chance[:, None]) | ((other[None, :] == chance[:, None]) & (j[None, :] < i[:, None]))
        rank += tl.sum((better & (j < PARENTS * WIDTH)[None, :]).to(tl.int32), 1)
    best = inside & (rank < WIDTH)
    tl.store(frontier_ptr + batch * WIDTH + tl.cumsum(best.to(tl.int32), 0) - 1, base + i, best)


@triton.jit
def _rerank(tokens_ptr, parents_ptr, depths_ptr, own_ptr, chances_ptr, place_ptr, root_ptr, block_tokens_ptr,
            block_parents_ptr, block_probs_ptr, counts_ptr, used, nodes, ROOM: tl.constexpr, ROWS: tl.constexpr,
            BLOCK: tl.constexpr, CHUNK: tl.constexpr):
    batch = tl.program_id(0)
    i = tl.arange(0, BLOCK)
    inside = i < used
    pool = batch * ROOM
    chance = tl.load(chances_ptr + pool + i, inside, -1.0)
    depth = tl.load(depths_ptr + pool + i, inside, 0)
    rank = tl.zeros((BLOCK,), tl.int32)
    for first in range(0, used, CHUNK):
        j = first + tl.arange(0, CHUNK)
        other = tl.load(chances_ptr + pool + j, j < used, -1.0)[None, :]
        level = tl.load(depths_ptr + pool + j, j < used, 0)[None, :]
        shallower = (level < depth[:, None]) | ((level == depth[:, None]) & (j[None, :] < i[:, None]))
        better = (other > chance[:, None]) | ((other == chance[:, None]) & shallower)
        rank += tl.sum((better & (j < used)[None, :]).to(tl.int32), 1)
    kept = inside & (rank < nodes)
    row = tl.cumsum(kept.to(tl.int32), 0)  # row 0 is the root
    tl.store(place_ptr + pool + i, row, inside)
    tl.debug_barrier()
    parent = tl.load(parents_ptr + pool + i, kept, -1)
    above = tl.load(place_ptr + pool + parent, kept & (parent >= 0), 0)
    tl.store(block_tokens_ptr + batch * ROWS + row, tl.load(tokens_ptr + pool + i, kept, 0), kept)
    tl.store(block_parents_ptr + batch * ROWS + row, above, kept)
    tl.store(block_probs_ptr + batch * ROWS + row, tl.load(own_ptr + pool + i, kept, 0.0), kept)
    tl.store(block_tokens_ptr + batch * ROWS, tl.load(root_ptr + batch))
    tl.store(block_parents_ptr + batch * ROWS, -1)
    tl.store(counts_ptr + batch, tl.sum(kept.to(tl.int32), 0) + 1)


@triton.jit
def _front(tokens_ptr, frontier_ptr, block_tokens_ptr, block_parents_ptr, counts_ptr, base, first, ROOM: tl.constexpr,
           ROWS: tl.constexpr, WIDTH: tl.constexpr, BLOCK: tl.constexpr):
    batch = tl.program_id(0)
    i = tl.arange(0, BLOCK)
    inside = i < WIDTH
    node = tl.load(frontier_ptr + batch * WIDTH + i, inside, 0)
    at = batch * ROWS + first + i
    tl.store(block_tokens_ptr + at, tl.load(tokens_ptr + batch * ROOM + node, inside, 0), inside)
    parent = i * 0 - 1
    if first > 0:
        parent = first - WIDTH + (node - base) // WIDTH
    tl.store(block_parents_ptr + at, parent, inside)
    tl.store(counts_ptr + batch, first + WIDTH)


def expand(pool: Pool, ids: torch.Tensor, probs: torch.Tensor, level: int) -> None:
    """Add the children of the frontier (of the root on level 1) to the pool and choose the next frontier.

    ids: int32, probs: fp32, both (batch, parents, width), best first: what the draft expects after each frontier node;
    or (batch, width), where it expects the same after all of them. Both with the same stride between sequences.
    """
    batch, width = ids.shape[0], ids.shape[-1]
    parents = 1 if level == 1 else pool.frontier.shape[1]
    launch(_expand, (batch,), ids, probs, pool.tokens, pool.parents, pool.depths, pool.probs, pool.chances,
           pool.frontier, _base(width, level), ids.stride(0), ROOM=pool.tokens.shape[1], PARENTS=parents, WIDTH=width,
           BLOCK=next_power(parents * width), CHUNK=16, ROOT=level == 1, SHARED=ids.dim() == 2)


def _base(width: int, level: int) -> int:
    """Where a level starts in the pool."""
    return 0 if level == 1 else width + (level - 2) * width * width


def front(pool: Pool, level: int, tokens: torch.Tensor, parents: torch.Tensor, counts: torch.Tensor) -> None:
    """The frontier that `expand` left on `level` as rows of the draft's own block, behind those of the levels before.

    tokens, parents: int32 (batch, >= level * width), counts: int32 (batch,), as a pass takes them: the rows that
    are new are those from (level - 1) * width on.
    """
    batch, room = pool.tokens.shape
    width = pool.frontier.shape[1]
    launch(_front, (batch,), pool.tokens, pool.frontier, tokens, parents, counts, _base(width, level),
           (level - 1) * width, ROOM=room, ROWS=tokens.shape[1], WIDTH=width, BLOCK=next_power(width), warps=1)


def rerank(pool: Pool, levels: int, nodes: int, root: torch.Tensor, place: torch.Tensor, tokens: torch.Tensor,
           parents: torch.Tensor, probs: torch.Tensor, counts: torch.Tensor) -> None:
    """Keep the `nodes` best of the pool's first `levels` levels as a block behind `root`.

    root: int32 (batch,). place: int32 like the pool's tensors, scratch. tokens, parents: int32, probs: fp32 (the
    draft's), all (batch, rows), rows at least nodes + 1; counts: int32 (batch,), real rows: what `walk` and `ancestry`
    take.
    """
    batch, room = pool.tokens.shape
    width = pool.frontier.shape[1]
    used = width + (levels - 1) * width * width
    launch(_rerank, (batch,), pool.tokens, pool.parents, pool.depths, pool.probs, pool.chances, place, root, tokens,
           parents, probs, counts, used, nodes, ROOM=room, ROWS=tokens.shape[1], BLOCK=next_power(room),
           CHUNK=max(2, min(16, 8192 // next_power(room))), warps=8)
