"""Sampled text has the target's distribution: chi-square over every token of many texts (T 0.7, top-p 0.9, top-k 20).

Where texts equal next-token prediction's token for token (match rule, test_lossless.py) next-token prediction's own is
the one to judge. Typical acceptance is not lossless, and the same test must find that.
"""

import numpy as np
import pytest

from mtpviz.bench.harness import decode
from mtpviz.engine.sampling import Sampling
from tests.strategies.test_lossless import PROMPTS, USUAL

TEXTS, TOKENS = 40, 150
RANKS = np.array([0, 1, 2, 3, 4, 6, 9, 20])  # bins of the target's candidates begin here
SAMPLED = ("draft:propose=sample:depth=1", "draft:propose=sample:depth=4")


def judged(session, spec: str, kept: np.ndarray | None = None) -> tuple[float, int]:
    """Chi-square of the emitted tokens against the target's own distribution at each place, and its degrees of freedom.

    Tokens are binned by their rank in the target's distribution and by whether the draft can say them. Given the text
    before it a token is one draw, so counts have the sums of the chances as their means, and less than multinomial
    spread around them: the chi-square distribution bounds the statistic.
    """
    counts, expected = np.zeros((2, len(RANKS))), np.zeros((2, len(RANKS)))
    sayable = np.zeros(session.config.vocab, np.int64)
    sayable[kept if kept is not None else slice(0)] = 1
    for seed in range(TEXTS):
        sampling = Sampling(USUAL.temperature, USUAL.top_k, USUAL.top_p, seed=1000 + seed)
        trace = decode(session, spec, PROMPTS[seed % 2], sampling, TOKENS)
        prompt, text = trace.run.prompt_tokens, trace.token_ids
        for token, logits in zip(text, plain_logits(session, [*prompt, *text])[len(prompt) - 1 :], strict=False):
            probs = sampling.distribution(logits)
            order = np.argsort(-probs, kind="stable")[:20]
            bins = np.searchsorted(RANKS, np.arange(20), side="right") - 1
            np.add.at(expected, (sayable[order], bins), probs[order])
            place = int(np.flatnonzero(order == token)[0])
            counts[sayable[token], bins[place]] += 1
    big = expected >= 5
    rest = expected[~big].sum()
    statistic = ((counts - expected)[big] ** 2 / expected[big]).sum()
    statistic += (counts[~big].sum() - rest) ** 2 / rest if rest >= 1 else 0.0
    return float(statistic), int(big.sum()) - 1 + (rest >= 1)


def plain_logits(session, tokens: list[int]) -> np.ndarray:
    """The target's logits at every position of a text, one long chain in blocks, without any drafter."""
    target, found = session.target, []
    cache = target.new_cache(len(tokens) + 64)
    for first in range(0, len(tokens), 64):
        chunk = np.array(tokens[first : first + 64])
        rows = np.arange(len(chunk))
        found.append(target.forward(cache, chunk, rows - 1, first + rows).logits.copy())
        target.keep(cache, rows)
    return np.concatenate(found)


def bound(degrees: int) -> float:
    """Above the chi-square distribution's 99.99th percentile (Wilson and Hilferty 1931)."""
    return degrees * (1 - 2 / (9 * degrees) + 3.8 * (2 / (9 * degrees)) ** 0.5) ** 3


@pytest.mark.parametrize("spec", ["ntp", *SAMPLED])
def test_sampled_text_has_the_targets_distribution(session, spec):
    statistic, degrees = judged(session, spec)
    assert degrees >= 6 and statistic < bound(degrees)


@pytest.mark.parametrize("spec", SAMPLED)
def test_a_reduced_draft_vocabulary_does_not_bias_it(mapped, spec):
    session, kept = mapped
    statistic, degrees = judged(session, f"{spec}:vocab=en", np.array(kept["en"]))
    assert degrees >= 8 and statistic < bound(degrees)


def test_typical_acceptance_is_found_out(session):
    statistic, degrees = judged(session, "medusa:accept=typical:tree=static:nodes=7")
    assert statistic > 3 * bound(degrees)
