"""Random numbers that belong to a place, not to a moment: u(seed, position, stream).

Philox 4x32 with 10 rounds (Salmon et al. 2011, "Parallel random numbers: as easy as 1, 2, 3"), the generator that
Triton's `tl.philox` computes, so a seed gives the same text on every run, under every strategy and on every device.
"""

from __future__ import annotations

import numpy as np

from mtpviz.kernels.compiler import numba

SAMPLE = 0  # stream of the token that the target draws at a position
DRAFT = 1  # streams DRAFT + i: the i-th sibling that a draft draws there
ACCEPT = 1024  # streams ACCEPT + i: the acceptance test of the i-th sibling

_M0, _M1 = np.uint64(0xD2511F53), np.uint64(0xCD9E8D57)
_W0, _W1 = np.uint64(0x9E3779B9), np.uint64(0xBB67AE85)
_LOW = np.uint64(0xFFFFFFFF)


@numba.njit(cache=True)
def philox(seed, c0, c1, c2, c3):
    """First output word, uint32, of the block (c0, c1, c2, c3) under the 64-bit seed."""
    high = np.uint64(32)
    k0, k1 = np.uint64(seed) & _LOW, np.uint64(seed) >> high
    x0, x1, x2, x3 = np.uint64(c0), np.uint64(c1), np.uint64(c2), np.uint64(c3)
    for _ in range(10):
        a, b = x0 * _M0, x2 * _M1
        x0, x1, x2, x3 = (b >> high) ^ x1 ^ k0, b & _LOW, (a >> high) ^ x3 ^ k1, a & _LOW
        k0, k1 = (k0 + _W0) & _LOW, (k1 + _W1) & _LOW
    return np.uint32(x0)


def uniform(seed: int, position: int, stream: int = SAMPLE) -> float:
    """A number in [0, 1) with 24 random bits that depends on its three arguments alone."""
    return (int(philox(seed, position, stream, 0, 0)) >> 8) * 2.0**-24
