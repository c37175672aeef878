"""An answer as every engine's file reads it, and the trace that follows from it.

The steps of a chain of drafts: a pass that accepted a of d drafts wrote a + 1 tokens. Which tokens were rejected no
server tells, so those nodes hold UNKNOWN; nothing here is guessed.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field

from mtpviz.trace import UNKNOWN, Node, Row, Run, Step


@dataclass(frozen=True)
class Token:
    """A generated token. id: UNKNOWN where it is not told. text: what it adds to the text, "" within a character that
    a later token completes. piece: its own text where that is known apart from its place. prob: the target's."""

    id: int
    text: str
    piece: str = ""
    prob: float | None = None


@dataclass(frozen=True)
class Pass:
    """A pass of the target. ms: when its tokens arrived, since the request. drafted: None where it is not told. With
    `untold`, `accepted` is not certain either, for the reason given."""

    ms: float
    drafted: int | None
    accepted: int
    untold: str = ""


@dataclass
class Answer:
    """All that came back. tokens: the first is the prefill's, at `first_ms`; the others follow from the passes in
    order, `accepted` + 1 each, and the last pass may be cut. prompt: ids of the prompt, UNKNOWN where not told. reason:
    as in Trace.end, "" where the stream broke off. counts, passes_told: as in Run.server."""

    tokens: list[Token] = field(default_factory=list)
    passes: list[Pass] = field(default_factory=list)
    first_ms: float = 0.0
    prompt: list[int] = field(default_factory=list)
    reason: str = ""
    counts: dict = field(default_factory=dict)
    passes_told: int | None = None


def begin(run: Run, answer: Answer) -> None:
    """Note the prompt's tokens, the first token and the pieces."""
    run.prompt_tokens, run.prefill_ms = answer.prompt, answer.first_ms
    names = _Names(run.pieces)
    answer.tokens = [names.named(token) for token in answer.tokens]
    run.first, run.first_text = answer.tokens[0].id, answer.tokens[0].text
    run.server["counts"], run.server["passes"] = answer.counts, answer.passes_told


def steps(run: Run, answer: Answer) -> list[Step]:
    """The steps that follow from the answer's passes, after `begin`."""
    made: list[Step] = []
    at, together = 1, [entry.ms for entry in answer.passes]
    for entry in answer.passes:
        tokens = answer.tokens[at : at + entry.accepted + 1]
        known = tokens + [Token(UNKNOWN, "")] * (entry.accepted + 1 - len(tokens))  # behind the cut: accepted, not sent
        count = entry.accepted if entry.drafted is None else max(entry.drafted, entry.accepted)
        ids = [token.id for token in known[: entry.accepted]] + [UNKNOWN] * (count - entry.accepted)
        nodes = [Node(token, index - 1, index + 1) for index, token in enumerate(ids)]
        for node, token in zip(nodes, known[: entry.accepted], strict=False):
            node.target_prob = token.prob
        rows = [Row(token.id, token.prob) for token in known] + [Row(UNKNOWN) for _ in range(count - entry.accepted)]
        notes = {"untold": entry.untold or "drafts"} if entry.untold or entry.drafted is None else {}
        if (merged := together.count(entry.ms)) > 1:
            notes["merged"] = merged
        made.append(Step(len(made), len(run.prompt_tokens) + at - 1, answer.tokens[at - 1].id, nodes, rows,
                         list(range(entry.accepted)), known[-1].id, [token.id for token in tokens],
                         [token.text for token in tokens], {}, entry.ms, notes))
        at += len(tokens)
    return made


def probability(logprob: object) -> float | None:
    """exp of a finite log-probability that is none above 0."""
    return math.exp(min(0.0, logprob)) if isinstance(logprob, int | float) and math.isfinite(logprob) else None


class _Names:
    """Gives tokens without an id one by their text, and notes every token's piece."""

    def __init__(self, pieces: dict[int, str]):
        self.pieces, self.by_text = pieces, {}
        pieces[UNKNOWN] = "?"

    def named(self, token: Token) -> Token:
        piece = token.piece or token.text
        if token.id >= 0:
            if piece or token.id not in self.pieces:
                self.pieces[token.id] = piece or "\ufffd"
            return token
        if not piece:
            return token
        number = self.by_text.setdefault(piece, UNKNOWN - 1 - len(self.by_text))
        self.pieces[number] = piece
        return Token(number, token.text, piece, token.prob)
