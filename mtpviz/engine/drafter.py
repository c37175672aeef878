"""What a strategy is to the engine: something that proposes a token tree and is told what became of it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

import numpy as np

from mtpviz.engine.sampling import Sampling
from mtpviz.engine.tree import TokenTree
from mtpviz.errors import UserError

if TYPE_CHECKING:
    from mtpviz.engine.lane import Lane
    from mtpviz.engine.session import Session
    from mtpviz.models.cpu import Cache
    from mtpviz.trace import Step


@dataclass(frozen=True)
class Setting:
    """One setting of a strategy. The default's type is the setting's; a number lies in low..high, a text in choices."""

    default: int | float | str
    about: str
    low: float | None = None
    high: float | None = None
    choices: tuple[str, ...] = ()

    def read(self, name: str, value: object) -> int | float | str:
        """`value`, often a text from a command line, in the setting's type; UserError says what would be right."""
        kind = "whole number" if isinstance(self.default, int) else "number"
        right = f"one of {', '.join(self.choices)}" if self.choices else f"a {kind} from {self.low:g} to {self.high:g}"
        try:
            typed = type(self.default)(value)
        except (TypeError, ValueError):
            raise UserError(f"The setting {name} is {value!r}; it must be {right}.") from None
        if typed not in self.choices if self.choices else not self.low <= typed <= self.high:
            raise UserError(f"The setting {name} is {value!r}; it must be {right}.")
        return typed


@dataclass(frozen=True)
class Features:
    """What the target's pass knew of some rows. normed: fp32 (rows, hidden), after the final norm. taps: fp32 (taps,
    rows, hidden), the residual stream before the layers that the drafter named."""

    normed: np.ndarray
    taps: np.ndarray


class Drafter:
    """A strategy. Subclasses set the class attributes and override `draft`, and `prefill` and `commit` if they keep a
    state; they are made anew for each run.

    name: what the command line calls it. title: its label. blurb: one line on how it works. order: place in lists.
    settings: by name. taps: layers of the target whose input it reads. reads_features: whether `prefill` and `commit`
    want Features (otherwise they get None, and prompts are prefilled without keeping any).
    """

    name: ClassVar[str]
    title: ClassVar[str]
    blurb: ClassVar[str]
    order: ClassVar[int]
    settings: ClassVar[Mapping[str, Setting]] = {}
    taps: tuple[int, ...] = ()
    reads_features: bool = False
    head: dict | None = None  # {"name", "hash", "parameters"} of its weights, for the trace
    peer: bool = False  # whether it is another engine's own decoding (mtpviz/peers)
    rule: str = "match"  # the rule of engine/verify.py that its trees are verified by when sampling

    def __init__(self, session: Session, sampling: Sampling, **settings: object):
        unknown = sorted(set(settings) - set(self.settings))
        if unknown:
            known = ", ".join(self.settings) or "none"
            raise UserError(f"The strategy {self.name} has no setting {unknown[0]!r}; it has {known}.")
        self.session, self.sampling = session, sampling
        self.chosen = {name: s.read(name, settings.get(name, s.default)) for name, s in self.settings.items()}
        self.notes: dict = {}  # what it tells of the step at hand; goes into the trace
        self.sure: float | None = None  # Verdict.sure of the last step

    def lane(self, tokens: list[int], limit: int, record: bool) -> Lane:
        """What runs it on a sequence: the session's lane for its device; a peer brings its own."""
        return self.session.lane(self, self.sampling, tokens, limit, record)

    def join(self, cache: Cache) -> None:
        """Told once, before the prompt: the target's KV cache, for a drafter that runs the target's own layers. Behind
        the committed positions it may write what it likes; the verify pass writes over it."""

    def prefill(self, tokens: np.ndarray, features: Features | None) -> None:
        """Take in the prompt, int64 (n,), whose keys and values the target has committed."""

    def draft(self, root: int, position: int, depth: int) -> TokenTree:
        """Propose what follows `root`, the last token, which stands at `position` and which no model has seen yet.
        No node may lie deeper than `depth` levels."""
        return TokenTree()

    def commit(self, tokens: np.ndarray, accepted: list[int], features: Features | None) -> None:
        """Take in what was committed: the root, then the tokens of the accepted nodes (of the tree that `draft`
        proposed), int64 (a + 1,), and the features of their rows. The bonus token comes as the next root."""

    def observe(self, step: Step) -> None:
        """Take in the finished step with its times: what an adaptive tree learns from."""
