"""weights.py: tensors come back as stored, and every kind of bad file is one sentence."""

import hashlib
import json
import shutil

import pytest
import torch
from safetensors.torch import load_file, save_file

from mtpviz.models.config import ModelConfig
from mtpviz.models.weights import load
from tests.models.checkpoints import make
from tests.models.sentences import sentence

Q = "model.layers.1.self_attn.q_proj.weight"


@pytest.fixture(scope="module")
def original(tmp_path_factory):
    folder = tmp_path_factory.mktemp("llama")
    make("llama", folder)
    return folder


@pytest.fixture
def folder(original, tmp_path):
    return shutil.copytree(original, tmp_path / "model")


def change(folder, **changes) -> None:
    """Rewrite the weights with tensors replaced, added, or (None) left out."""
    tensors = load_file(folder / "model.safetensors") | changes
    kept = {name: tensor for name, tensor in tensors.items() if tensor is not None}
    save_file(kept, folder / "model.safetensors")


def refusal(folder) -> str:
    return sentence(load, folder, ModelConfig.from_folder(folder))


@pytest.mark.parametrize("family", ["llama", "qwen2", "qwen3"])
@pytest.mark.parametrize("shard_size", ["5GB", "40KB"])
def test_tensors_are_those_that_transformers_saved(family, shard_size, tmp_path):
    model = make(family, tmp_path, shard_size)
    loaded = load(tmp_path, ModelConfig.from_folder(tmp_path))
    assert (len(loaded.files) > 2) == (shard_size == "40KB")
    state = model.state_dict()
    assert torch.equal(loaded.embed, state["model.embed_tokens.weight"])
    assert torch.equal(loaded.head, state["lm_head.weight"])
    assert torch.equal(loaded.norm, state["model.norm.weight"])
    assert (loaded.head is loaded.embed) == model.config.tie_word_embeddings
    for i, layer in enumerate(loaded.layers):
        for part in "qkvo":
            assert torch.equal(getattr(layer, part), state[f"model.layers.{i}.self_attn.{part}_proj.weight"])
        for part in ("gate", "up", "down"):
            assert torch.equal(getattr(layer, part), state[f"model.layers.{i}.mlp.{part}_proj.weight"])
        for part in ("q_bias", "k_bias", "v_bias"):
            name = f"model.layers.{i}.self_attn.{part[0]}_proj.bias"
            assert torch.equal(getattr(layer, part), state[name]) if family == "qwen2" else name not in state
        for part in ("q_norm", "k_norm"):
            name = f"model.layers.{i}.self_attn.{part}.weight"
            assert torch.equal(getattr(layer, part), state[name]) if family == "qwen3" else name not in state
        assert torch.equal(layer.input_norm, state[f"model.layers.{i}.input_layernorm.weight"])
        assert torch.equal(layer.post_norm, state[f"model.layers.{i}.post_attention_layernorm.weight"])


def test_dtypes_stay_as_stored(folder):
    half = {name: tensor.bfloat16() for name, tensor in load_file(folder / "model.safetensors").items()}
    change(folder, **half | {"model.norm.weight": half["model.norm.weight"].half()})
    loaded = load(folder, ModelConfig.from_folder(folder))
    assert (loaded.embed.dtype, loaded.norm.dtype) == (torch.bfloat16, torch.float16)


def test_hash_is_of_the_files(folder, tmp_path):
    digest = hashlib.sha256((folder / "model.safetensors").read_bytes()).hexdigest()
    loaded = load(folder, ModelConfig.from_folder(folder))
    assert (loaded.sha256, loaded.hash) == (digest, digest[:16])
    shards = tmp_path / "shards"
    make("llama", shards, "40KB")
    several = load(shards, ModelConfig.from_folder(shards))
    parts = [hashlib.sha256(path.read_bytes()).hexdigest() for path in sorted(shards.glob("*.safetensors"))]
    assert several.sha256 == hashlib.sha256("".join(parts).encode()).hexdigest()


def test_a_missing_tensor(folder):
    change(folder, **{Q: None})
    assert f"{Q} is missing" in refusal(folder)


def test_a_tensor_of_the_wrong_shape(folder):
    change(folder, **{Q: torch.zeros(48, 47)})
    assert Q in (text := refusal(folder)) and "(48, 47)" in text and "(48, 48)" in text


def test_unexpected_tensors(folder):
    change(folder, **{"model.layers.3.extra": torch.zeros(1), "zebra": torch.zeros(1)})
    assert "model.layers.3.extra and 1 more" in refusal(folder)


def test_a_tensor_of_another_dtype(folder):
    change(folder, **{Q: torch.zeros(48, 48, dtype=torch.float8_e4m3fn)})
    assert "float8_e4m3fn" in refusal(folder)


def test_old_rotary_buffers_are_passed_over(folder):
    change(folder, **{"model.layers.0.self_attn.rotary_emb.inv_freq": torch.zeros(6)})
    assert len(load(folder, ModelConfig.from_folder(folder)).layers) == 3


def test_a_tied_head_may_be_stored_if_it_is_the_embedding(tmp_path):
    make("llama-tied", tmp_path)
    embed = load_file(tmp_path / "model.safetensors")["model.embed_tokens.weight"]
    change(tmp_path, **{"lm_head.weight": embed.clone()})
    loaded = load(tmp_path, ModelConfig.from_folder(tmp_path))
    assert loaded.head is loaded.embed
    change(tmp_path, **{"lm_head.weight": embed + 1})
    assert "tied" in refusal(tmp_path)


@pytest.mark.parametrize("keep", [0, 4, 100, 0.5, -1])
def test_a_truncated_file(keep, folder):
    path = folder / "model.safetensors"
    content = path.read_bytes()
    path.write_bytes(content[: int(keep * len(content)) if isinstance(keep, float) else keep])
    assert "truncated" in refusal(folder)


@pytest.mark.parametrize("content", [b"\x00" * 64, b"\xff" * 64, b"no safetensors file", b"PK\x03\x04" * 20])
def test_a_damaged_file(content, folder):
    (folder / "model.safetensors").write_bytes(content)
    assert "damaged" in refusal(folder)


def test_no_weights(folder):
    (folder / "model.safetensors").unlink()
    assert "neither model.safetensors nor" in refusal(folder)
    (folder / "pytorch_model.bin").write_bytes(b"pickle")
    assert "not safetensors" in refusal(folder)


@pytest.fixture
def shards(tmp_path):
    make("llama", tmp_path, "40KB")
    return tmp_path


def index_of(folder):
    path = folder / "model.safetensors.index.json"
    return path, json.loads(path.read_text())


def test_a_missing_shard(shards):
    name = sorted(shards.glob("*.safetensors"))[1].name
    (shards / name).unlink()
    assert f"The shard {name}" in refusal(shards)


def test_a_truncated_shard(shards):
    path = sorted(shards.glob("*.safetensors"))[1]
    path.write_bytes(path.read_bytes()[:-8])
    assert path.name in (text := refusal(shards)) and "truncated" in text


def test_a_tensor_in_two_shards(shards):
    first, second = sorted(shards.glob("*.safetensors"))[:2]
    save_file(load_file(first) | load_file(second), second)
    assert "two files" in refusal(shards)


@pytest.mark.parametrize("content", ["", "[]", "{}", '{"weight_map": {}}', '{"weight_map": {"a": 1}}'])
def test_a_damaged_index(content, shards):
    index_of(shards)[0].write_text(content)
    assert "index.json is damaged" in refusal(shards)


def test_an_index_can_not_point_outside_of_its_folder(shards):
    path, index = index_of(shards)
    name = next(iter(index["weight_map"]))
    for elsewhere in ("../" + index["weight_map"][name], "/etc/passwd", ".."):
        path.write_text(json.dumps(index | {"weight_map": index["weight_map"] | {name: elsewhere}}))
        text = refusal(shards)
        assert "damaged" in text or "is missing" in text
