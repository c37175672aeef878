"""Whether a lane wrote what next-token prediction wrote, token for token."""

from __future__ import annotations

from itertools import accumulate

from mtpviz.trace import UNKNOWN, Trace


def first_divergence(trace: Trace, base: Trace) -> int | None:
    """Index in the generated text of the first token that differs from `base`; None where none does.

    Lanes are compared as far as both have come: one that is shorter because it is still running, was cancelled or
    had a lower limit differs nowhere. One that stopped of itself where the other went on differs at its end. Where a
    server does not tell all ids, the texts are compared, and the index is of the lane's token that differs in them.
    """
    mine, theirs = trace.token_ids, base.token_ids
    if min(*mine, *theirs, 0) <= UNKNOWN:
        return _first_text_divergence(trace, base)
    common = min(len(mine), len(theirs))
    for index in range(common):
        if mine[index] != theirs[index]:
            return index
    if len(mine) == len(theirs):
        return None
    shorter = trace if len(mine) < len(theirs) else base
    return common if (shorter.end or {}).get("reason") == "stop" else None


def _first_text_divergence(trace: Trace, base: Trace) -> int | None:
    mine, theirs = trace.text, base.text
    common = min(len(mine), len(theirs))
    place = next((i for i in range(common) if mine[i] != theirs[i]), common)
    if place == common:
        shorter = trace if len(mine) < len(theirs) else base
        if len(mine) == len(theirs) or (shorter.end or {}).get("reason") != "stop":
            return None
    texts = [trace.run.first_text, *(text for step in trace.steps for text in step.texts)]
    return next((i for i, end in enumerate(accumulate(map(len, texts))) if end > place), len(texts))


def exactness(trace: Trace, base: Trace | None) -> tuple[bool | None, int | None]:
    """(exact, first_divergence) of a lane against the next-token lane; exact is None where nothing can be said.

    Nothing can be said without a baseline, with another prompt or model or other sampling settings, before both have
    a token, and of a sampled text that differs under a rule that promises the same distribution but not the same
    tokens (rejection sampling; engine/verify.py): the index of the difference is told all the same.
    """
    if base is None or not trace.token_ids or not base.token_ids or _task(trace) != _task(base):
        return None, None
    place = first_divergence(trace, base)
    if place is not None and trace.run.lossless and _sampled(trace) and not _keyed(trace):
        return None, place
    return place is None, place


def _task(trace: Trace) -> tuple:
    run, sampled = trace.run, _sampled(trace)
    settings = [run.sampling.get(name) for name in ("temperature", "top_k", "top_p", "min_p")] if sampled else []
    return run.model.get("name"), run.prompt_tokens, settings, run.seed if sampled else None


def _sampled(trace: Trace) -> bool:
    """Whether tokens were drawn: temperature 0 and top-k 1 both take the most probable one."""
    return bool(trace.run.sampling.get("temperature")) and trace.run.sampling.get("top_k") != 1


def _keyed(trace: Trace) -> bool:
    """Rule "match" (engine/verify.py): the target's own draw at each position decides, so even sampled text equals
    next-token's."""
    return trace.run.sampling.get("rule") == "match"
