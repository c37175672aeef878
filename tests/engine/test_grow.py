"""Growing trees: chains, EAGLE-2's dynamic tree without its tie hazard, and `auto`."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mtpviz.engine.budget import Budget, PassCost
from mtpviz.engine.grow import Pool, auto, chain, dynamic

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
    first, pool, _ = drafter(3, 3, certain=True)
    tree = pool.tree(dynamic(pool, first, 4, 3, nodes))
    assert len(tree) == nodes


@given(st.integers(0, 10**6))
@settings(deadline=None)
def test_auto_drafts_nothing_where_rows_cost_as_much_as_passes(seed):
    first, pool, calls = drafter(seed, 4)
    assert auto(pool, first, 8, 48, Budget(LINEAR)) == [] and not calls


@given(st.integers(0, 10**6), st.integers(1, 8))
@settings(deadline=None)
def test_auto_uses_rows_that_cost_nothing(seed, depth):
    first, pool, _ = drafter(seed, 4)
    tree = pool.tree(auto(pool, first, depth, 48, Budget(FLAT)))
    assert 4 <= len(tree) <= 48 and tree.depths.max() <= depth


def test_the_budget_learns_its_rate_and_how_far_to_trust_a_draft():
    budget = Budget(FLAT)
    assert budget.rate == 1.0 and budget.trust == 1.0
    for _ in range(50):
        budget.observe(tokens=3, ms=2.0, promised=4.0, accepted=2)
    assert budget.rate == pytest.approx(1.5, rel=0.02) and budget.trust == pytest.approx(0.5, rel=0.02)
    for _ in range(100):
        budget.observe(tokens=1, ms=5.0, promised=0.0, accepted=0)
    assert budget.rate == 1.0  # next-token prediction can always be had


def test_pass_cost_interpolates_and_never_falls():
    cost = PassCost((1, 4, 8), [1.0, 1.3, 1.2])
    assert [cost(rows) for rows in (1, 2, 4, 8, 100)] == pytest.approx([1.0, 1.1, 1.3, 1.3, 1.3])
