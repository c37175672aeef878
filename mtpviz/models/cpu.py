"""The target's pass on a CPU: all layers in one compiled function, no Python and no allocation between them.

Row- and layout-invariant by construction (kernels/linear.py and kernels/attention.py say why), so greedy decoding
under any tree gives next-token prediction's tokens to the bit.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import torch

from mtpviz.errors import UserError
from mtpviz.kernels.attention import LINES
from mtpviz.kernels.compiler import numba
from mtpviz.kernels.linear import PANEL, aligned_copy, pack
from mtpviz.kernels.rope import tables
from mtpviz.kernels.simd import has_bf16_dot
from mtpviz.models.config import ModelConfig
from mtpviz.models.layers import compact, run_layers, unembed
from mtpviz.models.weights import Weights

MAX_ROWS = 64  # rows of one pass; a longer prompt is prefilled in several


@dataclass
class Cache:
    """KV cache of one sequence. keys: fp32 (layers, kv, blocks, head_dim, 16); values: fp32 (layers, kv, slots, width).

    Position p of the committed tokens lies in slot p; `length` of them are committed.
    """

    keys: np.ndarray
    values: np.ndarray
    length: int = 0

    @property
    def slots(self) -> int:
        """Positions that fit, drafted rows included."""
        return self.values.shape[2]

    def committed(self) -> tuple[np.ndarray, np.ndarray]:
        """Keys and values of the committed positions. Position p is lane p % 16 of key block p // 16."""
        at = np.arange(self.length)
        return self.keys[:, :, at // 16, :, at % 16], self.values[:, :, : self.length].copy()


class Packed(NamedTuple):
    """A model's weights as the pass reads them. qkv, o, gate_up, down: panels by layer (kernels/linear.py); head: its
    panels. norms: fp32 (2 layers + 1, hidden), of each layer the one before attention and the one before the MLP, then
    the final one; plain: those that are none (1), where the stream passes as it is. side_norms: fp32 (layers, hidden),
    of what q, k and v read beside the residual stream. bias, q_norm, k_norm: fp32 (layers, ...). Each of these is (0,
    0) in a model without it."""

    qkv: np.ndarray
    o: np.ndarray
    gate_up: np.ndarray
    down: np.ndarray
    head: np.ndarray
    norms: np.ndarray
    plain: np.ndarray
    side_norms: np.ndarray
    bias: np.ndarray
    q_norm: np.ndarray
    k_norm: np.ndarray


@dataclass(frozen=True)
class Output:
    """What a pass leaves behind; views into the model's buffers, valid until its next pass.

    logits: fp32 (rows, vocab). normed: fp32 (rows, hidden), after the final norm. taps: fp32 (layers tapped, rows,
    hidden), the residual stream before layer i for each tapped i (i = layers: after the last one).
    """

    logits: np.ndarray
    normed: np.ndarray
    taps: np.ndarray


class CpuModel:
    """A decoder of the Llama family with its weights packed for the CPU.

    dtype: torch.bfloat16 or torch.float32, that of the weights; sums, residual stream and cache are fp32. With bf16
    weights the rows are rounded to bf16 before each product where the CPU has bf16 dot instructions. head: panels of
    an unembedding that is packed already, to share another model's. A model without a final norm gives its last
    residual stream as `normed`, and has no logits of its own (head_rows=0; `unembed` makes them).
    """

    def __init__(self, config: ModelConfig, weights: Weights, dtype: torch.dtype = torch.bfloat16,
                 head: np.ndarray | None = None):
        if config.hidden % 16:
            raise UserError(f"The CPU engine needs a hidden size that is a multiple of 16; {config.hidden} is not.")
        self.config, self.dtype = config, dtype
        self.threads = numba.config.NUMBA_NUM_THREADS  # that share a pass; may be set between passes
        self.act_dtype = np.uint16 if dtype == torch.bfloat16 and has_bf16_dot() else np.float32
        c, width = config, _up(config.head_dim, 16)
        layers = weights.layers
        self.embedding = _numpy(weights.embed.to(dtype))  # bf16 held in uint16
        self.cos, self.sin = tables(config.rope_inv_freq(), config.context)
        none = np.zeros((0, 0), np.float32)
        norms = [v for w in layers for v in (w.input_norm, w.post_norm)] + [weights.norm]
        wide = layers[0].side_norm is not None
        self.packed = Packed(
            self._pack([torch.cat([w.q, w.k, w.v]) for w in layers]),
            self._pack([_pad_heads(w.o, c.heads, c.head_dim, width) for w in layers]),
            self._pack([_interleave(w.gate, w.up) for w in layers]),
            self._pack([_pad_columns(w.down, 16) for w in layers]),
            pack(weights.head.to(dtype)) if head is None else head,
            _rows([torch.ones(c.hidden) if norm is None else norm for norm in norms]),
            np.array([norm is None for norm in norms], np.uint8),
            _rows([w.side_norm for w in layers]) if wide else none,
            _rows([torch.cat([w.q_bias, w.k_bias, w.v_bias]) for w in layers]) if c.qkv_bias else none,
            _rows([w.q_norm for w in layers]) if c.qk_norm else none,
            _rows([w.k_norm for w in layers]) if c.qk_norm else none)
        self._make_buffers(width)

    def _pack(self, matrices: list[torch.Tensor]) -> np.ndarray:
        return aligned_copy(np.stack([pack(matrix.to(self.dtype)) for matrix in matrices]))

    def _make_buffers(self, width: int) -> None:
        c, threads = self.config, self.threads

        def buffer(*shape, dtype=np.float32):
            return aligned_copy(np.zeros(shape, dtype))

        packed = self.packed
        self.stream = buffer(MAX_ROWS, _up(c.hidden, PANEL))  # the residual stream; `run` takes its input from it
        self.side = buffer(MAX_ROWS, c.hidden)  # and this, if the model has side_norms
        widest = 2 * c.hidden if packed.side_norms.size else c.hidden
        self._final = buffer(MAX_ROWS, c.hidden)
        self.logits = buffer(MAX_ROWS, len(packed.head) * PANEL)
        self._taps = buffer(c.layers + 1, MAX_ROWS, c.hidden)
        self._arrivals = np.zeros(1, np.int64)
        self._scratch = (
            self.stream,
            self.side,
            buffer(threads, MAX_ROWS, widest, dtype=self.act_dtype),  # normed, a copy for each thread
            self._final,
            buffer(MAX_ROWS, packed.qkv.shape[1] * PANEL),
            buffer(c.heads, MAX_ROWS, c.head_dim),  # queries
            buffer(MAX_ROWS, c.heads * width, dtype=self.act_dtype),  # values mixed by attention
            buffer(MAX_ROWS, packed.gate_up.shape[1] * PANEL),
            buffer(MAX_ROWS, _up(c.inner, 16), dtype=self.act_dtype),
            self.logits,
            self._taps)
        self._attending = (  # of kernels/attention.py, for each thread: scores, mixed, sums, paths, starts, depths
            buffer(threads, LINES, _up(c.context + MAX_ROWS, 16) + 64),
            buffer(threads, LINES, width),
            buffer(threads, LINES),
            buffer(threads, LINES, MAX_ROWS, dtype=np.int32),
            buffer(threads, LINES, dtype=np.int64),
            buffer(threads, LINES, dtype=np.int64))

    def new_cache(self, slots: int) -> Cache:
        """An empty cache for `slots` positions, drafted rows included."""
        c = self.config
        blocks = -(-slots // 16)
        keys = np.zeros((c.layers, c.kv_heads, blocks, c.head_dim, 16), np.float32)
        values = np.zeros((c.layers, c.kv_heads, blocks * 16, _up(c.head_dim, 16)), np.float32)
        return Cache(aligned_copy(keys), aligned_copy(values))

    def forward(self, cache: Cache, tokens: np.ndarray, parents: np.ndarray, positions: np.ndarray,
                taps: tuple[int, ...] = (), head_rows: int | None = None) -> Output:
        """Run `tokens` (rows,) as a drafted block on top of the cache; their keys and values go to the slots behind it.

        parents: row of each row's parent in the block, -1 for one that hangs on the last committed token. With more
        parents than tokens, the tokens are the last rows of a block whose earlier rows ran before (a tree drafted
        level by level). positions: absolute, (rows,). taps: layers whose input is wanted. head_rows: logits are
        wanted for the last so many rows only (all by default). The cache's length stays.
        """
        rows = len(tokens)
        self.stream[:rows, : self.config.hidden] = self.embed(tokens)
        return self.run(cache, rows, parents, positions, 0, taps, head_rows)

    def embed(self, tokens: np.ndarray) -> np.ndarray:
        """Embeddings fp32 (rows, hidden) of tokens (rows,)."""
        embedded = self.embedding[tokens]
        if embedded.dtype == np.uint16:
            embedded = (embedded.astype(np.uint32) << 16).view(np.float32)
        return embedded

    def run(self, cache: Cache, rows: int, parents: np.ndarray, positions: np.ndarray, first_layer: int,
            taps: tuple[int, ...] = (), head_rows: int | None = None) -> Output:
        """`forward` from `first_layer` on, for rows whose residual stream has been put in `self.stream`."""
        c = self.config
        if cache.length + len(parents) > cache.slots:
            more = f"{cache.length} and {len(parents)} more"
            raise UserError(f"The cache holds {cache.slots} tokens; {more} do not fit.")
        wanted = np.full(c.layers + 1, -1, np.int32)
        wanted[list(taps)] = np.arange(len(taps))
        head_rows = rows if head_rows is None else head_rows
        numba.set_num_threads(self.threads)  # numba keeps it for each Python thread, and passes come from several
        sizes = (cache.length, len(parents) - rows, rows, head_rows, first_layer, c.hidden, c.heads, c.head_dim)
        whole = run_layers(self._arrivals, self.threads, self._scratch, self._attending, self.packed,
                           (self.cos, self.sin), (cache.keys, cache.values), parents.astype(np.int32),
                           positions.astype(np.int32), wanted, sizes, c.rms_eps)
        self.check(whole)
        return Output(self.logits[:head_rows, : c.vocab], self._final[:rows], self._taps[: len(taps), :rows])

    def check(self, whole: bool) -> None:
        """UserError where `run_layers` said that its team of threads was not whole."""
        if not whole:
            raise UserError(f"This machine gave a pass fewer than its {self.threads} threads; --threads 1 will do.")

    def compiled(self, panels: np.ndarray) -> tuple:
        """What compiled callers of `run_layers` need of this model, `panels` being the unembedding they score with."""
        c = self.config
        return (self._arrivals, self.threads, self._scratch, self._attending, self.packed._replace(head=panels),
                (self.cos, self.sin), (c.hidden, c.heads, c.head_dim), c.rms_eps)

    def pack_head(self, weight: torch.Tensor) -> np.ndarray:
        """Panels of an unembedding (ids, hidden) for `unembed`, in this model's dtype; at most vocab ids."""
        return pack(weight.to(self.dtype))

    def unembed(self, normed: np.ndarray, head: np.ndarray, ids: int) -> np.ndarray:
        """Logits fp32 (rows, ids) by the panels `head`, of rows that are normed already, fp32 (rows, hidden), rows <=
        MAX_ROWS; a view into the model's buffers."""
        numba.set_num_threads(self.threads)
        unembed(np.ascontiguousarray(normed), self._scratch[2], head, self.logits, self.threads)
        return self.logits[: len(normed), :ids]

    def keep(self, cache: Cache, path: np.ndarray) -> None:
        """Commit the rows `path` (ascending) of the last block: their keys and values move up behind the cache."""
        compact(cache.keys, cache.values, cache.length, path.astype(np.int64))
        cache.length += len(path)


def _up(value: int, multiple: int) -> int:
    return -(-value // multiple) * multiple


def _numpy(tensor: torch.Tensor) -> np.ndarray:
    return tensor.view(torch.int16).numpy().view(np.uint16) if tensor.dtype == torch.bfloat16 else tensor.numpy()


def _rows(vectors: list[torch.Tensor]) -> np.ndarray:
    return aligned_copy(torch.stack([v.float() for v in vectors]).numpy())


def _pad_columns(weight: torch.Tensor, multiple: int) -> torch.Tensor:
    return torch.nn.functional.pad(weight, (0, -weight.shape[1] % multiple))


def _pad_heads(weight: torch.Tensor, heads: int, head_dim: int, width: int) -> torch.Tensor:
    """o_proj (hidden, heads * head_dim) for heads that are `width` apart."""
    split = weight.reshape(weight.shape[0], heads, head_dim)
    return torch.nn.functional.pad(split, (0, width - head_dim)).reshape(weight.shape[0], heads * width)


def _interleave(gate: torch.Tensor, up: torch.Tensor) -> torch.Tensor:
    """Rows of gate and up in turns of sixteen, for `swiglu_panel`."""
    gate, up = (torch.nn.functional.pad(w, (0, 0, 0, -w.shape[0] % 16)) for w in (gate, up))
    both = torch.stack([gate.reshape(-1, 16, gate.shape[1]), up.reshape(-1, 16, up.shape[1])], 1)
    return both.reshape(-1, gate.shape[1])
