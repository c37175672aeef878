"""Every kernel at the shapes of the models it is made for: what is compiled ahead, and what a step must move."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

import torch

from mtpviz.kernels.device.ancestry import ancestry
from mtpviz.kernels.device.attention import Scratch, attention
from mtpviz.kernels.device.commit import advance, compact
from mtpviz.kernels.device.embed import embed
from mtpviz.kernels.device.feed import feed, follow
from mtpviz.kernels.device.gather import gather, lift
from mtpviz.kernels.device.grow import Pool, expand, front, rerank
from mtpviz.kernels.device.launch import Launch, record
from mtpviz.kernels.device.linear import Workspace, linear
from mtpviz.kernels.device.lookup import lookup
from mtpviz.kernels.device.norm import rms_norm
from mtpviz.kernels.device.pair import pair
from mtpviz.kernels.device.recent import recent
from mtpviz.kernels.device.reject import reject
from mtpviz.kernels.device.rope import place
from mtpviz.kernels.device.sample import sample
from mtpviz.kernels.device.seat import seat
from mtpviz.kernels.device.stamp import stamp
from mtpviz.kernels.device.typical import typical
from mtpviz.kernels.device.vocab import VocabScratch, top_tokens
from mtpviz.kernels.device.walk import walk
from mtpviz.kernels.device.weigh import weigh_probs, weigh_rows


@dataclass(frozen=True)
class Shape:
    """A model's sizes, as in models/config.py, and the passes that are compiled for it: rows, and slots of a cache.
    head_dims: further head sizes that attention is compiled for."""

    hidden: int
    inner: int
    heads: int
    kv_heads: int
    head_dim: int
    vocab: int
    qk_norm: bool = False
    rows: tuple[int, ...] = (1, 64)
    slots: int = 2048
    layers: int = 12
    head_dims: tuple[int, ...] = ()


SHAPES = {
    "bundled-256": Shape(256, 704, 4, 2, 64, 16384),
    "bundled-320": Shape(320, 896, 5, 5, 64, 16384, head_dims=(80, 96, 256)),
    "Qwen3-0.6B": Shape(1024, 3072, 16, 8, 128, 151936, qk_norm=True, rows=(1, 32, 64), layers=28),
    "Llama-3.2-1B": Shape(2048, 8192, 32, 8, 64, 128256, layers=16),
    "Llama-3.1-8B": Shape(4096, 14336, 32, 8, 128, 128256, rows=(1, 32, 64), layers=32),
}


@dataclass(frozen=True)
class Case:
    """A launch, its name, the fewest bytes it must move through device memory and its floating-point operations."""

    name: str
    launch: Launch
    bytes: int
    flops: int


def empty(*shape: int, dtype: torch.dtype = torch.bfloat16) -> torch.Tensor:
    """A tensor that has a shape and no memory."""
    return torch.empty(shape, dtype=dtype, device="meta")


def cases(name: str, target: str) -> Iterator[Case]:
    """The launches of the shape `name` on `target`."""
    shape = SHAPES[name]
    for rows in shape.rows:
        yield from _linears(shape, rows, target)
        yield from _vocabulary(shape, rows, target)
    yield from _around(shape, shape.rows[-1], target)
    for head_dim in shape.head_dims:
        with record(target) as launches:
            moved = _attention(replace(shape, head_dim=head_dim), shape.rows[-1])
        yield from _told(launches, f"{shape.rows[-1]}, heads of {head_dim}", moved)
    yield from _choosing(shape, shape.rows[-1], target)
    yield from _heads(shape, target)


def _linears(s: Shape, rows: int, target: str) -> Iterator[Case]:
    width = s.heads * s.head_dim
    products = {"qkv": (width + 2 * s.kv_heads * s.head_dim, s.hidden), "o": (s.hidden, width),
                "gate_up": (2 * s.inner, s.hidden), "down": (s.hidden, s.inner)}
    for name, (n, k) in products.items():
        with record(target) as launches:
            epilogue = "swiglu" if name == "gate_up" else "none"
            out = empty(rows, n // 2 if epilogue == "swiglu" else n)
            residual = out if name in ("o", "down") else None
            linear(empty(rows, k), empty(n, k), out, Workspace("meta", rows, [(n, k)]), None, residual, epilogue)
        yield Case(f"{name} x {rows}", launches[0], 2 * (n * k + rows * k + out.numel()), 2 * rows * n * k)


def _vocabulary(s: Shape, rows: int, target: str) -> Iterator[Case]:
    """The head in both forms: logits for sampling, and the best eight tokens for a draft."""
    x, weight, ids = empty(rows, s.hidden), empty(s.vocab, s.hidden), empty(rows, 8, dtype=torch.int32)
    probs, logits = empty(rows, 8, dtype=torch.float32), empty(rows, s.vocab, dtype=torch.float32)
    with record(target) as launches:
        linear(x, weight, logits, Workspace("meta", rows, [(s.vocab, s.hidden)]))
        top_tokens(x, weight, ids, probs, probs, VocabScratch("meta", rows, s.vocab, 8))
    moved, flops = 2 * (weight.numel() + x.numel()), 2 * rows * weight.numel()
    yield Case(f"logits x {rows}", launches[0], moved + 4 * logits.numel(), flops)
    yield Case(f"vocabulary top 8 x {rows}", launches[1], moved, flops)
    if rows == s.rows[-1]:
        yield Case(f"pick x {rows}", launches[2], 16 * ids.numel(), 0)


def _around(s: Shape, rows: int, target: str) -> Iterator[Case]:
    """What is between the products; compiled once, since row counts are arguments."""
    query, heads = empty(rows, s.heads, s.head_dim), s.heads + 2 * s.kv_heads
    ints, tree = empty(1, dtype=torch.int32), empty(1, rows, dtype=torch.int32)
    path, table = empty(1, rows, 16, dtype=torch.int32), empty(s.slots, s.head_dim // 2, dtype=torch.float32)
    cache = empty(1, s.kv_heads, s.slots, s.head_dim)
    stream = empty(rows, s.hidden, dtype=torch.float32)
    norm = empty(s.head_dim) if s.qk_norm else None
    head = 2 * s.head_dim
    moved = {}  # kernel -> bytes, floating-point operations

    with record(target) as launches:
        embed(tree, empty(s.vocab, s.hidden), stream)
        moved["_embed"] = 6 * rows * s.hidden, 0
        rms_norm(stream, empty(s.hidden), empty(rows, s.hidden), 1e-5)
        moved["_rms_norm"] = 6 * rows * s.hidden, 4 * rows * s.hidden
        place(empty(rows, heads * s.head_dim), query, cache, cache, table, table, tree, ints, ints, 1e-5, norm, norm)
        moved["_place"] = 2 * rows * heads * head, 3 * rows * heads * head
        ancestry(tree, ints, ints, path, tree, tree)
        moved["_ancestry"] = 4 * rows * 19, 0
        moved |= _attention(s, rows)
    yield from _told(launches, rows, moved)


def _attention(s: Shape, rows: int) -> dict[str, tuple[int, int]]:
    """Launch tree attention over a full cache; bytes and operations by kernel."""
    ints, tree, path = (empty(*shape, dtype=torch.int32) for shape in ((1,), (1, rows), (1, rows, 16)))
    width, cache = s.heads * s.head_dim, empty(1, s.kv_heads, s.slots, s.head_dim)
    attention(empty(rows, s.heads, s.head_dim), cache, cache, ints, path, tree, empty(rows, width),
              Scratch("meta", 1, rows, s.heads, s.head_dim, s.slots))
    kv = 4 * s.kv_heads * s.slots * s.head_dim
    return {"_attend": (kv + 2 * rows * width, 4 * rows * s.slots * width), "_merge": (2 * rows * width, rows * width)}


def _choosing(s: Shape, rows: int, target: str) -> Iterator[Case]:
    """What decides: sampling, verification, commit, trees, and what drafters keep of the text."""
    ints, tree, seeds = empty(1, dtype=torch.int32), empty(1, rows, dtype=torch.int32), empty(1, dtype=torch.int64)
    cache, kept = empty(s.layers, 1, s.kv_heads, s.slots, s.head_dim), empty(1, 16, dtype=torch.int32)
    probs, text = empty(1, rows, s.vocab, dtype=torch.float32), empty(1, s.slots, dtype=torch.int32)
    stream = empty(rows, s.hidden, dtype=torch.float32)
    depth, width = 6, 10  # EAGLE-2's tree
    ids, chances = empty(1, width, width, dtype=torch.int32), empty(1, width, width, dtype=torch.float32)
    moved = {"_sample": (8 * probs.numel(), 2 * probs.numel()), "_walk": (12 * rows, 0), "_advance": (12 * 16, 0),
             "_compact": (8 * 16 * s.layers * s.kv_heads * s.head_dim, 0), "_lookup": (4 * s.slots, 0),
             "_reject": (8 * s.vocab, 2 * s.vocab), "_expand": (32 * width * width, 0), "_rerank": (64 * 512, 0),
             "_front": (12 * width, 0), "_feed": (12 * rows, 0), "_gather": (8 * 16 * s.hidden, 0), "_stamp": (16, 0),
             "_follow": (12 * 32, 0), "_seat": (32 * 16, 0), "_threshold": (4 * probs.numel(), 3 * probs.numel()),
             "_typical": (16 * rows, 0),
             "_weigh_rows": (4 * rows * s.hidden, 2 * rows * s.hidden), "_weigh_probs": (24 * rows, 0)}
    with record(target) as launches:
        sample(probs[0], probs[0], tree, seeds, tree, 0.7, top_k=50, top_p=0.9, normalise=True)
        walk(tree, tree, tree, ints, kept, ints, ints, ints, ints)
        reject(probs, probs, empty(1, s.vocab, dtype=torch.float64), tree, tree, ints, ints, seeds, kept, ints, ints,
               ints, tree)
        compact(cache, cache, ints, kept, ints)
        advance(tree, kept, ints, ints, ints, text, ints)
        pool = Pool.empty("meta", 1, depth, width)
        widest = Pool.empty("meta", 1, 16, 16)  # what the strategies' settings allow
        expand(widest, empty(1, 16, 16, dtype=torch.int32), empty(1, 16, 16, dtype=torch.float32), 2)
        rerank(widest, 16, 48, ints, widest.tokens, tree, tree, probs[0, :, :1], ints)
        expand(pool, ids, chances, 2)
        front(pool, 2, tree, tree, ints)
        rerank(pool, depth, 59, ints, pool.tokens, tree, tree, probs[0, :, :1], ints)
        seat(ids, chances, tree[0, :16], tree, probs[0, :, 0], 1, tree[0, :16], tree)
        typical(probs, empty(1, rows, dtype=torch.float64), tree, tree, tree, ints, kept, ints, ints, ints, ints, 0.09,
                0.3)
        follow(text, ints, ints, tree, ints, ints, False)
        lookup(text, ints, tree, tree, ints, ints, 4, 15)
        feed(text, ints, ints, tree, tree, ints, True, ints)
        gather(stream, kept, ints, empty(16, s.hidden))
        stamp(seeds, seeds, 1)
        weigh_rows(stream, empty(s.vocab, s.hidden), stream, tree, tree, ints, stream)
        weigh_probs(probs[0], tree, tree, tree, ints, stream, stream)
    yield from _told(launches, rows, moved)


def _heads(s: Shape, target: str) -> Iterator[Case]:
    """What the draft heads need besides: their products, and what these read."""
    rows, batch, taps, states, top = 16, 1, 3, 4, 16
    width, d = s.heads * s.head_dim + 2 * s.kv_heads * s.head_dim, s.hidden
    products = {"res block": (d, d, "silu", torch.bfloat16), "mix": (d, 2 * d, "none", torch.float32),
                "side qkv": (width, 2 * d, "none", torch.bfloat16), "fuse": (d, taps * d, "none", torch.bfloat16),
                "pseudo states": (states * d, d, "none", torch.float32)}
    for name, (n, k, epilogue, dtype) in products.items():
        x, out = empty(rows, k), empty(rows, n, dtype=dtype)
        bias = None if name in ("side qkv", "fuse") else empty(n)
        with record(target) as launches:
            linear(x, empty(n, k), out, Workspace("meta", rows, [(n, k)]), bias, x if epilogue == "silu" else None,
                   epilogue)
        yield Case(f"{name} x {rows}", launches[0], 2 * (n * k + rows * k) + out.nbytes, 2 * rows * n * k)
    ints, tree = empty(batch, dtype=torch.int32), empty(batch, rows, dtype=torch.int32)
    x, stream, table = empty(rows, d), empty(rows, d, dtype=torch.float32), empty(s.vocab, d)
    moved = {"_pair": (8 * rows * d, 8 * rows * d), "_lift": (4 * rows * d, 0), "_gather": (6 * taps * rows * d, 0),
             "_recent": (4 * 8 * d, 0)}
    with record(target) as launches:
        pair(tree, table, stream, empty(rows, 2 * d), 1e-5, empty(d), empty(d))
        pair(tree, table, x, empty(rows, 2 * d), 1e-5)
        lift(x[None], empty(batch, d), tree, x)
        gather(empty(taps, rows, d, dtype=torch.float32), tree, ints, empty(rows, taps * d), ints)
        recent(x, tree, ints, ints, empty(8, batch, d))
    yield from _told(launches, rows, moved)
    ids, probs = empty(rows, top, dtype=torch.int32), empty(rows, top, dtype=torch.float32)
    names = empty(s.vocab, dtype=torch.int32)
    with record(target) as launches:  # the widest tree, over a compressed vocabulary
        top_tokens(x, table, ids, probs, probs, VocabScratch("meta", rows, s.vocab, top), names)
    yield Case(f"vocabulary top {top} x {rows}", launches[0], 2 * (table.numel() + x.numel()), 2 * rows * table.numel())
    yield Case(f"pick {top} x {rows}", launches[1], 16 * ids.numel(), 0)


def _told(launches: list[Launch], rows: int | str, moved: dict[str, tuple[int, int]]) -> Iterator[Case]:
    for one in launches:
        yield Case(f"{one.kernel.__name__[1:]} x {rows}", one, *moved[one.kernel.__name__])
