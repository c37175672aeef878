"""The compiled CPU pass against the reference, and its promise: a node's logits do not depend on company or place."""

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from mtpviz.errors import UserError
from mtpviz.models import weights as weights_file
from mtpviz.models.config import ModelConfig
from mtpviz.models.cpu import CpuModel
from mtpviz.models.reference import ReferenceModel, tree_block
from tests.models.checkpoints import FAMILIES, make

SMALL = ModelConfig(vocab=200, hidden=64, layers=3, heads=4, kv_heads=2, head_dim=24, inner=80, context=256)


@pytest.fixture(scope="module", params=FAMILIES)
def checkpoint(request, tmp_path_factory):
    folder = tmp_path_factory.mktemp(request.param)
    make(request.param, folder)
    config = ModelConfig.from_folder(folder)
    return config, weights_file.load(folder, config)


def chain(count: int, first: int = 0):
    rows = np.arange(count)
    return rows - 1, first + rows


def commit(model, cache, tokens, chunk: int = 64):
    for at in range(0, len(tokens), chunk):
        part = tokens[at : at + chunk]
        model.forward(cache, part, *chain(len(part), at), head_rows=0)
        model.keep(cache, np.arange(len(part)))


def test_matches_the_reference_on_every_family(checkpoint):
    config, weights = checkpoint
    reference, model = ReferenceModel(config, weights), CpuModel(config, weights, torch.float32)
    tokens = np.random.default_rng(0).integers(0, config.vocab, 27)
    parents = np.array([-1, 0, 0, 1, 2, 2, 4])
    slots = reference.new_cache(64)
    reference.forward(slots, torch.tensor(tokens[:20]), *tree_block(list(range(-1, 19)), 0, 64))
    taps = tuple(range(config.layers + 1))
    block = tree_block(parents.tolist(), 20, 64)
    expected = reference.forward(slots, torch.tensor(tokens[20:]), *block, layers_out=taps)
    cache = model.new_cache(64)
    commit(model, cache, tokens[:20], chunk=7)
    depths = np.array([0, 1, 1, 2, 2, 2, 3])
    out = model.forward(cache, tokens[20:], parents, 20 + depths, taps)
    np.testing.assert_allclose(out.logits, expected.logits.numpy(), atol=1e-4)
    np.testing.assert_allclose(out.normed, expected.normed.numpy(), atol=1e-4)
    for tap in taps:
        np.testing.assert_allclose(out.taps[tap], expected.hidden[tap].numpy(), atol=1e-4)


@pytest.fixture(scope="module", params=[torch.bfloat16, torch.float32], ids=["bf16", "fp32"])
def model(request):
    return CpuModel(SMALL, weights_file.random(SMALL, seed=1), request.param)


def random_parents(random: np.random.Generator, rows: int) -> tuple[np.ndarray, np.ndarray]:
    parents = np.array([-1] + [int(random.integers(0, i)) for i in range(1, rows)])
    depths = np.zeros(rows, int)
    for i in range(1, rows):
        depths[i] = depths[parents[i]] + 1
    return parents, depths


def ancestors(parents: np.ndarray, node: int) -> list[int]:
    path = []
    while node >= 0:
        path.append(node)
        node = int(parents[node])
    return path[::-1]


@given(seed=st.integers(0, 10**6), rows=st.integers(1, 64), committed=st.integers(0, 100))
@settings(max_examples=25, deadline=None)
def test_a_node_has_the_bits_of_a_plain_pass_over_its_path(model, seed, rows, committed):
    random = np.random.default_rng(seed)
    tokens = random.integers(0, SMALL.vocab, committed + rows)
    parents, depths = random_parents(random, rows)
    cache = model.new_cache(200)
    commit(model, cache, tokens[:committed])
    tree = model.forward(cache, tokens[committed:], parents, committed + depths).logits.copy()
    path = ancestors(parents, int(random.integers(0, rows)))
    for row in range(len(path)):  # one token at a time, as next-token prediction would
        token = tokens[committed:][path[row : row + 1]]
        alone = model.forward(cache, token, np.array([-1]), np.array([committed + row]))
        assert (alone.logits[0] == tree[path[row]]).all()
        model.keep(cache, np.array([0]))


@given(seed=st.integers(0, 10**6), rows=st.integers(2, 64))
@settings(max_examples=25, deadline=None)
def test_compaction_of_scattered_paths_changes_no_bit(model, seed, rows):
    random = np.random.default_rng(seed)
    tokens = random.integers(0, SMALL.vocab, 21 + rows + 1)
    parents, depths = random_parents(random, rows)
    path = ancestors(parents, int(random.integers(0, rows)))
    cache, plain = model.new_cache(200), model.new_cache(200)
    commit(model, cache, tokens[:21])
    model.forward(cache, tokens[21 : 21 + rows], parents, 21 + depths)
    model.keep(cache, np.array(path))
    sequence = np.concatenate([tokens[:21], tokens[21 : 21 + rows][path]])
    commit(model, plain, sequence, chunk=5)
    assert cache.length == plain.length
    last = tokens[-1:]
    a = model.forward(cache, last, *chain(1, len(sequence))).logits.copy()
    b = model.forward(plain, last, *chain(1, len(sequence))).logits
    assert (a == b).all()


def test_a_block_run_level_by_level_has_the_bits_of_one_pass(model):
    random = np.random.default_rng(3)
    tokens = random.integers(0, SMALL.vocab, 40)
    parents = np.array([-1, -1, 0, 0, 1, 2, 4])
    depths = np.array([0, 0, 1, 1, 1, 2, 2])
    cache = model.new_cache(100)
    commit(model, cache, tokens[:33])
    once = model.forward(cache, tokens[33:], parents, 33 + depths).logits.copy()
    for first, last in ((0, 2), (2, 5), (5, 7)):
        out = model.forward(cache, tokens[33 + first : 33 + last], parents[:last], 33 + depths[first:last])
        assert (out.logits == once[first:last]).all()


def test_head_rows_gives_the_last_rows_only(model):
    tokens = np.random.default_rng(4).integers(0, SMALL.vocab, 9)
    cache = model.new_cache(100)
    every = model.forward(cache, tokens, *chain(9)).logits.copy()
    last = model.forward(cache, tokens, *chain(9), head_rows=2).logits
    assert last.shape[0] == 2 and (last == every[-2:]).all()


def test_a_full_cache_is_told(model):
    cache = model.new_cache(16)
    with pytest.raises(UserError, match="16 tokens"):
        model.forward(cache, np.zeros(17, np.int64), *chain(17))


def test_an_odd_hidden_size_is_told():
    config = ModelConfig(vocab=50, hidden=40, layers=1, heads=2, kv_heads=1, head_dim=16, inner=32, context=64)
    with pytest.raises(UserError, match="multiple of 16"):
        CpuModel(config, weights_file.random(config), torch.float32)
