"""The cost model: what speedup follows from acceptance and from the costs of drafting and verifying.

Costs are ratios to one plain next-token step of the same engine, so they carry no unit and move between devices.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from mtpviz.analysis.lanes import comparable
from mtpviz.trace import Trace


@dataclass(frozen=True)
class Costs:
    """Cost of a speculative step in plain next-token steps: verify (the target's pass over the tree), draft, and
    rest (commit and host). Next-token prediction itself has verify + rest = 1 and draft = 0."""

    verify: float
    draft: float
    rest: float = 0.0

    @property
    def total(self) -> float:
        """Time of one step over the time of one plain step: the tau at which speculation breaks even."""
        return self.verify + self.draft + self.rest

    def speedup(self, tau: float) -> float:
        """Tokens per second over next-token prediction's, at `tau` tokens per step."""
        return tau / self.total


def costs(trace: Trace, base: Trace | None) -> Costs | None:
    """The costs that a lane had, against the next-token lane `base`; None where they cannot be compared or timed.

    `rest` holds whatever the clock counted beside drafting and verifying, so `costs(...).speedup(emitted tokens per
    step)` is the measured speedup to the last digit.
    """
    if not comparable(trace, base) or not trace.steps or trace.decode_ms <= 0 or base.tokens_per_s <= 0:
        return None
    plain = 1000.0 / base.tokens_per_s * len(trace.steps)
    phases = trace.phase_ms()
    rest = trace.decode_ms - phases["verify"] - phases["draft"]
    return Costs(verify=phases["verify"] / plain, draft=phases["draft"] / plain, rest=rest / plain)


def chain_tau(alphas: Iterable[float]) -> float:
    """Expected tokens per step of a chain with conditional acceptance alphas[0] at depth 1, alphas[1] at depth 2, ...

    1 + alpha_1 + alpha_1 alpha_2 + ...; the first term is the bonus token.
    """
    total = reach = 1.0
    for alpha in alphas:
        reach *= alpha
        total += reach
    return total


def leviathan_tau(alpha: float, length: float) -> float:
    """Expected tokens per step of a chain of `length` drafts, each accepted with probability `alpha` independently.

    (1 - alpha^(length + 1)) / (1 - alpha): Leviathan et al. 2023 (arXiv 2211.17192), section 3.1, eq. 1. A mean length
    that is no whole number is interpolated by the same formula.
    """
    if alpha >= 1.0:
        return length + 1.0
    return (1.0 - alpha ** (length + 1.0)) / (1.0 - alpha)


def leviathan_speedup(alpha: float, length: int, draft: float) -> float:
    """Expected speedup where a draft step costs `draft` target passes and a pass over the chain costs one.

    leviathan_tau / (length * draft + 1): Leviathan et al. 2023, theorem 3.8.
    """
    return leviathan_tau(alpha, length) / (length * draft + 1.0)


def best_length(alpha: float, draft: float, longest: int = 64) -> int:
    """The chain length from 0 (do not draft) to `longest` with the highest `leviathan_speedup`; the shortest of
    equals."""
    return max(range(longest + 1), key=lambda length: leviathan_speedup(alpha, length, draft))


def implied_alpha(tau: float, length: float) -> float | None:
    """The i.i.d. acceptance at which a chain of `length` yields `tau`: the inverse of `leviathan_tau`.

    0.0 where tau is 1 or less; None where even full acceptance (tau = length + 1) would not do. Error below 1e-9.
    """
    if tau <= 1.0:
        return 0.0
    if tau > length + 1.0:
        return None
    low, high = 0.0, 1.0
    for _ in range(40):
        middle = (low + high) / 2
        low, high = (middle, high) if leviathan_tau(middle, length) < tau else (low, middle)
    return (low + high) / 2


def pass_ms(rows: float, table: Sequence[tuple[int, float]]) -> float:
    """Time of a target pass over `rows` rows from measured (rows, milliseconds) pairs: linear between neighbours, the
    last slope beyond the last pair, the first time below the first."""
    points = sorted(table)
    if rows <= points[0][0] or len(points) == 1:
        return points[0][1]
    place = next((i for i in range(1, len(points)) if rows <= points[i][0]), len(points) - 1)
    (left, before), (right, after) = points[place - 1], points[place]
    return before + (after - before) * (rows - left) / (right - left)
