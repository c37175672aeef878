"""From logits to a token: the settings, the distribution that they make of the logits, and the draw."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from mtpviz.engine.random import SAMPLE, uniform
from mtpviz.errors import UserError
from mtpviz.kernels.compiler import numba
from mtpviz.kernels.simd import exp, lane_max, lane_sum, load, maximum, splat, store


@dataclass(frozen=True)
class Sampling:
    """temperature: 0 is greedy. top_k: 0 is off. top_p: 1 is off. min_p: 0 is off. seed: of the draws.

    Order as in transformers: temperature, top-k, top-p, min-p. Raises UserError for a value out of range.
    """

    temperature: float = 0.0
    top_k: int = 0
    top_p: float = 1.0
    min_p: float = 0.0
    seed: int = 0

    def __post_init__(self):
        if not (0.0 <= self.temperature <= 10.0 and math.isfinite(self.temperature)):
            raise UserError(f"The temperature is {self.temperature}; it must lie between 0 (greedy) and 10.")
        if self.top_k < 0:
            raise UserError(f"Top-k is {self.top_k}; it must be 0 (off) or a number of tokens.")
        if not 0.0 < self.top_p <= 1.0:
            raise UserError(f"Top-p is {self.top_p}; it must lie above 0 and be at most 1 (off).")
        if not 0.0 <= self.min_p < 1.0:
            raise UserError(f"Min-p is {self.min_p}; it must be at least 0 (off) and below 1.")
        if not 0 <= self.seed < 2**63:
            raise UserError(f"The seed is {self.seed}; it must be a whole number from 0 to 2^63 - 1.")

    @property
    def greedy(self) -> bool:
        """Whether the most probable token is always taken."""
        return self.temperature == 0.0 or self.top_k == 1

    def distribution(self, logits: np.ndarray) -> np.ndarray:
        """Logits (vocab,) fp32 -> probabilities (vocab,) fp32 under these settings; greedy: one-hot."""
        if self.greedy:
            probs = np.zeros(len(logits), np.float32)
            probs[argmax(logits)] = 1.0
            return probs
        probs = softmax(logits, 1.0 / self.temperature)
        if 0 < self.top_k < len(probs):
            probs[probs < np.partition(probs, -self.top_k)[-self.top_k]] = 0.0
        if self.top_p < 1.0:
            _keep_nucleus(probs, self.top_p)
        if self.min_p > 0.0:
            probs[probs < self.min_p * probs.max()] = 0.0
        return probs / probs.sum()

    def choose(self, logits: np.ndarray, position: int) -> int:
        """The token at `position` (absolute) of the sequence: the same for the same logits, seed and position."""
        return self.draw(logits, position)[0]

    def draw(self, logits: np.ndarray, position: int) -> tuple[int, float | None]:
        """`choose`, and the probability of the most probable token; None where greedy decoding asks for none."""
        if self.greedy:
            return argmax(logits), None
        probs = self.distribution(logits)
        return draw(probs, uniform(self.seed, position, SAMPLE)), float(probs.max())


def _keep_nucleus(probs: np.ndarray, top_p: float) -> None:
    """Zero all but the smallest set of most probable tokens whose sum reaches top_p of the whole."""
    nonzero = np.flatnonzero(probs)
    order = nonzero[np.argsort(-probs[nonzero], kind="stable")]
    before = np.cumsum(probs[order], dtype=np.float64)
    before = np.concatenate(([0.0], before[:-1] / before[-1]))
    probs[order[before >= top_p]] = 0.0


def draw(probs: np.ndarray, u: float) -> int:
    """Token at which the running sum of `probs` (any scale) passes u of the whole; u in [0, 1)."""
    sums = np.cumsum(probs, dtype=np.float64)
    token = int(np.searchsorted(sums, u * sums[-1], side="right"))
    return min(token, int(np.flatnonzero(probs)[-1]))


def argmax(logits: np.ndarray) -> int:
    """The most probable token; of equals, the one with the smallest id."""
    return int(logits.argmax())


def softmax(logits: np.ndarray, scale: float = 1.0) -> np.ndarray:
    """softmax(scale * logits), fp32."""
    out = np.empty(len(logits), np.float32)
    _softmax(np.ascontiguousarray(logits), np.float32(scale), out)
    return out


@numba.njit(cache=True, nogil=True)
def _softmax(logits, scale, out):
    whole = logits.shape[0] // 16 * 16
    top = splat(np.float32(-np.inf))
    for i in range(0, whole, 16):
        top = maximum(load(logits, i), top)
    highest = lane_max(top)
    for i in range(whole, logits.shape[0]):
        highest = max(highest, logits[i])
    lane_scale, lane_top = splat(scale), splat(highest)
    sums = splat(np.float32(0.0))
    for i in range(0, whole, 16):
        value = exp((load(logits, i) - lane_top) * lane_scale)
        store(out, i, value)
        sums = sums + value
    total = lane_sum(sums)
    for i in range(whole, logits.shape[0]):
        out[i] = np.exp((logits[i] - highest) * scale)
        total += out[i]
    factor = splat(np.float32(1.0) / total)
    for i in range(0, whole, 16):
        store(out, i, load(out, i) * factor)
    for i in range(whole, logits.shape[0]):
        out[i] *= np.float32(1.0) / total


def top_probs(logits: np.ndarray, count: int) -> tuple[np.ndarray, np.ndarray]:
    """The `count` most probable tokens, best first, and their softmax probabilities."""
    tokens, probs = np.empty(count, np.int64), np.empty(count, np.float32)
    fill_top_probs(np.ascontiguousarray(logits), tokens, probs)
    return tokens, probs


@numba.njit(cache=True, nogil=True)
def fill_top_probs(logits, tokens, probs):
    """Fill tokens and probs (count,) without writing the softmax: one sweep for the maxima, one for the sum."""
    count = tokens.shape[0]
    values = np.full(count, -np.inf, np.float32)
    tokens[:] = 0
    for start in range(0, logits.shape[0], 16):
        stop = min(start + 16, logits.shape[0])
        if stop - start == 16 and lane_max(load(logits, start)) <= values[count - 1]:
            continue
        for i in range(start, stop):
            if logits[i] > values[count - 1]:
                place = count - 1
                while place > 0 and logits[i] > values[place - 1]:
                    values[place], tokens[place] = values[place - 1], tokens[place - 1]
                    place -= 1
                values[place], tokens[place] = logits[i], i
    highest = splat(values[0])
    whole = logits.shape[0] // 16 * 16
    sums = splat(np.float32(0.0))
    for i in range(0, whole, 16):
        sums = sums + exp(load(logits, i) - highest)
    total = lane_sum(sums)
    for i in range(whole, logits.shape[0]):
        total += np.exp(logits[i] - values[0])
    for i in range(count):
        probs[i] = np.exp(values[i] - values[0]) / total
