"""What a reader waits for: the first token, and the gaps between tokens."""

from __future__ import annotations

import math
from collections.abc import Sequence

from mtpviz.trace import Trace


def quantile(values: Sequence[float], share: float) -> float | None:
    """The value that `share` of the values do not exceed, interpolated between neighbours; None without values."""
    if not values:
        return None
    ordered = sorted(values)
    place = share * (len(ordered) - 1)
    low = math.floor(place)
    high = min(low + 1, len(ordered) - 1)
    return ordered[low] + (ordered[high] - ordered[low]) * (place - low)


def latency(trace: Trace) -> dict:
    """{"first_token_ms", "inter_token_ms": {"p50", "p95"}} of a lane; None where there is nothing to measure.

    first_token_ms: time of the prefill, which yields the first token. The gaps are those before every later token;
    tokens of one step arrive together, so with tau above 2 the median gap is 0 and the 95th percentile is a step:
    speculation makes bursts.
    """
    first = trace.run.prefill_ms if trace.run.begun else None
    gaps = trace.inter_token_ms()
    return {"first_token_ms": first, "inter_token_ms": {"p50": quantile(gaps, 0.5), "p95": quantile(gaps, 0.95)}}
