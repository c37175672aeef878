"""Static trees: Sequoia's dynamic program and best-first agree, sizes follow the cost, bad tables are told."""

import json

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mtpviz.engine.static import StaticTree, best_first, read_table, sequoia
from mtpviz.errors import UserError

TABLES = st.lists(st.lists(st.floats(0.0, 1.0), min_size=1, max_size=4), min_size=1, max_size=5)


@given(TABLES, st.integers(0, 14))
@settings(deadline=None)
def test_the_dynamic_program_and_best_first_agree(table, nodes):
    """Also where a later rank is likelier than an earlier one, as measured tables have it."""
    places = list(best_first(table, nodes))
    sums = np.concatenate(([0.0], np.cumsum([place.chance for place in places])))
    assert sequoia(table, nodes)[: len(sums)] == pytest.approx(sums)


def test_the_dynamic_program_finds_what_trying_every_tree_finds():
    table, nodes = [[0.6, 0.5], [0.9, 0.2]], 3
    paths = [(r,) for r in range(2)] + [(r, s) for r in range(2) for s in range(2)]
    best = 0.0
    for chosen in range(2 ** len(paths)):
        kept = [path for i, path in enumerate(paths) if chosen >> i & 1]
        if len(kept) <= nodes and all(len(path) == 1 or path[:1] in kept for path in kept):
            best = max(best, sum(np.prod([table[d][r] for d, r in enumerate(path)]) for path in kept))
    assert sequoia(table, nodes)[nodes] == pytest.approx(best) == pytest.approx(0.6 + 0.54 + 0.5)


@given(TABLES, st.integers(1, 14))
def test_shapes_are_closed_and_name_no_candidate_twice(table, nodes):
    places = list(best_first(table, nodes))
    assert all(place.parent < i for i, place in enumerate(places))
    assert len({(place.parent, place.rank) for place in places}) == len(places)


def test_the_size_follows_the_price():
    tree = StaticTree([[0.9, 0.05], [0.8, 0.1], [0.7, 0.1]], 12)
    assert tree.levels[:4].tolist() == [0, 1, 2, 3]
    assert tree.size(lambda nodes, levels: 1.0) == len(tree.places)  # free rows: all of them
    assert tree.size(lambda nodes, levels: 1.0 + 10.0 * nodes) == 1
    assert tree.size(lambda nodes, levels: 1.0 + 0.3 * nodes) == 3


@pytest.mark.parametrize("accuracy", [[], [[]], [[0.5], []], [[1.5]], [[-0.1]], [["x"]], 3, [0.5], [[float("nan")]]])
def test_a_bad_table_is_one_sentence(accuracy, tmp_path):
    (tmp_path / "config.json").write_text(json.dumps({"accuracy": accuracy}))
    with pytest.raises(UserError, match="accuracy"):
        read_table(tmp_path)


def test_a_folder_without_a_table_has_none(tmp_path):
    assert read_table(tmp_path) is None
    (tmp_path / "config.json").write_text("{}")
    assert read_table(tmp_path) is None
    (tmp_path / "config.json").write_text('{"accuracy": [[0.5, 0.25], [0.5]]}')
    assert read_table(tmp_path) == [[0.5, 0.25], [0.5]]
