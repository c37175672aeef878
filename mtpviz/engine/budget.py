"""What a node is worth: the rule by which the `auto` tree chooses its size and depth.

A step yields E tokens in C milliseconds. With r = E / C at the best choice, one more node pays if and only if its
chance of being accepted divided by what it costs exceeds r (Dinkelbach 1967, "On nonlinear fractional programming").
r is not known beforehand; the lane's own recent rate stands for it, so the rule finds it while it runs. Costs are
measured on this machine.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

_FORGET = 0.9  # weight of the past in the running means
MEASURED_ROWS = (1, 2, 3, 4, 6, 8, 12, 16, 24, 32, 48, 64)


class PassCost:
    """Milliseconds of a target pass over n rows: measured at a few n, straight lines between them."""

    def __init__(self, rows: tuple[int, ...], ms: list[float]):
        self.rows, self.ms = np.array(rows), np.maximum.accumulate(np.array(ms))
        self._table = np.interp(np.arange(rows[-1] + 2), self.rows, self.ms).tolist()  # asked for once a node

    @staticmethod
    def measure(run: Callable[[int], float], rounds: int = 4) -> PassCost:
        """run(n) makes a pass over n rows and returns its milliseconds.

        Every n runs three times on end, as in decoding: after a pass of another size the caches hold other lines, and
        the next one is slower. The least of all counts, since another process only ever adds to a time; rounds go over
        all n, so that a disturbance does not meet one n alone.
        """
        run(MEASURED_ROWS[-1])
        times = [[min(run(rows) for _ in range(3)) for rows in MEASURED_ROWS] for _ in range(rounds)]
        return PassCost(MEASURED_ROWS, np.min(times, axis=0).tolist())

    def __call__(self, rows: int) -> float:
        """Milliseconds of a pass over `rows` rows; beyond the largest measured count, those of that count."""
        return self._table[min(rows, len(self._table) - 1)]


class Budget:
    """The running rate of one lane and the price of one more node.

    observe() after each step; `pays(chance, draft_ms, rows)` before each node. `trust` corrects the draft's own
    probabilities by how often such nodes were in fact accepted.
    """

    def __init__(self, cost: PassCost):
        self.cost = cost
        self.tokens, self.ms = 1.0, cost(1)  # as if next-token prediction had run one step
        self.draft_ms = 0.0  # of one draft call
        self.predicted, self.accepted = 1.0, 1.0
        self.top_prob = 0.6  # of the best child of a node that was expanded

    @property
    def rate(self) -> float:
        """Tokens per millisecond of the recent steps, never below next-token prediction's."""
        return max(self.tokens / self.ms, 1.0 / self.cost(1))

    @property
    def trust(self) -> float:
        """Accepted nodes per node that the draft's probabilities promised, of the recent steps, at most 1.25."""
        return min(self.accepted / self.predicted, 1.25)

    def pays(self, chance: float, rows: int, draft_ms: float = 0.0) -> bool:
        """Whether a node that the draft gives `chance` (of its whole path) is worth `draft_ms` of drafting and one
        more row in a pass that has `rows` rows without it."""
        price = draft_ms + self.cost(rows + 1) - self.cost(rows)
        return chance * self.trust > price * self.rate

    def observe(self, tokens: int, ms: float, promised: float, accepted: int) -> None:
        """Take in a step: tokens committed, its whole time, the sum of its nodes' chances, the nodes accepted."""
        self.tokens = _FORGET * self.tokens + tokens
        self.ms = _FORGET * self.ms + ms
        self.predicted = _FORGET * self.predicted + promised
        self.accepted = _FORGET * self.accepted + accepted

    def observe_draft(self, ms: float) -> None:
        """Take in the time of one draft call."""
        self.draft_ms = ms if self.draft_ms == 0.0 else _FORGET * self.draft_ms + (1 - _FORGET) * ms

    def observe_top(self, prob: float) -> None:
        """Take in how sure the draft was of its best child, after it was asked: the guess for the next call."""
        self.top_prob = _FORGET * self.top_prob + (1 - _FORGET) * prob
