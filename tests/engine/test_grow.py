"""Growing trees: chains, EAGLE-2's dynamic tree without its tie hazard, OPT-Tree, fixed shapes, and `auto`."""

import functools

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from mtpviz.engine import auto
from mtpviz.engine.budget import Budget, PassCost
from mtpviz.engine.drafting import Drafting
from mtpviz.engine.grow import Pool, chain, dynamic, fixed, opt
from mtpviz.engine.sampling import top_probs
from mtpviz.engine.static import Place
from mtpviz.models.config import ModelConfig
from mtpviz.models.cpu import CpuModel
from mtpviz.models.weights import LayerWeights, Weights

FLAT = PassCost((1, 64), [1.0, 1.0])  # more rows cost nothing
LINEAR = PassCost((1, 64), [1.0, 64.0])  # every row costs as much as a pass: never worth it


def drafter(seed: int, branches: int, certain: bool = False):
    """A made-up drafter: what follows a node depends on its path alone. Returns its first children and its pool."""
    def children(path: tuple[int, ...]):
        random = np.random.default_rng((seed, *path))
        probs = np.sort(random.dirichlet(np.full(branches + 2, 0.4)))[::-1][:branches].astype(np.float32)
        if certain:
            probs = np.eye(1, branches, dtype=np.float32)[0]
        return random.permutation(50)[:branches], probs

    def expand(pool, nodes):
        calls.append(list(nodes))
        return [children(path_of(pool, node)) for node in nodes]

    def path_of(pool, node):
        path = []
        while node >= 0:
            path.append(pool.tokens[node])
            node = pool.parents[node]
        return tuple(path[::-1])

    calls: list[list[int]] = []
    return children(()), Pool(expand), calls


@given(st.integers(0, 10**6), st.integers(0, 8))
def test_a_chain_follows_the_best_child(seed, depth):
    first, pool, calls = drafter(seed, 3)
    tree = pool.tree(chain(pool, first, depth))
    assert len(tree) == depth and (tree.parents == np.arange(-1, depth - 1)).all()
    assert len(calls) == max(depth - 1, 0)  # the last node is not run: nothing would follow it


@given(st.integers(0, 10**6), st.integers(1, 5), st.integers(1, 5), st.integers(1, 30))
@settings(deadline=None)
def test_the_dynamic_tree_holds_the_best_nodes_of_all_candidates(seed, depth, width, nodes):
    first, pool, _ = drafter(seed, width)
    kept = dynamic(pool, first, depth, width, nodes)
    tree = pool.tree(kept)  # raises if a parent is missing
    assert len(tree) == min(nodes, len(pool)) and tree.depths.max() <= depth
    left_out = [pool.chances[i] for i in range(len(pool)) if i not in kept]
    assert min(pool.chances[i] for i in kept) >= max(left_out, default=0.0)


@pytest.mark.parametrize("nodes", range(1, 12))
def test_a_certain_child_never_loses_its_parent(nodes):
    """With q = 1 a child ties with its parent; the reference implementation can keep the child alone."""
    for grow in (lambda pool, first: dynamic(pool, first, 4, 3, nodes),
                 lambda pool, first: opt(pool, first, 12, nodes, 0.0)):
        first, pool, _ = drafter(3, 3, certain=True)
        tree = pool.tree(grow(pool, first))
        assert len(tree) == min(nodes, len(pool))


@given(st.integers(0, 10**6), st.integers(1, 12), st.floats(0.0, 0.3))
@settings(deadline=None)
def test_the_opt_tree_stops_where_a_level_adds_too_little(seed, nodes, worth):
    first, pool, calls = drafter(seed, nodes)
    kept = opt(pool, first, 8, nodes, worth)
    assert len(pool.tree(kept)) == min(nodes, len(pool))

    def promise(depth):
        reached = [i for i in range(len(pool)) if pool.depths[i] <= depth]
        return sum(sorted((pool.chances[i] for i in reached), reverse=True)[:nodes])

    deepest = max(pool.depths)
    assert len(calls) == deepest - 1
    assert all(promise(depth) - promise(depth - 1) > worth for depth in range(1, deepest))
    assert deepest == 8 or promise(deepest) - promise(deepest - 1) <= worth


def test_a_fixed_shape_takes_the_ranks_it_names():
    first, pool, calls = drafter(5, 3)
    shape = [Place(-1, 0, 0.9), Place(-1, 2, 0.5), Place(0, 1, 0.4), Place(2, 0, 0.2)]
    tree = pool.tree(fixed(pool, first, 8, shape))
    assert tree.parents.tolist() == [-1, -1, 0, 2] and calls == [[0], [2]]
    assert tree.tokens[:2].tolist() == [first[0][0], first[0][2]]
    first, pool, calls = drafter(5, 3)
    assert pool.tree(fixed(pool, first, 2, shape)).depths.tolist() == [1, 1, 2] and calls == [[0]]


VOCAB = 48


@functools.cache
def recurrent():
    """A small draft model with random weights and a compressed vocabulary, three tokens in its cache, and the logits
    behind them."""
    config = ModelConfig(VOCAB, 32, 1, 2, 2, 16, 64, 256)
    draw = torch.Generator().manual_seed(0)

    def matrix(*shape: int) -> torch.Tensor:
        return torch.randn(shape, generator=draw) / shape[-1] ** 0.5

    ones, head, ids = torch.ones(32), 4 * matrix(VOCAB, 32), np.arange(0, VOCAB, 2)
    square = [matrix(32, 32) for _ in range(4)]
    layer = LayerWeights(ones, *square, ones, matrix(64, 32), matrix(64, 32), matrix(32, 64))
    model = CpuModel(config, Weights(4 * matrix(VOCAB, 32), [layer], ones, head), torch.float32)
    drafting = Drafting(model, model.new_cache(128), model.embedding, None, model.pack_head(head[ids]), ids, len(ids))
    return drafting, drafting.take(np.array([1, 2, 3]), None)[0].copy()


def grown(depth: int, nodes: int, budget: Budget):
    """The compiled tree: tokens, parents and chances of what is kept, and the draft calls."""
    drafting, logits = recurrent()
    found = auto.Nodes.new(depth * auto.WIDTH**2)
    kept, expected, calls, _ = drafting.grow(logits, depth, nodes, budget.prices(), budget.top_prob, found)
    assert expected == pytest.approx(found.chances[kept].sum())
    place = {old: new for new, old in enumerate(kept.tolist())} | {-1: -1}
    parents = [place[parent] for parent in found.parents[kept].tolist()]  # KeyError if a parent is missing
    return found.tokens[kept].tolist(), parents, found.chances[kept].tolist(), calls


def reference(depth: int, nodes: int, budget: Budget):
    """The same in plain Python: a pool of candidates that grows level by level."""
    drafting, logits = recurrent()
    tokens, parents, depths, chances, rows, block = [], [], [], [], {-1: -1}, []
    frontier, calls, top_prob = [(-1, top_probs(logits, auto.WIDTH))], 0, budget.top_prob
    by_chance = lambda chosen: sorted(chosen, key=lambda i: (-chances[i], depths[i], i))  # noqa: E731
    for level in range(1, depth + 1):
        first = len(tokens)
        for parent, (candidates, probs) in frontier:
            for rank, (token, prob) in enumerate(zip(candidates.tolist(), probs.tolist(), strict=True)):
                chance = (1.0 if parent < 0 else chances[parent]) * budget.chance(level, rank, prob)
                if budget.pays(chance, 1):
                    tokens.append(int(drafting.parts.ids[token]))
                    parents.append(parent)
                    depths.append(level)
                    chances.append(chance)
        have = [chances[i] for i in by_chance(range(len(tokens)))][:nodes]
        guess = budget.chance(level + 1, 0, top_prob)
        new = [i for i in by_chance(range(first, len(tokens)))[: auto.WIDTH] if budget.pays(chances[i] * guess, 1)]
        hoped = sorted(have + [chances[i] * guess for i in new], reverse=True)[:nodes]
        if level == depth or not new or budget.best(hoped)[1] - budget.best(have)[1] <= budget.rate * budget.call_ms:
            break
        calls, new = calls + 1, sorted(new)
        for i in new:
            rows[i] = len(block)
            block.append(rows[parents[i]])
        found = drafting.run(np.array([tokens[i] for i in new]), np.array(block), np.array([depths[i] for i in new]))
        frontier = [(i, top_probs(row, auto.WIDTH)) for i, row in zip(new, found.copy(), strict=True)]
        top_prob += 0.1 * (float(frontier[0][1][1][0]) - top_prob)
    kept = sorted(by_chance(range(len(tokens)))[: budget.best(have)[0]])
    place = {old: new for new, old in enumerate(kept)} | {-1: -1}
    return [tokens[i] for i in kept], [place[parents[i]] for i in kept], [chances[i] for i in kept], calls


@given(st.integers(1, 6), st.integers(1, 48), st.floats(1.0, 12.0), st.floats(0.0, 0.2), st.floats(0.5, 4.0))
@settings(deadline=None, max_examples=40)
def test_the_compiled_auto_tree_is_the_plain_ones(depth, nodes, dearest, call_ms, odds):
    budget = Budget(PassCost((1, 64), [1.0, dearest]))
    budget.call_ms, budget.odds = call_ms, np.array([[odds, 1.0], [2 * odds, 0.5]])
    tokens, parents, chances, calls = grown(depth, nodes, budget)
    expected = reference(depth, nodes, budget)
    assert (tokens, parents, calls) == (expected[0], expected[1], expected[3])
    assert chances == pytest.approx(expected[2])


def test_auto_drafts_nothing_where_rows_cost_as_much_as_passes():
    assert grown(8, 48, Budget(LINEAR)) == ([], [], [], 0)


@pytest.mark.parametrize("depth", range(1, 9))
def test_auto_uses_rows_that_cost_nothing(depth):
    tokens, _, _, calls = grown(depth, 48, Budget(FLAT))
    assert 4 <= len(tokens) <= 48 and calls <= depth - 1


@given(st.integers(0, 10**6), st.integers(1, 5))
@settings(deadline=None)
def test_auto_of_known_levels_takes_the_best_nodes_of_all(seed, depth):
    random = np.random.default_rng(seed)
    logits = random.normal(0, 2, (depth, 20)).astype(np.float32)
    budget, nodes = Budget(PassCost((1, 64), [1.0, 4.0])), auto.Nodes.new(20)
    count, expected = auto.known(logits, len(logits), 20, 20, budget.prices(), nodes)
    probs = [top_probs(row, auto.WIDTH)[1].astype(float) for row in logits]
    chances = sorted((np.prod([probs[d][r] for d, r in enumerate(path)]) for k in range(1, depth + 1)
                      for path in np.ndindex(*[auto.WIDTH] * k)), reverse=True)
    assert nodes.chances[:count].tolist() == pytest.approx(chances[:count], rel=1e-5)
    assert count == budget.best(chances[:20])[0] and expected == pytest.approx(sum(chances[:count]), rel=1e-5)
    assert all(nodes.parents[i] < i for i in range(count))


def step(nodes, accepted, ms=1.0, draft=0.0):
    """A finished step with made-up times."""
    from mtpviz.trace import Node, Step

    tree = [Node(i, parent, 1, prob) for i, (parent, prob) in enumerate(nodes)]
    times = {"draft": draft, "verify": ms, "commit": 0.0, "host": 0.0}
    return Step(0, 0, 0, tree, [], accepted, 0, [], [], times, 0.0)


def test_the_budget_learns_its_rate_and_how_far_to_trust_a_draft():
    budget = Budget(FLAT)
    assert budget.rate == 1.0 and budget.chance(1, 0, 0.5) == 0.5
    for i in range(200):  # promised one half each, accepted four times of five; the second candidate never
        budget.observe(step([(-1, 0.5), (0, 0.5), (-1, 0.3)], [0, 1] if i % 5 else [], ms=2.0))
    assert budget.rate == pytest.approx((1 + 2 * 0.8) / 2.0, rel=0.15)
    assert budget.chance(1, 0, 0.5) == pytest.approx(0.8, abs=0.12) and budget.chance(1, 1, 0.3) < 0.05
    assert budget.chance(2, 0, 0.5) > 0.9 and budget.chance(3, 0, 1.0) == 1.0
    for _ in range(200):
        budget.observe_plain(step([], [], ms=5.0))
        budget.observe(step([(-1, 0.5)], [], ms=10.0))
    assert budget.rate == pytest.approx(0.2, rel=0.1)  # what a pass takes has changed; next-token prediction's rate


def test_greedy_decoding_trusts_the_first_candidate_more():
    assert Budget(FLAT, 0.0).chance(1, 0, 0.5) > 0.6 and Budget(FLAT, 0.0).chance(1, 1, 0.5) == 0.5


@pytest.mark.parametrize("begin_ms, accepted", [(0.5, 0), (3.0, 1)])
def test_a_draft_that_does_not_pay_is_paused_and_tried_again_rarely(begin_ms, accepted):
    """Over many steps, what the attempts lose stays near one hundredth of next-token prediction's time."""
    budget, lost, drafted = Budget(FLAT), 0.0, []
    for number in range(3000):
        if not budget.drafts(None):
            continue
        drafted.append(number)
        budget.observe_begin(begin_ms, first=not drafted, usual=bool(drafted[:-1]) and drafted[-2] == number - 1)
        budget.observe_tree(0.1)
        budget.observe(step([(-1, 0.1)], [0] if accepted else [], draft=begin_ms))
        lost += begin_ms - accepted
    assert 5 < len(drafted) and lost / 3000 < 0.03
    assert max(np.diff(drafted)) <= 257


def test_a_draft_that_pays_again_is_found_and_kept():
    budget, drafted = Budget(FLAT), []
    for number in range(600):
        good = number > 100
        if budget.drafts(None):
            drafted.append(number)
            budget.observe_begin(0.4, first=number == 0, usual=number - 1 in drafted)
            budget.observe_tree(2.0 if good else 0.05)
            budget.observe(step([(-1, 0.9), (0, 0.9)], [0, 1] if good else [], draft=0.4))
    assert len([n for n in drafted if n <= 100]) < 20 and len([n for n in drafted if n > 200]) == 399


def test_where_the_target_itself_is_unsure_no_draft_is_tried():
    """A drafted token is accepted as often as the target's best is likely, at best: 0.2 + 0.04 + ... of a token."""
    unsure, sure = Budget(FLAT), Budget(FLAT)
    tried = [(unsure.drafts(0.2), sure.drafts(0.8)) for _ in range(100)]
    assert not any(first for first, _ in tried[10:]) and all(second for _, second in tried)


def test_an_attempt_is_judged_by_what_steps_without_one_take():
    """Three tokens in the time of two: worth it against steps of 1 ms, not against steps of 0.4 ms."""
    drafted = {}
    for plain in (1.0, 0.4):
        budget = Budget(FLAT)
        budget.observe_plain(step([], [], ms=plain))
        drafted[plain] = 0
        for number in range(100):
            if budget.drafts(None):
                drafted[plain] += 1
                budget.observe_begin(1.0, first=number == 0, usual=number > 0)
                budget.observe_tree(2.0)
                budget.observe(step([(-1, 0.9), (0, 0.9)], [0, 1], ms=1.0, draft=1.0))
            else:
                budget.observe_plain(step([], [], ms=plain))
    assert drafted[1.0] == 100 and drafted[0.4] < 20


def test_pass_cost_interpolates_and_never_falls():
    cost = PassCost((1, 4, 8), [1.0, 1.3, 1.2])  # the pass over 4 rows was disturbed
    assert [cost(rows) for rows in (1, 2, 4, 8, 100)] == pytest.approx([1.0, 1.0667, 1.2, 1.2, 1.2], abs=1e-3)
    assert cost.slope(1) == pytest.approx(0.2 / 7) and cost.slope(4) == 0.0
