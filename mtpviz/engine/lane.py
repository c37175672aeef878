"""What a decoder asks of a device: run the prompt, take a step, tell what the target thought of it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

from mtpviz.engine.tree import TokenTree
from mtpviz.engine.verify import Verdict
from mtpviz.trace import Node, Row


@dataclass(frozen=True)
class Outcome:
    """A step as it came out. position, root: of the pass's first row. times: milliseconds of draft, verify and commit,
    and of host where the lane knows it itself (a device that waited)."""

    position: int
    root: int
    tree: TokenTree
    verdict: Verdict
    times: dict[str, float]


class Lane(Protocol):
    """One sequence under one strategy on one device (engine/host.py, engine/device/lane.py)."""

    def prefill(self) -> tuple[int, float]:
        """Run the prompt; the first token, and the milliseconds until it was known."""

    def ready(self) -> None:
        """What is to be done between the first token and the first step; no reader waits for it."""

    def step(self, left: int) -> Outcome:
        """One pass of the loop. left: tokens that may still be drafted, the bonus token not counted."""

    def describe(self, record: bool) -> tuple[list[Node], list[Row]]:
        """Nodes and rows of the last step for the trace; with probabilities and alternatives if `record`. Not on the
        lane's clock."""

    def spent(self, seconds: float) -> None:
        """Take note of the host's own work on the last step: a device may have waited for it."""


def nodes_of(tree: TokenTree) -> list[Node]:
    """The tree's nodes as a trace has them, the target's probabilities left open."""
    columns = zip(tree.tokens, tree.parents, tree.sources, tree.probs, strict=True)
    return [Node(int(token), int(parent), int(source), None if prob != prob else float(prob))
            for token, parent, source, prob in columns]
