import json

import pytest
import torch
from safetensors.torch import load_file
from transformers import AutoTokenizer, LlamaForCausalLM

from mtpviz.heads import mtp
from mtpviz.models import weights
from mtpviz.models.config import ModelConfig
from mtpviz.training import export
from mtpviz.training.card import corpus_notice, count_parameters
from mtpviz.training.data import TokenStream
from mtpviz.training.export import export_run, weights_hash
from mtpviz.training.presets import PRESETS, find_preset
from mtpviz.training.run import new_run


@pytest.fixture
def run():
    run = new_run(find_preset("tiny"), TokenStream({}, {"a": 1.0}), device="cpu", dtype=torch.float32)
    for model in (run.target, run.draft):
        for parameter in model.parameters():
            torch.nn.init.normal_(parameter, std=0.3)
            # What bfloat16 can hold, so that the exported weights are the same numbers.
            parameter.data = parameter.data.bfloat16().float()
    return run


@pytest.fixture
def record(corpus):
    notice = corpus_notice((corpus / "README.md").read_text())
    return {"hardware": "a test bench", "date": "2026-01-02", "corpus_notice": notice}


@pytest.mark.parametrize("shard_bytes", [2**20, 20_000])
def test_transformers_computes_the_same_logits_and_text(
    run, record, tokenizer, tmp_path, monkeypatch, shard_bytes
):
    monkeypatch.setattr(export, "MAX_SHARD_BYTES", shard_bytes)
    export_run(run.state_dict(), tokenizer, tmp_path, record)
    ids = torch.randint(2, 512, (2, 40))
    for part, model in (("target", run.target), ("draft", run.draft)):
        loaded = LlamaForCausalLM.from_pretrained(tmp_path / part, dtype=torch.float32).eval()
        with torch.no_grad():
            ours, theirs = model(ids), loaded(ids).logits
        assert (ours - theirs).abs().max() < 1e-4
        text = ids[:1, :8]
        for _ in range(20):
            text = torch.cat([text, model(text)[:, -1:].argmax(-1)], dim=1)
        made = loaded.generate(
            ids[:1, :8], max_new_tokens=20, do_sample=False, eos_token_id=None, pad_token_id=1
        )
        assert made.equal(text)
        assert AutoTokenizer.from_pretrained(tmp_path / part).eos_token_id == loaded.config.eos_token_id == 0


def test_heads_hold_the_extra_layers_and_name_their_target(run, record, tokenizer, tmp_path):
    export_run(run.state_dict(), tokenizer, tmp_path, record)
    tensors = load_file(tmp_path / "heads/mtp/model.safetensors")
    saved = {
        name: value for name, value in run.target.state_dict().items() if name.startswith("extra_heads.")
    }
    assert set(tensors) == set(saved) and "extra_heads.2.self_attn.q_proj.weight" in tensors
    assert all(tensors[name].float().equal(value) for name, value in saved.items())
    config = json.loads((tmp_path / "heads/mtp/config.json").read_text())
    assert config["kind"] == "mtp" and config["num_heads"] == 3 and config["offsets"] == [2, 3, 4]
    assert config["target_hash"] == weights_hash(tmp_path / "target")


@pytest.mark.parametrize("shard_bytes", [2**20, 20_000])
def test_the_engine_takes_the_heads_with_their_target(
    run, record, tokenizer, tmp_path, monkeypatch, shard_bytes
):
    monkeypatch.setattr(export, "MAX_SHARD_BYTES", shard_bytes)
    export_run(run.state_dict(), tokenizer, tmp_path, record)
    config = ModelConfig.from_folder(tmp_path / "target")
    heads = mtp.load(tmp_path / "heads/mtp", config, weights.load(tmp_path / "target", config))
    assert len(heads.layers) == 3 and heads.parameters == count_parameters(
        "heads/mtp", find_preset("tiny").target
    )


def test_cards_tell_the_run_and_keep_the_attributions(run, record, tokenizer, tmp_path):
    state = run.state_dict()
    scores = {"loss": [1.5, 2.5, 3.5, 4.5], "accuracy": [0.5, 0.25, 0.125, 0.1]}
    state["history"] = [
        {"held_out": {"tales": scores}, "held_out_draft": {"tales": {"loss": [2.0], "accuracy": [0.4]}}}
    ]
    state["counters"]["tokens"] = 12_340_000
    export_run(state, tokenizer, tmp_path, record)
    target, draft, heads = (
        (tmp_path / part / "README.md").read_text() for part in ("target", "draft", "heads/mtp")
    )
    for card in (target, draft, heads):
        assert "12.34 M" in card and "a test bench" in card and "2026-01-02" in card
        assert (
            "| tales | rule | written here @ abc123 | CC-BY 4.0 |" in card and "Every source is free." in card
        )
        assert weights_hash(tmp_path / "target") in card
    assert "| tales | 1.500 | 50.0% |" in target
    assert "| tales | 2.000 | 40.0% |" in draft
    assert "| tales | 2.500 | 25.0% | 3.500 | 12.5% | 4.500 | 10.0% |" in heads


def test_a_second_export_replaces_the_first(run, record, tokenizer, tmp_path, monkeypatch):
    monkeypatch.setattr(export, "MAX_SHARD_BYTES", 20_000)
    export_run(run.state_dict(), tokenizer, tmp_path, record)
    assert (tmp_path / "target/model.safetensors.index.json").exists()
    monkeypatch.undo()
    export_run(run.state_dict(), tokenizer, tmp_path, record)
    assert [path.name for path in (tmp_path / "target").glob("model*")] == ["model.safetensors"]


@pytest.mark.parametrize("name", PRESETS)
def test_the_card_counts_parameters_rightly(name):
    run = new_run(PRESETS[name], TokenStream({}, {"a": 1.0}), device="meta", dtype=torch.float32)
    sizes = {key: value.numel() for key, value in run.target.state_dict().items()}
    extra = sum(size for key, size in sizes.items() if key.startswith("extra_heads."))
    assert count_parameters("heads/mtp", PRESETS[name].target) == extra
    assert count_parameters("target", PRESETS[name].target) == sum(sizes.values()) - extra
    assert count_parameters("draft", PRESETS[name].draft) == sum(p.numel() for p in run.draft.parameters())
    assert count_parameters("draft", PRESETS[name].draft) <= 4_000_000
