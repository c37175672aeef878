"""Verification: the rules' promises, by exact enumeration on a three-token vocabulary and by chi-square."""

import itertools
from fractions import Fraction

import numpy as np
import pytest

import mtpviz.engine.verify as rules
from mtpviz.engine.random import DRAFT, uniform
from mtpviz.engine.sampling import Sampling, draw
from mtpviz.engine.tree import TokenTree
from mtpviz.engine.verify import DELTA, EPSILON, verify


def logits_of(probs) -> np.ndarray:
    return np.log(np.asarray(probs, np.float32) + 1e-30).astype(np.float32)


def test_greedy_walks_to_the_end_and_adds_the_bonus():
    logits = np.full((4, 10), -5.0, np.float32)
    for row, token in enumerate((3, 4, 5, 6)):
        logits[row, token] = 1.0
    verdict = verify(TokenTree.chain([3, 4, 5]), logits, Sampling(), 0)
    assert verdict.accepted == [0, 1, 2] and verdict.bonus == 6


def test_greedy_stops_at_the_first_mismatch_and_takes_the_right_branch():
    tree = TokenTree(np.array([1, 2, 7, 8]), np.array([-1, -1, 1, 1]), np.ones(4, np.int64), np.ones(4, np.float32))
    logits = np.full((5, 10), -5.0, np.float32)
    logits[0, 2], logits[2, 8], logits[4, 9] = 1.0, 1.0, 1.0
    verdict = verify(tree, logits, Sampling(), 0)
    assert verdict.accepted == [1, 3] and verdict.bonus == 9 and verdict.wanted == {0: 2, 2: 8, 4: 9}


def test_match_rule_gives_the_tokens_that_plain_sampling_gives():
    random = np.random.default_rng(0)
    table = random.normal(0, 1, (5, 5)).astype(np.float32)  # logits after each token: a Markov chain
    sampling = Sampling(temperature=1.0, seed=4)
    plain, token = [], 0
    for position in range(1, 200):
        token = sampling.choose(table[token], position)
        plain.append(token)
    got, root = [], 0
    while len(got) < 190:
        parents = np.array([-1, -1, 0, 0, 1, 2])
        tokens = random.integers(0, 5, 6)
        tree = TokenTree(tokens, parents, np.ones(6, np.int64), np.ones(6, np.float32))
        verdict = verify(tree, table[np.concatenate([[root], tokens])], sampling, len(got))
        got += [int(tokens[i]) for i in verdict.accepted] + [verdict.bonus]
        last = tokens[verdict.accepted[-1]] if verdict.accepted else root
        assert verdict.sure == pytest.approx(float(sampling.distribution(table[last]).max()))
        root = got[-1]
    assert got == plain[: len(got)]


GRID = 8  # probabilities are multiples of 1/8, so every draw and every acceptance test can be enumerated exactly


def enumerate_first_token(p, q, children: int, monkeypatch) -> dict[int, Fraction]:
    """The exact distribution of the first token that one step yields, over all draft draws and all random numbers.

    The draft draws `children` siblings without replacement; acceptance tests and the final draw are integrated
    piecewise: each test u has a threshold, found by bisection on a fine grid, so its two outcomes get exact weights.
    """
    result = {token: Fraction(0) for token in range(len(p))}
    support = [token for token in range(len(q)) if q[token] > 0]
    for order in itertools.permutations(support, children):
        weight, left = Fraction(1), Fraction(1)
        for token in order:
            weight *= q[token] / left
            left -= q[token]
        tree = TokenTree(np.array(order), np.full(children, -1), np.ones(children, np.int64),
                         np.ones(children, np.float32), {-1: np.array([float(x) for x in q], np.float32)})
        steps = 840 * GRID  # a common multiple of every denominator that can occur here
        logits = logits_of([float(x) for x in p])[None].repeat(children + 1, 0)
        explore(tree, logits, weight, steps, children, result, monkeypatch)
    return result


def explore(tree, logits, weight, steps, children, result, monkeypatch):
    """Sum over the acceptance pattern: for sibling i, u below or above its threshold; the last draw over a grid."""
    calls: list[int] = []

    def run(us: dict[int, float]):
        calls.clear()

        def fake(seed, position, stream=0):
            calls.append(stream)
            return us.get(stream, 0.5)

        monkeypatch.setattr(rules, "uniform", fake)
        return verify(tree, logits, Sampling(temperature=1.0), 0, "rejection")

    def recurse(fixed: dict[int, float], chance: Fraction, sibling: int):
        if sibling == children:
            for i in range(steps // 8):
                verdict = run(fixed | {0: (i + 0.5) / (steps // 8)})
                token = int(tree.tokens[verdict.accepted[0]]) if verdict.accepted else verdict.bonus
                result[token] += chance / (steps // 8)
            return
        stream = rules.ACCEPT + sibling

        def accepts(u: float) -> bool:
            return run(fixed | {stream: u}).accepted == [sibling]

        threshold = bisect(accepts, steps)
        below = Fraction(threshold, steps)
        if below:
            result[int(tree.tokens[sibling])] += chance * below
        if below < 1:
            recurse(fixed | {stream: (threshold + 0.5) / steps}, chance * (1 - below), sibling + 1)

    recurse({}, weight, 0)


def bisect(accepts, steps: int) -> int:
    low, high = 0, steps  # accepts is true below a threshold
    while low < high:
        middle = (low + high) // 2
        if accepts((middle + 0.5) / steps):
            low = middle + 1
        else:
            high = middle
    return low


@pytest.mark.parametrize("children", [1, 2, 3])
@pytest.mark.parametrize("p, q", [((4, 3, 1), (1, 3, 4)), ((8, 0, 0), (2, 3, 3)), ((2, 2, 4), (4, 2, 2))])
def test_rejection_rule_is_lossless_by_enumeration(p, q, children, monkeypatch):
    p, q = [Fraction(x, GRID) for x in p], [Fraction(x, GRID) for x in q]
    got = enumerate_first_token(p, q, children, monkeypatch)
    assert sum(got.values()) == 1
    for token, probability in enumerate(p):
        assert abs(float(got[token] - probability)) < 2e-3


def chi_square(counts: np.ndarray, probs: np.ndarray) -> float:
    expected = counts.sum() * probs
    return float(((counts - expected)[probs > 0] ** 2 / expected[probs > 0]).sum())


@pytest.mark.parametrize("settings", [{}, {"temperature": 0.7, "top_p": 0.9, "top_k": 4}])
def test_sampled_chains_keep_the_distribution_of_three_tokens(settings):
    """Chains drawn from a draft that disagrees; the joint distribution of the first three tokens over many seeds."""
    random = np.random.default_rng(2)
    target, draft = (random.normal(0, 1.5, (5, 5)).astype(np.float32) for _ in range(2))
    draft[:, 4] = -1e9  # a reduced draft vocabulary: the token can only come from the residual
    counts, base = np.zeros(125), {"temperature": 1.0, **settings}
    for seed in range(6000):
        sampling = Sampling(seed=seed, **base)
        out: list[int] = []
        root = 0
        while len(out) < 3:
            tokens, dists, last = [], {}, root
            for level in range(2):
                dist = sampling.distribution(draft[last])
                last = draw(dist, uniform(seed, len(out) + level + 1, DRAFT))
                tokens.append(last)
                dists[level - 1] = dist
            verdict = verify(TokenTree.chain(tokens, [1, 1], dists), target[[root, *tokens]], sampling, len(out),
                             "rejection")
            out += [tokens[i] for i in verdict.accepted] + [verdict.bonus]
            root = out[-1]
        counts[out[0] * 25 + out[1] * 5 + out[2]] += 1
    sampling = Sampling(**base)
    rows = [sampling.distribution(target[token]) for token in range(5)]
    joint = np.array([rows[0][a] * rows[a][b] * rows[b][c] for a in range(5) for b in range(5) for c in range(5)])
    big = joint * 6000 >= 5
    grouped = np.append(counts[big], counts[~big].sum())
    expected = np.append(joint[big], joint[~big].sum())
    degrees = (expected > 0).sum() - 1
    assert chi_square(grouped, expected / expected.sum()) < degrees + 3.3 * np.sqrt(2 * degrees) + 6


def test_typical_takes_the_longest_path_of_typical_nodes():
    """Against the definition, node by node, on random trees (Medusa, section 2.3.1)."""
    sampling, typical_seen = Sampling(temperature=0.8), 0
    for seed in range(40):
        rng = np.random.default_rng(seed)
        size = int(rng.integers(1, 9))
        parents = np.array([int(rng.integers(-1, i)) for i in range(size)])
        depths = np.ones(size, np.int64)
        for i, parent in enumerate(parents):
            depths[i] = 1 if parent < 0 else depths[parent] + 1
        tree = TokenTree(rng.integers(0, 5, size), parents, depths, np.ones(size, np.float32))
        logits = rng.normal(size=(size + 1, 5)).astype(np.float32) * 2

        def is_typical(node, tree=tree, logits=logits):
            probs = sampling.distribution(logits[tree.parents[node] + 1]).astype(np.float64)
            return probs[tree.tokens[node]] > min(EPSILON, DELTA * np.exp((probs * np.log(probs)).sum()))

        def path(node, tree=tree):
            return [] if node < 0 else [*path(int(tree.parents[node])), node]

        allowed = [path(node) for node in range(size) if all(is_typical(n) for n in path(node))]
        verdict = verify(tree, logits, sampling, 7, "typical")
        assert len(verdict.accepted) == max(map(len, allowed), default=0)
        assert not verdict.accepted or verdict.accepted in allowed
        last = verdict.accepted[-1] + 1 if verdict.accepted else 0
        assert verdict.bonus == sampling.choose(logits[last], 7 + len(verdict.accepted) + 1)
        typical_seen += len(verdict.accepted)
    assert typical_seen > 10


def test_typical_is_greedy_where_decoding_is():
    tree = TokenTree.chain([1])
    logits = np.array([[2.0, 1.9], [0.0, 1.0]], np.float32)  # token 1 would be typical, and is not the best
    assert verify(tree, logits, Sampling(), 0, "typical").accepted == []
