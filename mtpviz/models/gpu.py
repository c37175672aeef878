"""The target's pass on a GPU: a drafted block through all layers by the kernels of kernels/device, nine a layer.

Everything that changes from pass to pass (tokens, parents, lengths, counts of real rows) lies in device tensors, so a
pass of a given number of rows can be captured as a graph. Row- and layout-invariant: kernels/device/linear.py and
attention.py say why.
"""

from __future__ import annotations

from copy import copy
from dataclasses import dataclass

import numpy as np
import torch

from mtpviz.errors import UserError
from mtpviz.kernels.device.ancestry import ancestry
from mtpviz.kernels.device.attention import Scratch, attention
from mtpviz.kernels.device.commit import compact
from mtpviz.kernels.device.embed import embed
from mtpviz.kernels.device.linear import Workspace, interleave, linear
from mtpviz.kernels.device.norm import rms_norm
from mtpviz.kernels.device.pair import pair
from mtpviz.kernels.device.rope import place
from mtpviz.models.config import ModelConfig
from mtpviz.models.cpu import MAX_ROWS, Output
from mtpviz.models.weights import Weights


@dataclass
class Cache:
    """KV caches of a batch. keys, values: (layers, batch, kv, slots, head_dim); position p of the committed tokens lies
    in slot p. lengths: int32 (batch,) on the device; `length` is its copy on the host where `forward` and `keep` are
    used. scratch: for attention over so many slots."""

    keys: torch.Tensor
    values: torch.Tensor
    lengths: torch.Tensor
    scratch: Scratch
    length: int = 0

    @property
    def slots(self) -> int:
        """Positions that fit, drafted rows included."""
        return self.keys.shape[3]

    @property
    def batch(self) -> int:
        """Sequences."""
        return self.keys.shape[1]

    def committed(self) -> tuple[np.ndarray, np.ndarray]:
        """Keys and values of the committed positions on the host, fp32, of a batch of one."""
        return tuple(t[:, 0, :, : self.length].float().cpu().contiguous().numpy() for t in (self.keys, self.values))


@dataclass
class Block:
    """A drafted block on the device, int32. tokens, parents: (batch, rows), counts: (batch,), real rows: the input.
    path (batch, rows, levels), depth and positions follow from them (kernels/device/ancestry.py)."""

    tokens: torch.Tensor
    parents: torch.Tensor
    counts: torch.Tensor
    path: torch.Tensor
    depth: torch.Tensor
    positions: torch.Tensor

    @classmethod
    def of(cls, tokens: torch.Tensor, parents: torch.Tensor, counts: torch.Tensor, levels: int) -> Block:
        """A block over tensors that there are; no row lies deeper than `levels` levels, the first counted."""
        batch, rows = tokens.shape
        path = torch.zeros((batch, rows, levels), dtype=torch.int32, device=tokens.device)
        return cls(tokens, parents, counts, path, torch.zeros_like(tokens), torch.zeros_like(tokens))

    @classmethod
    def new(cls, device: torch.device | str, batch: int, rows: int, levels: int | None = None) -> Block:
        """A block of zeros."""
        tokens, parents = (torch.zeros((batch, rows), dtype=torch.int32, device=device) for _ in range(2))
        return cls.of(tokens, parents, torch.zeros(batch, dtype=torch.int32, device=device), levels or rows)


class Buffers:
    """What a pass of up to `rows` rows leaves behind. stream: fp32 (rows, hidden), the residual stream. normed: (rows,
    hidden), after the last norm. taps: fp32 (layers + 1, rows, hidden). The rest is between the kernels."""

    def __init__(self, config: ModelConfig, dtype: torch.dtype, device: torch.device, rows: int,
                 shapes: list[tuple[int, int]]):
        def buffer(*shape: int, dtype: torch.dtype = dtype) -> torch.Tensor:
            return torch.empty(shape, dtype=dtype, device=device)

        c, width = config, config.heads * config.head_dim
        self.workspace = Workspace(device, rows, shapes)
        self.stream, self.normed = buffer(rows, c.hidden, dtype=torch.float32), buffer(rows, c.hidden)
        self.qkv, self.query, self.mixed = buffer(rows, shapes[0][0]), buffer(rows, width), buffer(rows, width)
        self.gated = buffer(rows, c.inner)
        self.paired = buffer(rows, shapes[0][1]) if shapes[0][1] != c.hidden else None
        self.taps = buffer(c.layers + 1, rows, c.hidden, dtype=torch.float32)


class GpuModel:
    """A decoder of the Llama family on a GPU.

    dtype: of weights, activations between the kernels and cache; sums and the residual stream are fp32. shared: another
    model, whose embedding and unembedding are this one's too. Draft modules may lack norms and may read the embedding
    beside the stream (models/weights.py); one without a final norm gives its last residual stream as the normed rows.
    """

    def __init__(self, config: ModelConfig, weights: Weights, dtype: torch.dtype = torch.bfloat16,
                 device: torch.device | str = "cuda", shared: GpuModel | None = None):
        self.config, self.dtype, self.device = config, dtype, torch.device(device)
        own = self.own
        self.norm = own(weights.norm)
        self.embedding = own(weights.embed) if shared is None else shared.embedding
        self.head = (self.embedding if weights.head is weights.embed else own(weights.head)) if shared is None \
            else shared.head
        self.layers = [{
            "input_norm": own(w.input_norm), "post_norm": own(w.post_norm),
            "qkv": torch.cat([own(w.q), own(w.k), own(w.v)]),
            "bias": torch.cat([own(w.q_bias), own(w.k_bias), own(w.v_bias)]) if config.qkv_bias else None,
            "o": own(w.o), "q_norm": own(w.q_norm), "k_norm": own(w.k_norm), "down": own(w.down),
            "gate_up": interleave(own(w.gate), own(w.up)), "side_norm": own(w.side_norm)} for w in weights.layers]
        places = torch.arange(config.context + MAX_ROWS)  # a drafted row may stand behind the last usable position
        angles = places[:, None].float() * torch.from_numpy(config.rope_inv_freq())[None, :]
        self.cos, self.sin = angles.cos().to(self.device), angles.sin().to(self.device)
        self._buffers: dict[int, Buffers] = {}
        self._logits: torch.Tensor | None = None

    def planned(self) -> GpuModel:
        """This model for planning: its caches and buffers have shapes and no memory."""
        plan = copy(self)
        plan.device, plan._buffers = torch.device("meta"), {}
        return plan

    def own(self, tensor: torch.Tensor | None) -> torch.Tensor | None:
        """A weight in this model's dtype, where the kernels read it."""
        return None if tensor is None else tensor.to(self.device, self.dtype).contiguous()

    def buffers(self, batch: int) -> Buffers:
        """Those of passes over `batch` sequences; made once, since captured graphs hold their addresses."""
        if batch not in self._buffers:
            layer = self.layers[0]
            shapes = [tuple(w.shape) for w in (layer["qkv"], layer["o"], layer["gate_up"], layer["down"], self.head)]
            self._buffers[batch] = Buffers(self.config, self.dtype, self.device, batch * MAX_ROWS, shapes)
        return self._buffers[batch]

    def new_cache(self, slots: int, batch: int = 1) -> Cache:
        """Empty caches for `slots` positions each, drafted rows included."""
        c = self.config
        shape = (c.layers, batch, c.kv_heads, slots, c.head_dim)
        keys, values = (torch.zeros(shape, dtype=self.dtype, device=self.device) for _ in range(2))
        lengths = torch.zeros(batch, dtype=torch.int32, device=self.device)
        return Cache(keys, values, lengths, Scratch(self.device, batch, MAX_ROWS, c.heads, c.head_dim, slots))

    def run(self, cache: Cache, block: Block, first: int = 0, taps: tuple[int, ...] = (), embedded: bool = False,
            rows: int | None = None, layer: int = 0) -> torch.Tensor:
        """The block's rows from `first` on, `rows` of them or all, through the layers from `layer` on and the final
        norm; no waiting and no host values.

        Their keys and values go to the slots behind the committed ones. embedded: the rows' residual stream has been
        put into the buffers already. Returns (batch * rows, hidden), a view of a buffer; the residual stream before
        layer taps[i] is left in the buffers' taps[i], that behind the last layer in the buffers' stream. Lengths stay.
        """
        c, batch = self.config, cache.batch
        rows = block.tokens.shape[1] - first if rows is None else rows
        b, total = self.buffers(cache.batch), batch * rows
        x, normed, qkv, mixed, gated, query = (
            buffer[:total] for buffer in (b.stream, b.normed, b.qkv, b.mixed, b.gated, b.query))
        query = query.view(total, c.heads, c.head_dim)
        ancestry(block.parents, cache.lengths, block.counts, block.path, block.depth, block.positions)
        if not embedded:
            embed(block.tokens, self.embedding, x, first)
        for index, w in enumerate(self.layers[layer:], layer):
            if index in taps:
                b.taps[taps.index(index), :total].copy_(x)
            keys, values = cache.keys[index], cache.values[index]
            if w["side_norm"] is None:
                read = _norm(x, w["input_norm"], normed, c.rms_eps)
            else:
                read = b.paired[:total]
                pair(block.tokens, self.embedding, x, read, c.rms_eps, w["side_norm"], w["input_norm"], first)
            linear(read, w["qkv"], qkv, b.workspace, bias=w["bias"])
            place(qkv, query, keys, values, self.cos, self.sin, block.positions, cache.lengths, block.counts, c.rms_eps,
                  w["q_norm"], w["k_norm"], first)
            attention(query, keys, values, cache.lengths, block.path, block.depth, mixed, cache.scratch, first)
            linear(mixed, w["o"], x, b.workspace, residual=x)
            rms_norm(x, w["post_norm"], normed, c.rms_eps)
            linear(normed, w["gate_up"], gated, b.workspace, epilogue="swiglu")
            linear(gated, w["down"], x, b.workspace, residual=x)
        if c.layers in taps:
            b.taps[taps.index(c.layers), :total].copy_(x)
        return _norm(x, self.norm, normed, c.rms_eps)

    def logits(self, normed: torch.Tensor, out: torch.Tensor, batch: int = 1) -> None:
        """out, fp32 (rows, vocab), of normed rows of a pass over `batch` sequences."""
        linear(normed, self.head, out, self.buffers(batch).workspace)

    def forward(self, cache: Cache, tokens: np.ndarray, parents: np.ndarray, positions: np.ndarray,
                taps: tuple[int, ...] = (), head_rows: int | None = None) -> Output:
        """A pass for a batch of one with its results on the host; arguments as in models/cpu.py. `positions` follow
        from the parents here. For checks: decoding waits for no pass."""
        rows, every = len(tokens), len(parents)
        if cache.length + every > cache.slots:
            raise UserError(f"The cache holds {cache.slots} tokens; {cache.length} and {every} more do not fit.")
        cache.lengths.fill_(cache.length)  # the host may have taken it back
        block = Block.new(self.device, 1, every)
        block.tokens[0, every - rows :] = torch.from_numpy(np.ascontiguousarray(tokens, np.int32))
        block.parents[0] = torch.from_numpy(np.ascontiguousarray(parents, np.int32))
        block.counts.fill_(every)
        normed = self.run(cache, block, every - rows, taps)
        head_rows = rows if head_rows is None else head_rows
        if self._logits is None:
            self._logits = torch.empty((MAX_ROWS, self.config.vocab), dtype=torch.float32, device=self.device)
        logits = self._logits[:head_rows]
        if head_rows:
            self.logits(normed[rows - head_rows :], logits)
        left = self.buffers(1).taps[: len(taps), :rows]
        return Output(logits.cpu().numpy(), normed.float().cpu().numpy(), left.cpu().numpy())

    def keep(self, cache: Cache, path: np.ndarray) -> None:
        """Commit the rows `path` (ascending) of the last block, for a batch of one."""
        rows = torch.from_numpy(np.ascontiguousarray(path, np.int32)).to(self.device)[None]
        compact(cache.keys, cache.values, cache.lengths, rows, torch.full_like(cache.lengths, len(path)))
        cache.lengths += len(path)
        cache.length += len(path)


def _norm(x: torch.Tensor, weight: torch.Tensor | None, out: torch.Tensor, eps: float) -> torch.Tensor:
    """out = RMSNorm(x), or x itself where there is no norm; out again."""
    if weight is None:
        out.copy_(x)
    else:
        rms_norm(x, weight, out, eps)
    return out
