"""What a node is worth: how the `auto` tree chooses its size and depth, and whether to draft at all.

A step yields E tokens in C milliseconds. With r = E / C at the best choice, the best tree is the one that maximises
E - r C (Dinkelbach 1967, "On nonlinear fractional programming"), so a millisecond costs r tokens. r is not known
beforehand; the lane's own recent rate stands for it, so the rule finds it while it runs. Costs are measured here.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import NamedTuple

import numpy as np

from mtpviz.kernels.compiler import numba
from mtpviz.trace import Step

MEASURED_ROWS = (1, 2, 3, 4, 5, 6, 8, 9, 12, 16, 17, 24, 32, 64)
_RATE_FORGET = 0.95  # weight of the past in the running rate
_COST_STEP = 0.2  # weight of the newest time in the running costs
_ODDS_STEP = 0.4  # by how much one surprise moves the logarithm of the odds
_MODE_ODDS = 2.5  # greedy: the target's first choice is the draft's more often than the draft's probability says
_GAIN_FORGET = 0.88  # an attempt, of what attempts gained
_MOST_GAIN = 2.0  # that one attempt may count for: a good stretch must not excuse a long bad one
_DOUBT = 0.7  # tokens that the gain of one attempt says too little by: of n attempts their mean says so / sqrt(n)
_SURE_FORGET = 0.9  # a step, of how sure the target was
_USUAL_BEGIN = 0.4  # of a step without drafting, what it takes to begin a draft, until that is known
_LOSS = 0.01  # share of the time that may go into finding out that drafting still does not pay
_SHORTEST_PAUSE, _LONGEST_PAUSE = 4, 256  # steps; each pause in a row may be twice as long as the last


class Prices(NamedTuple):
    """What compiled code asks of a Budget. odds: fp64 (depths, 2), Budget's. least: the chance above which a node can
    pay for its row. rows: fp64, tokens that a pass over 0, 1, 2, ... rows costs. call: tokens that a draft call costs.
    """

    odds: np.ndarray
    least: float
    rows: np.ndarray
    call: float


@numba.njit(cache=True, nogil=True)
def chance_of(odds, depth, rank, prob):
    """The chance that the draft's candidate of that rank is accepted if its parent is, by its probability and by what
    became of others at this depth (the deepest that is known of, for deeper ones)."""
    if prob >= 1.0:
        return 1.0
    scaled = odds[min(depth, odds.shape[0]) - 1, 1 if rank > 0 else 0] * prob
    return scaled / (1.0 - prob + scaled)


@numba.njit(cache=True, nogil=True)
def worth(chances, count, rows):
    """How many of the first `count` chances (best first) to verify, and what they gain in tokens, their rows paid by
    Prices.rows."""
    best, gain, total = 0, 0.0, 0.0
    for n in range(1, count + 1):
        total += chances[n - 1]
        value = total - (rows[n + 1] - rows[1])
        if value > gain:
            best, gain = n, value
    return best, gain


class PassCost:
    """Milliseconds of a target pass over n rows: measured at a few n, straight lines between them."""

    def __init__(self, rows: tuple[int, ...], ms: list[float]):
        # A pass over more rows is never cheaper, and a disturbance only ever adds: what more rows took bounds fewer.
        self.rows, self.ms = np.array(rows), np.minimum.accumulate(np.array(ms)[::-1])[::-1]
        table = np.interp(np.arange(rows[-1] + 2), self.rows, self.ms)
        self.table = table
        self.slopes = [float(min((table[n + 1 : rows[-1] + 1] - table[n]) / np.arange(1, rows[-1] + 1 - n)))
                       for n in range(rows[-1])]

    @staticmethod
    def measure(run: Callable[[int], float], rounds: int = 4) -> PassCost:
        """run(n) makes a pass over n rows and returns its milliseconds.

        Every n runs six times on end, as in decoding: after a pass of another size the caches hold other lines, and
        the next ones are slower. The least of all counts, since another process only ever adds to a time; rounds go
        over all n, so that a disturbance does not meet one n alone.
        """
        run(MEASURED_ROWS[-1])
        times = [[min(run(rows) for _ in range(6)) for rows in MEASURED_ROWS] for _ in range(rounds)]
        return PassCost(MEASURED_ROWS, np.min(times, axis=0).tolist())

    def __call__(self, rows: int) -> float:
        """Milliseconds of a pass over `rows` rows; beyond the largest measured count, those of that count."""
        return float(self.table[min(rows, len(self.table) - 1)])

    def slope(self, rows: int) -> float:
        """The least that a further row can cost on average, in milliseconds, in a pass that has `rows` rows."""
        return self.slopes[min(rows, len(self.slopes) - 1)]


class Budget:
    """What a lane has learnt of its costs, its rate, and how far its draft's probabilities can be trusted.

    rate: tokens per millisecond of the recent steps, never below next-token prediction's (1 / plain_ms). scale:
    milliseconds of the lane's own passes per millisecond of `cost`. begin_ms: of what drafting takes before the first
    node; call_ms: of each further call of the draft. top_prob: of the best child of a node that was expanded. odds:
    fp64 (depths, 2), by depth from 1, what the odds of the draft's first candidate, and of its others, are to be
    multiplied with.
    """

    def __init__(self, cost: PassCost, temperature: float = 1.0):
        self.cost = cost
        self.scale, self.rest_ms, self.begin_ms, self.call_ms, self.top_prob = 1.0, 0.0, 0.0, 0.0, 0.6
        self._plain_ms: float | None = None
        self._forget_rate()
        self.odds = np.array([[_MODE_ODDS ** (1.0 - min(temperature, 1.0)), 1.0]])
        self.gain, self.attempts = 0.7, 1.0  # tokens that recent attempts gained, and how many there were
        self.surely, self.drawn = 1.2, 2.0  # how sure the target was of late, summed, and how often it was asked
        self.pause = 0  # steps for which nothing is drafted
        self._pause_limit = _SHORTEST_PAUSE  # one disturbed time must not stop drafting for long
        self._first, self._expected = False, 0.0  # of the step that is not finished

    @property
    def plain_ms(self) -> float:
        """Milliseconds of a step that drafts nothing: of this lane's own, once there were any."""
        return self.cost(1) + self.rest_ms if self._plain_ms is None else self._plain_ms

    def chance(self, depth: int, rank: int, prob: float) -> float:
        """`chance_of` with what was learnt here."""
        return chance_of(self.odds, depth, rank, prob)

    def prices(self) -> Prices:
        """In tokens, at the present rate."""
        price = self.rate * self.scale
        return Prices(self.odds, price * self.cost.slope(1), price * self.cost.table, self.rate * self.call_ms)

    def pays(self, chance: float, rows: int) -> bool:
        """Whether a node that is accepted with `chance`, and others as likely, can pay for their rows in a pass that
        has `rows` rows without them."""
        return chance > self.rate * self.scale * self.cost.slope(rows)

    def best(self, chances: Sequence[float]) -> tuple[int, float]:
        """How many nodes of these chances (best first) to verify, and what they gain in tokens, rows paid."""
        return worth(np.array(chances, np.float64), len(chances), self.rate * self.scale * self.cost.table)

    def step_ms(self, nodes: int, calls: int) -> float:
        """Milliseconds that a step of this lane takes with a tree of `nodes` and `calls` further calls of the draft."""
        return self.begin_ms + calls * self.call_ms + self.scale * self.cost(nodes + 1) + self.rest_ms

    def drafts(self, sure: float | None) -> bool:
        """Whether to draft at this step; asked once a step. sure: Verdict.sure of the last one.

        A drafted token that the target draws for itself is accepted with the probability m of its most probable one at
        best, so a path of them is m + m^2 + ... long: where that, by the target of late, is less than it costs to begin
        a draft, there is no need to try. And where attempts of late have taken longer than their tokens would have
        without them, nothing is drafted for as many steps as hold the loss of the next attempt down to _LOSS of their
        time.
        """
        if sure is not None:
            self.surely = _SURE_FORGET * self.surely + sure
            self.drawn = _SURE_FORGET * self.drawn + 1.0
            begin = self.begin_ms / self.plain_ms if self.begin_ms else _USUAL_BEGIN
            if self.surely < begin * (self.drawn - self.surely):
                return False
        if self.pause > 0:
            self.pause -= 1
            if self.pause == 0:  # the rate before the pause is no longer what can be had
                self._forget_rate()
        return self.pause == 0

    def _forget_rate(self) -> None:
        # As if next-token prediction had run 5 steps.
        self.tokens, self.ms, self.rate = 5.0, 5.0 * self.plain_ms, 1.0 / self.plain_ms

    def observe_begin(self, ms: float, first: bool, usual: bool) -> None:
        """Take in the time until the root's children were known. first: with the prompt to read, which is paid once.
        usual: with the last step's tokens to read, not with those of a pause."""
        if usual:
            self.begin_ms += (_COST_STEP if self.begin_ms else 1.0) * (ms - self.begin_ms)
        self._first = first

    def observe_calls(self, ms: float, calls: int) -> None:
        """Take in the time of `calls` further calls of the draft."""
        for _ in range(calls):
            self.call_ms += (_COST_STEP if self.call_ms else 1.0) * (ms / calls - self.call_ms)

    def observe_tree(self, nodes: float) -> None:
        """Take in how many nodes of a tree are expected to be accepted."""
        self._expected = nodes

    def observe_plain(self, step: Step) -> None:
        """Take in a finished step that drafted nothing."""
        ms = sum(step.time_ms.values()) - (step.time_ms["draft"] if self._plain_ms is None else 0.0)
        self._plain_ms = ms if self._plain_ms is None else self._plain_ms + _COST_STEP * (
            min(ms, 2 * self._plain_ms) - self._plain_ms)

    def observe(self, step: Step) -> None:
        """Take in a finished step that drafted: its times, and which of the nodes that could be accepted were."""
        ms, cost = step.time_ms, self.cost(len(step.nodes) + 1)
        self.scale += _COST_STEP * (min(ms["verify"] / cost, 2 * self.scale) - self.scale)
        self.rest_ms += _COST_STEP * (ms["commit"] + ms["host"] - self.rest_ms)
        self.tokens = _RATE_FORGET * self.tokens + len(step.accepted) + 1
        self.ms = _RATE_FORGET * self.ms + sum(ms.values())
        self.rate = max(self.tokens / self.ms, 1.0 / self.plain_ms)
        self._weigh((self._expected + len(step.accepted)) / 2, sum(ms.values()) - self._first * ms["draft"])
        depth_below = {parent: depth for depth, parent in enumerate((-1, *step.accepted), 1)}
        ranks = dict.fromkeys(depth_below, 0)
        for i, node in enumerate(step.nodes):
            if node.parent in depth_below and node.draft_prob is not None:
                self._judge(depth_below[node.parent], ranks[node.parent], node.draft_prob, i in depth_below)
                ranks[node.parent] += 1

    def _weigh(self, accepted: float, ms: float) -> None:
        """Set a pause if attempts do not gain the time that they take."""
        gain = accepted + 1.0 - ms / self.plain_ms
        self.gain = _GAIN_FORGET * self.gain + min(gain, _MOST_GAIN)
        self.attempts = _GAIN_FORGET * self.attempts + 1.0
        if gain >= 0.0:  # what has just paid may well pay again
            self._pause_limit = max(self._pause_limit // 2, _SHORTEST_PAUSE)
        elif self.gain < -_DOUBT * math.sqrt(self.attempts):
            self.pause = 1 + min(self._pause_limit, int(-self.gain / self.attempts / _LOSS))
            self._pause_limit = min(2 * self._pause_limit, _LONGEST_PAUSE)

    def _judge(self, depth: int, rank: int, prob: float, accepted: bool) -> None:
        while len(self.odds) < depth:
            self.odds = np.vstack([self.odds, self.odds[-1]])
        surprise = accepted - self.chance(depth, rank, prob)
        self.odds[depth - 1, int(rank > 0)] *= math.exp(_ODDS_STEP * surprise)
