"""Random numbers of a place, as engine/random.py makes them: Philox 4x32-10 keyed by (seed, position, stream)."""

from __future__ import annotations

import triton
import triton.language as tl


@triton.jit
def uniform(seed, position, stream):
    """A number in [0, 1) with 24 random bits, fp32. seed: int64; position, stream: int32."""
    zero = position * 0
    word, _, _, _ = tl.philox(seed, position.to(tl.uint32), (zero + stream).to(tl.uint32), zero.to(tl.uint32),
                              zero.to(tl.uint32))
    return (word >> 8).to(tl.float32) * 5.9604644775390625e-08  # 2^-24
