"""reference.py: the same logits and hidden states as transformers, for prompts, single tokens and trees."""

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from mtpviz.models.config import ModelConfig
from mtpviz.models.reference import ReferenceModel, tree_block
from mtpviz.models.weights import load
from tests.models.checkpoints import FAMILIES, make

SLOTS = 200
TOLERANCE = 1e-4  # fp32, absolute, on logits of size 3 to 5


@pytest.fixture(scope="module", autouse=True)
def one_thread():
    """Passes this small lose more time to waking threads than they take."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)


@pytest.fixture(scope="module")
def models(tmp_path_factory):
    """family -> (transformers' model, ours from the same folder)"""
    pairs = {}
    for family in FAMILIES:
        folder = tmp_path_factory.mktemp(family)
        theirs = make(family, folder, shard_size="40KB" if family == "llama" else "5GB")
        config = ModelConfig.from_folder(folder)
        pairs[family] = theirs, ReferenceModel(config, load(folder, config))
    return pairs


def chain(count: int) -> list[int]:
    return list(range(-1, count - 1))


def draw(count: int, seed: int = 0) -> torch.Tensor:
    return torch.randint(0, 131, (count,), generator=torch.Generator().manual_seed(seed))


@torch.no_grad()
def expected(theirs, ids) -> torch.Tensor:
    return theirs(torch.as_tensor(ids)[None]).logits[0]


def close(ours: torch.Tensor, theirs: torch.Tensor) -> bool:
    return (ours - theirs).abs().max().item() <= TOLERANCE


@pytest.mark.parametrize("family", FAMILIES)
def test_prefill_and_hidden_states(family, models):
    theirs, ours = models[family]
    ids, layers = draw(150), ours.config.layers  # past llama3's 64 original positions
    block = tree_block(chain(150), 0, SLOTS)
    out = ours.forward(ours.new_cache(SLOTS), ids, *block, layers_out=range(layers + 1))
    with torch.no_grad():
        full = theirs(ids[None], output_hidden_states=True)
    assert out.logits.dtype == torch.float32 and out.logits.shape == (150, 131)
    assert close(out.logits, full.logits[0])
    for layer in range(layers):
        assert close(out.hidden[layer], full.hidden_states[layer][0])
    # transformers' last entry has gone through the final norm; ours has not, and `normed` is theirs.
    assert close(out.normed, full.hidden_states[layers][0])
    assert not close(out.hidden[layers], full.hidden_states[layers][0])
    assert close(theirs.model.norm(out.hidden[layers]).detach(), out.normed)


@pytest.mark.parametrize("family", FAMILIES)
def test_one_token_at_a_time(family, models):
    theirs, ours = models[family]
    ids, cache = draw(24, seed=1), ours.new_cache(SLOTS)
    out = ours.forward(cache, ids[:16], *tree_block(chain(16), 0, SLOTS))
    rows = [out.logits]
    for at in range(16, 24):
        rows.append(ours.forward(cache, ids[at : at + 1], *tree_block([-1], at, SLOTS)).logits)
    assert close(torch.cat(rows), expected(theirs, ids))


@settings(max_examples=60, deadline=None)
@given(data=st.data())
def test_each_node_of_a_tree_equals_a_pass_over_its_path(data, models):
    family = data.draw(st.sampled_from(list(FAMILIES)))
    count = data.draw(st.integers(1, 64))
    parents = [data.draw(st.integers(-1, row - 1)) for row in range(count)]
    committed = data.draw(st.integers(1, 12))
    at = data.draw(st.permutations(range(committed, committed + count + 5)))[:count]  # scattered slots
    theirs, ours = models[family]
    prompt, ids = draw(committed, seed=2).tolist(), draw(count, seed=count).tolist()
    cache = ours.new_cache(SLOTS)
    ours.forward(cache, prompt, *tree_block(chain(committed), 0, SLOTS))
    out = ours.forward(cache, ids, *tree_block(parents, committed, SLOTS, at), layers_out=(1,))
    for row in range(count):
        path, node = [], row
        while node >= 0:
            path.insert(0, ids[node])
            node = parents[node]
        assert close(out.logits[row], expected(theirs, prompt + path)[-1])
    assert out.hidden[1].shape == (count, 48)


def test_a_pass_reads_no_slot_outside_of_its_mask(models):
    _, ours = models["qwen3"]
    ids, clean, dirty = draw(8), ours.new_cache(SLOTS), ours.new_cache(SLOTS)
    for tensor in (dirty.keys, dirty.values):
        tensor.fill_(1e4)
    block = tree_block(chain(8), 0, SLOTS)
    assert torch.equal(ours.forward(clean, ids, *block).logits, ours.forward(dirty, ids, *block).logits)


@pytest.mark.parametrize("family", ["llama3", "qwen2"])
def test_bf16_is_near_fp32(family, models, tmp_path):
    theirs = make(family, tmp_path)
    config = ModelConfig.from_folder(tmp_path)
    low = ReferenceModel(config, load(tmp_path, config), torch.bfloat16)
    ids = draw(32)
    out = low.forward(low.new_cache(64), ids, *tree_block(chain(32), 0, 64))
    assert out.normed.dtype == torch.bfloat16 and out.logits.dtype == torch.float32
    assert (out.logits - expected(theirs, ids)).abs().mean() < 0.05
