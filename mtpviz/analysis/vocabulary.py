"""What a draft with a cut vocabulary can and cannot say: the text's tokens within the most frequent ones of a language.

A ranking is a list of token ids by falling frequency; its first n are the sub-vocabulary of size n (FR-Spec, Zhao et
al. 2025; FastMTP, arXiv 2509.18362, section 3.3).
"""

from __future__ import annotations

from collections.abc import Sequence

from mtpviz.trace import Trace


def places(ranking: Sequence[int]) -> dict[int, int]:
    """Each id's place in the ranking, from 0."""
    return {token: place for place, token in enumerate(ranking)}


def coverage(tokens: Sequence[int], ranking: Sequence[int], sizes: Sequence[int]) -> list[float]:
    """Share of the tokens that lie within the first n of the ranking, for each size n; 1.0 without tokens."""
    order = places(ranking)
    found = [order.get(token, len(ranking)) for token in tokens]
    return [sum(place < min(size, len(ranking)) for place in found) / len(found) if found else 1.0 for size in sizes]


def outside(tokens: Sequence[int], ranking: Sequence[int], size: int) -> list[int]:
    """Where in the text the tokens stand that the first `size` of the ranking do not hold."""
    kept = set(ranking[:size])
    return [index for index, token in enumerate(tokens) if token not in kept]


def tau_within(trace: Trace, ranking: Sequence[int], size: int) -> float:
    """Tokens per pass that the run's own drafts would have given, had every accepted draft outside the first `size`
    been a miss. A draft that cannot say a token offers another in its place, so a run of this size may do a little
    better; it is a reading of this run, not a measurement of that one. 0.0 without steps."""
    kept, total = set(ranking[:size]), 0
    for step in trace.steps:
        total += 1
        for node in step.accepted:
            if step.nodes[node].token not in kept:
                break
            total += 1
    return total / len(trace.steps) if trace.steps else 0.0


def measured_sizes(traces: Sequence[Trace], trace: Trace) -> list[tuple[int, float]]:
    """(tokens scored, tau) of the lanes that ran the same strategy on the same prompt and model, by size."""
    found = {}
    for other in traces:
        size = other.run.settings.get("vocab_size")
        same = (other.run.strategy, other.run.prompt, other.run.model.get("name")) == (
            trace.run.strategy, trace.run.prompt, trace.run.model.get("name"))
        if same and isinstance(size, int) and other.steps:
            found[size] = other.tau
    return sorted(found.items())
