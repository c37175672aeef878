"""Several prompts under one strategy at once, each with its own length and its own acceptance."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np

from mtpviz.engine.drafter import Drafter
from mtpviz.engine.sampling import Sampling
from mtpviz.engine.session import Session
from mtpviz.errors import UserError

_READ = ("kept", "tokens", "path", "bonus")


@dataclass
class Continuation:
    """One prompt's tokens and text, without the prompt, up to a stop token or the limit. accepted: drafted tokens that
    each step of this sequence accepted."""

    tokens: list[int]
    text: str = ""
    accepted: list[int] = field(default_factory=list)


@dataclass
class Batch:
    """sequences: in the prompts' order. steps: of the whole batch, which goes on until its last sequence is over. ms:
    their time by the device's clock, gaps in which it waited for the host included."""

    sequences: list[Continuation]
    steps: int = 0
    ms: float = 0.0

    @property
    def tokens_per_s(self) -> float:
        """Of all sequences together; the prefill's first tokens do not count."""
        return 1000 * sum(len(one.tokens) - 1 for one in self.sequences) / self.ms if self.ms else 0.0


def decode_batch(session: Session, drafter: Drafter, prompts: Sequence[str], sampling: Sampling,
                 max_new_tokens: int) -> Batch:
    """Continue every prompt. UserError on a CPU, for no prompts, and for what a single prompt's run would refuse."""
    if session.gpu is None:
        raise UserError("A batch needs a GPU; on a CPU its rows share no time worth having, so run the prompts one by "
                        "one.")
    if not prompts:
        raise UserError("A batch needs at least one prompt.")
    tokens = [session.encode(prompt, max_new_tokens) for prompt in prompts]
    limits = [min(max_new_tokens, session.context - len(prompt)) for prompt in tokens]
    with session.lock:
        lane = session.gpu.lane(session, drafter, sampling, tokens, limits)
        lane.prefill()
        batch = Batch([Continuation([root]) for root in lane.roots])
        lane.ready()
        while any(not _over(session, one, limit) for one, limit in zip(batch.sequences, limits, strict=True)):
            _, arrays = lane.advance()
            batch.steps += 1
            stamps = arrays["stamps"]  # the gap before the first step is not the engine's
            batch.ms += int(stamps[4] - stamps[0 if batch.steps > 1 else 1]) / 1e6
            for index, (one, limit) in enumerate(zip(batch.sequences, limits, strict=True)):
                if not _over(session, one, limit):
                    _take(session, one, limit, {name: arrays[name][index] for name in _READ})
    for one in batch.sequences:
        one.text = session.tokenizer.decode(one.tokens)
    return batch


def _over(session: Session, one: Continuation, limit: int) -> bool:
    return len(one.tokens) >= limit or one.tokens[-1] in session.stop_ids


def _take(session: Session, one: Continuation, limit: int, arrays: dict[str, np.ndarray]) -> None:
    """Append what a step committed, up to the limit or behind a stop token."""
    kept = int(arrays["kept"])
    one.accepted.append(kept - 1)
    for token in [*arrays["tokens"][arrays["path"][1:kept]].tolist(), int(arrays["bonus"])]:
        if not _over(session, one, limit):
            one.tokens.append(token)
