"""N-gram lookup in prompt and output (Saxena 2023, "Prompt lookup decoding"), the rule of strategies/lookup.py."""

from __future__ import annotations

import torch
import triton
import triton.language as tl

from mtpviz.kernels.device.launch import launch, next_power


@triton.jit
def _lookup(text_ptr, lengths_ptr, tokens_ptr, parents_ptr, counts_ptr, matched_ptr, nodes, CONTEXT: tl.constexpr,
            ROWS: tl.constexpr, PADDED: tl.constexpr, NGRAM: tl.constexpr, BLOCK: tl.constexpr):
    """Score each place by match length, then by how late it is; the best is copied from."""
    batch = tl.program_id(0)
    text = text_ptr + batch * CONTEXT
    root = tl.load(lengths_ptr + batch)  # place of the last known token
    best = tl.zeros((BLOCK,), tl.int32)
    for first in range(1, root + 1, BLOCK):
        end = first + tl.arange(0, BLOCK)  # the match ends before it
        going = end <= root
        length = tl.zeros((BLOCK,), tl.int32)
        for back in tl.static_range(NGRAM):
            going = going & (end - 1 - back >= 0)
            token = tl.load(text + end - 1 - back, going, -1)
            going = going & (token == tl.load(text + tl.maximum(root - back, 0)))
            length += going.to(tl.int32)
        best = tl.maximum(best, tl.where(length > 0, length * CONTEXT + end, 0))
    score = tl.max(best, 0)
    start = score % CONTEXT
    i = tl.arange(0, PADDED)
    found = score > 0
    count = tl.where(found, tl.minimum(nodes, ROWS - 1), 0)
    # A copy that runs into the text it is about to write goes round in a loop.
    period = tl.maximum(root + 1 - start, 1)
    token = tl.load(text + start + (i - 1) % period, (i > 0) & (i <= count), 0)
    token = tl.where(i == 0, tl.load(text + root), token)
    tl.store(tokens_ptr + batch * ROWS + i, token, i <= count)
    tl.store(parents_ptr + batch * ROWS + i, i - 1, i <= count)
    tl.store(counts_ptr + batch, count + 1)
    tl.store(matched_ptr + batch, score // CONTEXT)


def lookup(text: torch.Tensor, lengths: torch.Tensor, tokens: torch.Tensor, parents: torch.Tensor, counts: torch.Tensor,
           matched: torch.Tensor, ngram: int, nodes: int) -> None:
    """Draft what followed the last tokens where they last occurred; the longest match wins.

    text: int32 (batch, context), known up to and including text[lengths], the root. tokens, parents: int32 (batch,
    rows), a chain behind the root; counts: real rows, 1 where nothing matched; matched: tokens of the match, all int32
    (batch,). ngram: longest match looked for; nodes: tokens drafted.
    """
    batch, rows = tokens.shape
    launch(_lookup, (batch,), text, lengths, tokens, parents, counts, matched, nodes, CONTEXT=text.shape[1], ROWS=rows,
           PADDED=next_power(rows), NGRAM=ngram, BLOCK=1024, warps=4)


def lookup_reference(text: list[int], ngram: int, nodes: int) -> tuple[list[int], int]:
    """Tokens drafted after `text`, and the length of the match."""
    for length in range(min(ngram, len(text) - 1), 0, -1):
        for end in range(len(text) - 1, length - 1, -1):
            if text[end - length : end] == text[-length:]:
                return [text[end + i % (len(text) - end)] for i in range(nodes)], length
    return [], 0
