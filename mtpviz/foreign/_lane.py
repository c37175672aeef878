"""A lane made of counts: how many drafts each pass accepted, and of how many, where that is told."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from mtpviz.trace import UNKNOWN, Node, Row, Run, Step, Trace

BLANK = "? "  # a token of which no text is told
LONGEST = 1024  # drafts of one pass: more is no speculative decoding that we know


@dataclass(frozen=True)
class Token:
    """A generated token, as far as the file tells it."""

    id: int = UNKNOWN
    text: str = BLANK


@dataclass(frozen=True)
class Pass:
    """A pass of the target: the tokens it wrote are its accepted drafts and one more. drafted: None where not told."""

    accepted: int
    drafted: int | None

    def __post_init__(self):
        if not isinstance(self.accepted, int) or not 0 <= self.accepted <= LONGEST:
            raise ValueError(f"a pass accepts {self.accepted!r} drafts")
        if self.drafted is not None and not self.accepted <= self.drafted <= LONGEST:
            raise ValueError(f"a pass accepts {self.accepted} of {self.drafted!r} drafts")


def lane(run: Run, passes: Sequence[Pass], tokens: Sequence[Token], ms: float, end: dict) -> Trace:
    """The trace of these passes over these tokens, after the prefill's own: the last pass is cut where they end. ms: of
    all passes, which share it evenly. `end` as in Trace."""
    steps: list[Step] = []
    at, root, each = 0, run.first, ms / max(1, len(passes))
    run.pieces.setdefault(UNKNOWN, BLANK.strip())
    for token in tokens:
        run.pieces.setdefault(token.id, token.text.strip() if token.text == BLANK else token.text)
    for entry in passes:
        mine = list(tokens[at : at + entry.accepted + 1])
        known = mine + [Token()] * (entry.accepted + 1 - len(mine))
        count = entry.accepted if entry.drafted is None else entry.drafted
        ids = [token.id for token in known[: entry.accepted]] + [UNKNOWN] * (count - entry.accepted)
        rows = [Row(token.id) for token in known] + [Row(UNKNOWN) for _ in range(count - entry.accepted)]
        nodes = [Node(id, depth, depth + 2) for depth, id in enumerate(ids, -1)]
        steps.append(Step(len(steps), len(run.prompt_tokens) + at, root, nodes, rows, list(range(entry.accepted)),
                          known[-1].id, [token.id for token in mine], [token.text for token in mine], {},
                          round(run.prefill_ms + each * (len(steps) + 1), 4),
                          {"untold": "drafts"} if entry.drafted is None else {}))
        at, root = at + len(mine), known[-1].id
    return Trace(run, steps, end)


def named(texts: Sequence[str]) -> list[Token]:
    """Tokens of which the text alone is told: equal texts are one token, numbered downwards from below UNKNOWN."""
    numbers: dict[str, int] = {}
    return [Token(numbers.setdefault(text, UNKNOWN - 1 - len(numbers)), text) for text in texts]


def whole(value: object, what: str) -> int:
    """The value if it is a whole number from 0; a ValueError that says `what` if not."""
    if not isinstance(value, int) or isinstance(value, bool) or not 0 <= value < 2**31:
        raise ValueError(f"{what} is {value!r}")
    return value
