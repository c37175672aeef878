"""`auto` on a device: which of a few shapes yields the most tokens per millisecond, as the last steps tell it.

Rows are cheap on a GPU and levels of drafting are not, so depth is what is chosen. r_d, the share of steps whose first
d drafted levels were accepted, gives the tokens of a step of depth d as 1 + r_1 + ... + r_d.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence

from mtpviz.engine.budget import PassCost
from mtpviz.engine.device.drafter import Shape
from mtpviz.trace import Step

_FORGET = 0.85  # weight of the past; a lane has some tens of steps
_GUESS = 0.7  # acceptance of one more level, before anything was seen
_PROBE = 12  # steps without a draft until one is tried
IDLE = _PROBE + 3  # room for what such steps commit, a row each, in a drafter that reads it only when it drafts


class Auto:
    """Chooses among `shapes`. cost: of a target pass by rows, for shapes that have not been timed. free: whether a
    further level costs no more drafting."""

    def __init__(self, shapes: Sequence[Shape], cost: PassCost, free: bool):
        self.shapes, self.cost, self.free = sorted(shapes, key=lambda shape: shape.depth), cost, free
        deepest = self.shapes[-1].depth
        self.rates = [_GUESS**depth for depth in range(deepest + 1)]
        self.ms: dict[Shape, float] = {}
        self.draft_ms = cost(1) / 4  # of drafting one level, or all where they are free; until it was measured
        self.flying: deque[Shape] = deque()
        self.idle = 0

    def choose(self) -> Shape:
        """The shape of the step that is launched now."""
        best = max(self.shapes, key=lambda shape: self._tokens(shape) / self._ms(shape))
        if self.idle >= _PROBE:
            best = next(shape for shape in self.shapes if shape.depth)
        self.idle = 0 if best.depth else self.idle + 1
        self.flying.append(best)
        return best

    def _tokens(self, shape: Shape) -> float:
        return 1.0 + sum(self.rates[1 : shape.depth + 1])

    def _ms(self, shape: Shape) -> float:
        return self.ms.get(shape) or self.cost(shape.rows) + self._passes(shape) * self.draft_ms

    def _passes(self, shape: Shape) -> int:
        return min(shape.depth, 1) if self.free else shape.depth

    def observe(self, step: Step) -> None:
        """Take in a finished step."""
        shape, accepted, rates = self.flying.popleft(), len(step.accepted), self.rates
        for depth in range(1, len(rates)):
            if depth <= shape.depth:
                seen = float(accepted >= depth)
            else:  # not tried: as likely as the last level that was, given the one above; so deeper ones get their try
                last = shape.depth
                seen = rates[depth - 1] * (rates[last] / max(rates[last - 1], 0.01) if last else _GUESS)
            rates[depth] = _FORGET * rates[depth] + (1 - _FORGET) * min(seen, 1.0)
        took = sum(ms for phase, ms in step.time_ms.items() if phase != "host")
        self.ms[shape] = took if shape not in self.ms else _FORGET * self.ms[shape] + (1 - _FORGET) * took
        if shape.depth:
            spent = step.time_ms["draft"] / self._passes(shape)
            self.draft_ms = _FORGET * self.draft_ms + (1 - _FORGET) * spent
