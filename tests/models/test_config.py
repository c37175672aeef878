"""config.py: what config.json says, in both of transformers' spellings, and a sentence for what can't run."""

import json

import numpy as np
import pytest
import torch
import transformers

from mtpviz.errors import UserError
from mtpviz.models import weights
from mtpviz.models.config import Llama3Scaling, ModelConfig
from tests.models.checkpoints import FAMILIES, LLAMA3, SIZES, make
from tests.models.sentences import sentence

RAW = SIZES | {"model_type": "llama", "hidden_act": "silu", "rms_norm_eps": 1e-5}


def folder_with(path, **changes):
    raw = {name: value for name, value in (RAW | changes).items() if value is not ...}
    (path / "config.json").write_text(json.dumps(raw))
    return path


def read(path, **changes) -> ModelConfig:
    return ModelConfig.from_folder(folder_with(path, **changes))


@pytest.mark.parametrize("family", FAMILIES)
def test_sizes_and_frequencies_are_those_of_transformers(family, tmp_path):
    model = make(family, tmp_path)
    config = ModelConfig.from_folder(tmp_path)
    assert config.parameters == sum(weight.numel() for weight in model.parameters())
    assert np.array_equal(config.rope_inv_freq(), model.model.rotary_emb.inv_freq.numpy())
    assert config.rope_inv_freq().dtype == np.float32
    assert config.tied == model.config.tie_word_embeddings
    assert (config.bos, config.eos, config.family) == (1, (2,), model.config.model_type)
    assert config == ModelConfig.from_hf(model.config)
    assert hash(config) == hash(ModelConfig.from_hf(model.config))


def test_random_weights_fit_their_config():
    config = ModelConfig(100, 32, 2, 4, 2, 16, 48, 64, qkv_bias=True, qk_norm=True, tied=True)
    made = weights.random(config, seed=1, dtype=torch.bfloat16)
    assert sum(tensor.numel() for tensor in made._tensors()) == config.parameters
    assert made.hash == weights.random(config, seed=1, dtype=torch.bfloat16).hash
    assert made.hash != weights.random(config, seed=2, dtype=torch.bfloat16).hash


def test_both_spellings_of_rope(tmp_path):
    scaling = {name: value for name, value in LLAMA3.items() if name != "rope_theta"}
    old = read(tmp_path, rope_theta=5000.0, rope_scaling=scaling)
    new = read(tmp_path, rope_parameters=scaling | {"rope_theta": 5000.0})
    assert old == new
    assert (new.rope_theta, new.rope_scaling) == (5000.0, Llama3Scaling(4.0, 1.0, 4.0, 64))
    assert read(tmp_path, rope_theta=5000.0).rope_scaling is None


def test_llama3_scaling_has_its_three_ranges():
    plain = ModelConfig(10, 8, 1, 1, 1, 64, 8, 8)
    scaled = ModelConfig(10, 8, 1, 1, 1, 64, 8, 8, rope_scaling=Llama3Scaling(8.0, 1.0, 4.0, 64))
    ratio = plain.rope_inv_freq() / scaled.rope_inv_freq()
    wavelength = 2 * np.pi / plain.rope_inv_freq()
    assert np.all(ratio[wavelength < 16] == 1)
    assert np.allclose(ratio[wavelength > 64], 8)
    between = ratio[(wavelength >= 16) & (wavelength <= 64)]
    assert len(between) and np.all((between >= 1) & (between <= 8)) and np.all(np.diff(between) > 0)


def test_a_window_smaller_than_the_context_limits_it(tmp_path):
    short = read(tmp_path, model_type="mistral", sliding_window=32)
    assert (short.context, short.sliding_window) == (32, 32)
    assert short.context_note == "32 tokens, the model's sliding window"
    full = read(tmp_path, model_type="mistral", sliding_window=None)
    assert (full.context, full.sliding_window) == (256, None)
    assert "256 tokens" in full.context_note
    assert read(tmp_path, model_type="mistral", sliding_window=4096).context == 256


def test_qwen_slides_only_where_it_says_so(tmp_path):
    qwen = {"model_type": "qwen2", "sliding_window": 32}
    assert read(tmp_path, **qwen, use_sliding_window=False).context == 256
    assert read(tmp_path, **qwen, use_sliding_window=True, max_window_layers=3).context == 256
    assert read(tmp_path, **qwen, use_sliding_window=True, max_window_layers=2).context == 32


def test_generation_config_names_the_stop_ids(tmp_path):
    folder_with(tmp_path)
    (tmp_path / "generation_config.json").write_text('{"eos_token_id": [5, 7]}')
    assert ModelConfig.from_folder(tmp_path).eos == (5, 7)
    (tmp_path / "generation_config.json").write_text('{"eos_token_id": "</s>"}')
    assert "eos_token_id" in sentence(ModelConfig.from_folder, tmp_path)


@pytest.mark.parametrize("kind", ["GPT2", "Gemma", "Mixtral", "Qwen3Moe", "Bert"])
def test_another_family_is_named(kind, tmp_path):
    other = getattr(transformers, kind + "Config")()
    other.save_pretrained(tmp_path)
    text = sentence(ModelConfig.from_folder, tmp_path)
    assert repr(other.model_type) in text and "Llama, Qwen2, Qwen3 and Mistral" in text
    assert sentence(ModelConfig.from_hf, other) == text


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"model_type": ...}, "family None"),
        ({"hidden_act": "gelu"}, "gelu"),
        ({"attention_bias": True}, "biases"),
        ({"mlp_bias": True}, "biases"),
        ({"quantization_config": {"quant_method": "gptq"}}, "quantised"),
        ({"rope_scaling": {"rope_type": "yarn", "factor": 2.0}}, "yarn"),
        ({"rope_scaling": {"type": "linear", "factor": 2.0}}, "linear"),
        ({"rope_scaling": {"rope_type": "llama3", "factor": 2.0}}, "rope"),
        ({"partial_rotary_factor": 0.5}, "part of each head"),
        ({"num_key_value_heads": 3}, "share"),
        ({"head_dim": 15}, "even"),
        ({"num_hidden_layers": 0}, "layers"),
        ({"hidden_size": -48}, "hidden"),
        ({"vocab_size": "many"}, "vocab_size"),
        ({"num_attention_heads": 5}, "heads"),
        ({"num_attention_heads": 0}, "config"),
    ],
)
def test_what_can_not_run_is_one_sentence(changes, says, tmp_path):
    assert says in sentence(read, tmp_path, **changes)


def test_a_bad_config_file_is_one_sentence(tmp_path):
    assert "config.json is missing" in sentence(ModelConfig.from_folder, tmp_path)
    assert "config.json is missing" in sentence(ModelConfig.from_folder, tmp_path / "nowhere")
    for content in (b"", b"{", b"\xff\xfe{}", b"[1]", b"null"):
        (tmp_path / "config.json").write_bytes(content)
        assert "config.json" in sentence(ModelConfig.from_folder, tmp_path)


def test_no_code_of_a_folder_runs(tmp_path):
    (tmp_path / "evil.py").write_text("raise SystemExit('ran')")
    auto_map = {"AutoConfig": "evil.Config"}
    assert read(tmp_path, auto_map=auto_map).family == "llama"
    with pytest.raises(UserError):
        read(tmp_path, auto_map=auto_map, model_type="evil")
