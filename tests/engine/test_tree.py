"""Token trees."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mtpviz.engine.tree import TokenTree
from mtpviz.errors import UserError


@st.composite
def trees(draw, most: int = 20, vocab: int = 50) -> TokenTree:
    n = draw(st.integers(0, most))
    parents = [draw(st.integers(-1, i - 1)) for i in range(n)]
    tokens = [draw(st.integers(0, vocab - 1)) for _ in range(n)]
    return TokenTree(np.array(tokens, np.int64), np.array(parents, np.int64), np.ones(n, np.int64),
                     np.full(n, 0.5, np.float32))


@given(trees())
def test_block_puts_the_root_first_and_keeps_the_tree(tree):
    tokens, parents, positions = tree.block(root=7, position=30)
    assert tokens[0] == 7 and parents[0] == -1 and positions[0] == 30
    assert (tokens[1:] == tree.tokens).all() and (parents[1:] - 1 == tree.parents).all()
    assert (positions[1:] - 30 == tree.depths).all()


@given(trees(), st.integers(0, 6))
def test_shallow_keeps_exactly_the_nodes_above_the_depth(tree, depth):
    cut = tree.shallow(depth)
    assert sorted(cut.depths) == sorted(d for d in tree.depths if d <= depth)
    for node in range(len(cut)):
        texts = [int(cut.tokens[i]) for i in cut.path(node)]
        assert texts in [[int(tree.tokens[i]) for i in tree.path(old)] for old in range(len(tree))]


@given(trees(), st.integers(0, 25))
def test_first_is_a_prefix(tree, count):
    cut = tree.first(count)
    assert len(cut) == min(count, len(tree)) and (cut.tokens == tree.tokens[: len(cut)]).all()


@given(trees())
def test_children_and_paths_agree(tree):
    for node in range(len(tree)):
        assert node in tree.children(int(tree.parents[node]))
        path = tree.path(node)
        assert path[-1] == node and len(path) == tree.depths[node]


def test_a_child_before_its_parent_is_refused():
    with pytest.raises(ValueError, match="before"):
        TokenTree(np.array([1, 2]), np.array([1, -1]), np.ones(2, np.int64), np.ones(2, np.float32))


def test_a_tree_larger_than_a_pass_is_told():
    with pytest.raises(UserError, match="70 nodes"):
        TokenTree.chain(range(70)).check_fits(64)
