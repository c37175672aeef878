"""The target's pass on a GPU: a drafted block through all layers by the kernels of kernels/device, nine a layer.

Everything that changes from pass to pass (tokens, parents, lengths, counts of real rows) lies in device tensors, so a
pass of a given number of rows can be captured as a graph. Row- and layout-invariant: kernels/device/linear.py and
attention.py say why.
"""

from __future__ import annotations

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
from mtpviz.kernels.device.rope import place
from mtpviz.kernels.device.vocab import VocabScratch, top_tokens
from mtpviz.models.config import ModelConfig
from mtpviz.models.cpu import MAX_ROWS, Output
from mtpviz.models.weights import Weights


@dataclass
class Cache:
    """KV caches of a batch. keys, values: (layers, batch, kv, slots, head_dim); position p of the committed tokens lies
    in slot p. lengths: int32 (batch,) on the device; `length` is its copy on the host for a batch of one. scratch: for
    attention over so many slots."""

    keys: torch.Tensor
    values: torch.Tensor
    lengths: torch.Tensor
    scratch: Scratch
    length: int = 0

    @property
    def slots(self) -> int:
        """Positions that fit, drafted rows included."""
        return self.keys.shape[3]


class Block:
    """A drafted block on the device, int32: tokens, parents (batch, rows) and counts (batch,) are the input; path,
    depth and positions follow from them (kernels/device/ancestry.py)."""

    def __init__(self, device: torch.device | str, batch: int, rows: int):
        self.tokens, self.parents, self.depth, self.positions = (
            torch.zeros((batch, rows), dtype=torch.int32, device=device) for _ in range(4))
        self.counts = torch.zeros(batch, dtype=torch.int32, device=device)
        self.path = torch.zeros((batch, rows, rows), dtype=torch.int32, device=device)


class GpuModel:
    """A decoder of the Llama family on a GPU, for `batch` sequences with lengths of their own.

    dtype: of weights, activations between the kernels and cache; sums and the residual stream are fp32.
    """

    def __init__(self, config: ModelConfig, weights: Weights, dtype: torch.dtype = torch.bfloat16,
                 device: torch.device | str = "cuda", batch: int = 1):
        self.config, self.dtype, self.device, self.batch = config, dtype, torch.device(device), batch
        own = self._own
        self.embedding, self.norm = own(weights.embed), own(weights.norm)
        self.head = self.embedding if weights.head is weights.embed else own(weights.head)
        self.layers = [{
            "input_norm": own(w.input_norm), "post_norm": own(w.post_norm), "qkv": own(torch.cat([w.q, w.k, w.v])),
            "bias": own(torch.cat([w.q_bias, w.k_bias, w.v_bias])) if config.qkv_bias else None, "o": own(w.o),
            "q_norm": own(w.q_norm), "k_norm": own(w.k_norm), "gate_up": own(interleave(w.gate, w.up)),
            "down": own(w.down)} for w in weights.layers]
        places = torch.arange(config.context + MAX_ROWS)  # a drafted row may stand behind the last usable position
        angles = places[:, None].float() * torch.from_numpy(config.rope_inv_freq())[None, :]
        self.cos, self.sin = angles.cos().to(self.device), angles.sin().to(self.device)
        self._buffers()

    def _own(self, tensor: torch.Tensor | None) -> torch.Tensor | None:
        return None if tensor is None else tensor.to(self.device, self.dtype).contiguous()

    def _buffers(self) -> None:
        c, rows = self.config, self.batch * MAX_ROWS
        layer = self.layers[0]
        shapes = [tuple(w.shape) for w in (layer["qkv"], layer["o"], layer["gate_up"], layer["down"], self.head)]
        self.workspace = Workspace(self.device, rows, shapes)

        def buffer(width: int, dtype: torch.dtype = self.dtype) -> torch.Tensor:
            return torch.empty((rows, width), dtype=dtype, device=self.device)

        self._stream, self._normed = buffer(c.hidden, torch.float32), buffer(c.hidden)
        self._qkv, self._mixed = buffer(shapes[0][0]), buffer(c.heads * c.head_dim)
        self._query, self._gated = buffer(c.heads * c.head_dim), buffer(c.inner)
        self._logits = buffer(c.vocab, torch.float32)
        self._taps = torch.empty((c.layers + 1, rows, c.hidden), dtype=torch.float32, device=self.device)
        self._best_scratch = VocabScratch(self.device, rows, c.vocab, 1)
        self._best = torch.empty((rows, 1), dtype=torch.int32, device=self.device)
        self._best_prob, self._lse = buffer(1, torch.float32), buffer(1, torch.float32)

    def new_cache(self, slots: int) -> Cache:
        """Empty caches for `slots` positions each, drafted rows included."""
        c = self.config
        shape = (c.layers, self.batch, c.kv_heads, slots, c.head_dim)
        keys, values = (torch.zeros(shape, dtype=self.dtype, device=self.device) for _ in range(2))
        lengths = torch.zeros(self.batch, dtype=torch.int32, device=self.device)
        scratch = Scratch(self.device, self.batch, MAX_ROWS, c.heads, c.head_dim, slots)
        return Cache(keys, values, lengths, scratch)

    def run(self, cache: Cache, block: Block, first: int = 0, taps: tuple[int, ...] = ()) -> torch.Tensor:
        """The block's rows from `first` on through all layers and the final norm; no waiting and no host values.

        Their keys and values go to the slots behind the committed ones. Returns (batch * rows, hidden), a view of a
        buffer; the residual stream before layer taps[i] is left in self._taps[i]. Lengths stay.
        """
        c, rows = self.config, block.tokens.shape[1] - first
        total = self.batch * rows
        x, normed, qkv, mixed, gated, query = (
            buffer[:total] for buffer in (self._stream, self._normed, self._qkv, self._mixed, self._gated, self._query))
        query = query.view(total, c.heads, c.head_dim)
        ancestry(block.parents, cache.lengths, block.counts, block.path, block.depth, block.positions)
        embed(block.tokens[:, first:].contiguous(), self.embedding, x)
        for index, w in enumerate(self.layers):
            if index in taps:
                self._taps[taps.index(index), :total].copy_(x)
            keys, values = cache.keys[index], cache.values[index]
            rms_norm(x, w["input_norm"], normed, c.rms_eps)
            linear(normed, w["qkv"], qkv, self.workspace, bias=w["bias"])
            place(qkv, query, keys, values, self.cos, self.sin, block.positions, cache.lengths, block.counts, c.rms_eps,
                  w["q_norm"], w["k_norm"], first)
            attention(query, keys, values, cache.lengths, block.path, block.depth, mixed, cache.scratch, first)
            linear(mixed, w["o"], x, self.workspace, residual=x)
            rms_norm(x, w["post_norm"], normed, c.rms_eps)
            linear(normed, w["gate_up"], gated, self.workspace, epilogue="swiglu")
            linear(gated, w["down"], x, self.workspace, residual=x)
        if c.layers in taps:
            self._taps[taps.index(c.layers), :total].copy_(x)
        rms_norm(x, self.norm, normed, c.rms_eps)
        return normed

    def logits(self, normed: torch.Tensor) -> torch.Tensor:
        """fp32 (rows, vocab), a view of a buffer."""
        out = self._logits[: len(normed)]
        linear(normed, self.head, out, self.workspace)
        return out

    def best(self, normed: torch.Tensor) -> torch.Tensor:
        """The most probable token of each row, int32 (rows,), without writing logits."""
        rows = len(normed)
        top_tokens(normed, self.head, self._best[:rows], self._best_prob[:rows], self._lse[:rows], self._best_scratch)
        return self._best[:rows, 0]

    def forward(self, cache: Cache, tokens: np.ndarray, parents: np.ndarray, positions: np.ndarray,
                taps: tuple[int, ...] = (), head_rows: int | None = None) -> Output:
        """A pass for a batch of one with its results on the host; arguments as in models/cpu.py. `positions` follow
        from the parents here."""
        rows, every = len(tokens), len(parents)
        if cache.length + every > cache.slots:
            raise UserError(f"The cache holds {cache.slots} tokens; {cache.length} and {every} more do not fit.")
        block = Block(self.device, 1, every)
        block.tokens[0, every - rows :] = torch.from_numpy(np.ascontiguousarray(tokens, np.int32))
        block.parents[0] = torch.from_numpy(np.ascontiguousarray(parents, np.int32))
        block.counts.fill_(every)
        normed = self.run(cache, block, every - rows, taps)
        head_rows = rows if head_rows is None else head_rows
        logits = self.logits(normed[rows - head_rows :]) if head_rows else self._logits[:0]
        return Output(logits.cpu().numpy(), normed.float().cpu().numpy(), self._taps[: len(taps), :rows].cpu().numpy())

    def keep(self, cache: Cache, path: np.ndarray) -> None:
        """Commit the rows `path` (ascending) of the last block, for a batch of one."""
        rows = torch.from_numpy(np.ascontiguousarray(path, np.int32)).to(self.device)[None]
        compact(cache.keys, cache.values, cache.lengths, rows, torch.full_like(cache.lengths, len(path)))
        cache.lengths += len(path)
        cache.length += len(path)
