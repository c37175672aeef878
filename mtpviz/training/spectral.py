"""A first embedding from the corpus's own statistics: neighbouring tokens, factored.

A run of a few million tokens visits most of the vocabulary a few dozen times, too seldom to learn an
embedding by gradient alone; counting pairs of neighbours in the corpus takes seconds. Factoring
positive pointwise mutual information by a truncated singular value decomposition is Levy and Goldberg 2014
(Neural Word Embedding as Implicit Matrix Factorization), section 5.2.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import torch
from torch import Tensor

from mtpviz.training.module import EMBEDDING_STD, MultiTokenDecoder

OVERSAMPLING = 16
POWER_STEPS = 3


@torch.no_grad()
def start_embedding(
    model: MultiTokenDecoder, arrays: Mapping[str, np.ndarray], mix: Mapping[str, float]
) -> None:
    """Overwrite the embedding of an untrained `model` with the spectral one, scaled by `EMBEDDING_STD`."""
    weight = model.model.embed_tokens.weight
    weight.copy_(EMBEDDING_STD * spectral_embedding(arrays, mix, *weight.shape))


def spectral_embedding(
    arrays: Mapping[str, np.ndarray],
    mix: Mapping[str, float],
    vocab_size: int,
    width: int,
    *,
    max_tokens: int = 24_000_000,
    min_count: int = 2,
) -> Tensor:
    """Embedding (vocab_size, width) float32 with rows of unit mean square, from the first tokens of each
    domain.

    A token's row is its left factor (what follows it), its right factor (what it follows), both of width / 2
    - 1, its standardised log frequency, and a one. Tied to the unembedding, a linear map from left to right
    factors is then a bigram model. `max_tokens` are split over the domains by `mix`.
    """
    parts = [tokens[: int(mix[domain] / sum(mix.values()) * max_tokens)] for domain, tokens in arrays.items()]
    u, v, count = count_pairs(np.concatenate(parts), vocab_size)
    total = np.bincount(v, count, vocab_size)
    first = np.bincount(u, count, vocab_size)
    information = np.maximum(0.0, np.log(count * count.sum() / (first[u] * total[v])))
    seen = count >= min_count
    left, right = factor(u[seen], v[seen], information[seen], vocab_size, width // 2 - 1)
    frequency = torch.from_numpy(np.log(total + 1.0)).float()
    frequency = (frequency - frequency.mean()) / (frequency.std() + 1e-6)
    return torch.cat(
        [unit_rows(left), unit_rows(right), frequency[:, None], torch.ones(vocab_size, 1)], dim=1
    )


def count_pairs(tokens: np.ndarray, vocab_size: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """The distinct pairs (this, next) in `tokens` (N,) uint16, and how often each occurs: three int64 arrays
    (P,).
    """
    keys, counts = np.unique(tokens[:-1].astype(np.int64) * vocab_size + tokens[1:], return_counts=True)
    return keys // vocab_size, keys % vocab_size, counts


def factor(
    u: np.ndarray, v: np.ndarray, values: np.ndarray, size: int, rank: int, seed: int = 0
) -> tuple[Tensor, Tensor]:
    """Left and right factors (size, rank) whose product best approximates the sparse matrix with `values` at
    (u, v).

    Randomised subspace iteration (Halko, Martinsson and Tropp 2011, algorithm 4.4).
    """
    entries = torch.from_numpy(values).float()
    places = torch.from_numpy(np.stack([u, v]))
    matrix = torch.sparse_coo_tensor(places, entries, (size, size), check_invariants=True).coalesce()
    transposed = matrix.T.coalesce()
    rank_drawn = min(size, rank + OVERSAMPLING)
    basis = torch.randn(size, rank_drawn, generator=torch.Generator().manual_seed(seed))
    for _ in range(POWER_STEPS):
        basis = torch.linalg.qr(transposed @ torch.linalg.qr(matrix @ basis)[0])[0]
    left, strength, turn = torch.linalg.svd(matrix @ basis, full_matrices=False)
    scale = strength[:rank].sqrt()
    return left[:, :rank] * scale, (basis @ turn.T)[:, :rank] * scale


def unit_rows(rows: Tensor) -> Tensor:
    """Rows of unit mean square; empty ones, of tokens without neighbours, stay zero."""
    return rows / rows.square().mean(dim=1, keepdim=True).clamp_min(1e-8).sqrt()
