"""Every published checkpoint format of a draft head: made at random, told by its keys, loaded, and lossless."""

import json
from dataclasses import replace

import numpy as np
import pytest
import torch
from safetensors.torch import save_file
from tokenizers import Tokenizer, decoders, models, pre_tokenizers

from mtpviz.engine.sampling import Sampling
from mtpviz.engine.session import Session
from mtpviz.heads import eagle, eagle3, fastmtp, firp, lmtp, medusa, mtp
from mtpviz.heads.formats import kind_of
from mtpviz.models.catalogue import ModelEntry
from mtpviz.race import Race, make_drafter
from tests.models.checkpoints import make
from tests.models.sentences import sentence

D, H, G, C, M, V, VD = 32, 4, 2, 8, 64, 96, 40
CONFIG = {"hidden_size": D, "intermediate_size": M, "num_attention_heads": H, "num_key_value_heads": G, "head_dim": C,
          "num_hidden_layers": 1, "vocab_size": V, "rms_norm_eps": 1e-5}
META = {"input_layernorm": "attention_norm", "self_attn.q_proj": "attention.wq", "self_attn.k_proj": "attention.wk",
        "self_attn.v_proj": "attention.wv", "self_attn.o_proj": "attention.wo", "post_attention_layernorm": "ffn_norm",
        "mlp.gate_proj": "feed_forward.w1", "mlp.up_proj": "feed_forward.w3", "mlp.down_proj": "feed_forward.w2"}


def layer(at, width=D, names=None, bias=False, norms=("input_layernorm",)):
    """Shapes of a decoder layer; width: what q, k and v read. names: other ones by Hugging Face's."""
    shapes = {"self_attn.q_proj": (H * C, width), "self_attn.k_proj": (G * C, width),
              "self_attn.v_proj": (G * C, width), "self_attn.o_proj": (D, H * C), "post_attention_layernorm": (D,),
              "mlp.gate_proj": (M, D), "mlp.up_proj": (M, D), "mlp.down_proj": (D, M), **{norm: (D,) for norm in norms}}
    found = {f"{at}{(names or {}).get(name, name)}.weight": shape for name, shape in shapes.items()}
    if bias:
        found |= {f"{at}self_attn.{part}_proj.bias": (rows * C,) for part, rows in (("q", H), ("k", G), ("v", G))}
    return found


def residual(pattern, heads, unembedding=None):
    shapes = {}
    for i in range(heads):
        shapes |= {pattern.format(i) + "weight": (D, D), pattern.format(i) + "bias": (D,)}
        shapes |= {unembedding.format(i): (V, D)} if unembedding else {}
    return shapes


def module(at, proj, token, hidden, norm, inner, bias=False):
    norms = {f"{at}{name}.weight": (D,) for name in (token, hidden, norm)}
    return {f"{at}{proj}.weight": (D, 2 * D), **norms, **layer(f"{at}{inner}", bias=bias)}


MIMO = ("input_proj", "token_layernorm", "hidden_layernorm", "final_layernorm", "")
EAGLE3 = {"fc.weight": (D, 3 * D), "norm.weight": (D,), "lm_head.weight": (VD, D)}
SIDE = ("input_layernorm", "hidden_norm")
SPECULATORS = {"transformer_layer_config": CONFIG, "draft_vocab_size": VD, "norm_before_residual": True}
# name: (kind, tensors' shapes, config.json, file)
FORMATS = {
    "gloeckle": ("mtp", layer("extra_heads.0.") | layer("extra_heads.1."), {}, "model.safetensors"),
    "gloeckle of Meta": ("mtp", layer("extra_heads.0.", names=META) | {"output.weight": (V, D)}, {},
                         "consolidated.pth"),
    "medusa v1": ("medusa", residual("{}.0.linear.", 3, "{}.1.weight"), {"medusa_num_heads": 2}, "medusa_lm_head.pt"),
    "medusa v2": ("medusa", residual("{}.0.linear.", 3), {}, "model.safetensors"),
    "medusa-2": ("medusa", residual("medusa_head.{}.0.linear.", 3, "medusa_head.{}.1.weight")
                 | {"model.norm.weight": (D,)}, {}, "pytorch_model.bin"),
    "lmtp": ("lmtp", residual("heads.heads.{}.resblock.0.l_proj.", 3, "heads.heads.{}.lm_head.weight")
             | {"lm_head.weight": (V, D)}, {}, "model.safetensors"),
    "mimo": ("fastmtp", module("model.mtp_layers.0.", *MIMO, bias=True) | {"model.norm.weight": (D,)}, CONFIG,
             "model.safetensors"),
    "qwen-mtp": ("fastmtp", module("mtp.", "fc", "pre_fc_norm_embedding", "pre_fc_norm_hidden", "norm", "layers.0."),
                 CONFIG, "model.safetensors"),
    "speculators mtp": ("fastmtp", module("mtp_layers.0.", *MIMO), {"transformer_layer_config": CONFIG},
                        "model.safetensors"),
    "eagle": ("eagle", {"fc.weight": (D, 2 * D), "fc.bias": (D,), "embed_tokens.weight": (V, D)}
              | layer("layers.0.", norms=()), CONFIG, "pytorch_model.bin"),
    "eagle3": ("eagle3", EAGLE3 | layer("midlayer.", 2 * D, norms=SIDE), CONFIG, "model.safetensors"),
    "speculators eagle3": ("eagle3", EAGLE3 | layer("layers.0.", 2 * D, norms=SIDE), SPECULATORS, "model.safetensors"),
    "firp": ("firp", {"W.0.weight": (D, D), "W.0.bias": (D,)}, {"layer": 3, "k": 1}, "model.safetensors"),
}
LOADERS = {"mtp": mtp, "medusa": medusa, "lmtp": lmtp, "fastmtp": fastmtp, "eagle": eagle, "eagle3": eagle3,
           "firp": firp}


def write(folder, shapes, config, file="model.safetensors", seed=0):
    """A head with random tensors; returns them."""
    generator = torch.Generator().manual_seed(seed)
    tensors = {name: torch.randn(shape, generator=generator) * (shape[-1] ** -0.5 if len(shape) > 1 else 0.2)
               + (1.0 if len(shape) == 1 and "norm" in name else 0.0) for name, shape in shapes.items()}
    if (VD, D) in shapes.values():
        ids = torch.randperm(V, generator=generator)[:VD].sort().values
        kept = torch.zeros(V, dtype=torch.bool)
        kept[ids] = True
        tensors |= {"d2t": ids - torch.arange(VD), "t2d": kept}
    folder.mkdir(exist_ok=True)
    (folder / "config.json").write_text(json.dumps(config))
    if file.endswith("safetensors"):
        save_file(tensors, folder / file)
    else:
        torch.save(tensors, folder / file)
    return tensors


@pytest.fixture(scope="module")
def session(tmp_path_factory):
    """A random target of 96 tokens: a space and the other printable characters of ASCII, and one more."""
    folder = tmp_path_factory.mktemp("target")
    make("llama", folder, vocab_size=V, hidden_size=D, intermediate_size=M, num_hidden_layers=7, num_attention_heads=H,
         num_key_value_heads=G, head_dim=C, eos_token_id=None)
    letters = {letter: i for i, letter in enumerate(["\u0120", *map(chr, range(33, 127)), "\u00a1"])}
    tokenizer = Tokenizer(models.BPE(vocab=letters, merges=[]))
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    tokenizer.save(str(folder / "tokenizer.json"))
    return Session(ModelEntry("random", folder), dtype="fp32", threads=1)


def decode(session, kind, folder, tokens=6):
    """A few cycles with a head, beside next-token prediction."""
    own = Session(replace(session.entry, heads={kind: folder}), dtype="fp32", threads=1)
    race = Race(own, [f"{kind}:tree=chain"], "a fox", Sampling(), tokens)
    assert list(race)
    return race.traces


@pytest.mark.parametrize("name", FORMATS)
def test_a_published_format_is_told_loaded_and_lossless(session, tmp_path, name):
    kind, shapes, config, file = FORMATS[name]
    written = write(tmp_path / "head", shapes, config, file)
    assert kind_of(tmp_path / "head") == kind
    plain, drafted = decode(session, kind, tmp_path / "head")
    assert drafted.token_ids == plain.token_ids and any(step.nodes for step in drafted.steps)
    if "d2t" in written:
        kept = (torch.arange(VD) + written["d2t"]).tolist()
        assert {node.token for step in drafted.steps for node in step.nodes} <= set(kept)


def test_a_target_is_no_head(session):
    assert kind_of(session.entry.folder) is None


def first_draft(session, kind, folder):
    own = Session(replace(session.entry, heads={kind: folder}), dtype="fp32", threads=1)
    drafter = make_drafter(f"{kind}:tree=chain", own, Sampling())
    race = Race(own, [f"{kind}:tree=chain"], "a fox", Sampling(), 4)
    assert list(race) and drafter.head["parameters"] > 0
    return [(node.token, round(node.draft_prob, 4)) for node in race.traces[1].steps[0].nodes]


def test_the_same_module_drafts_the_same_in_every_naming(session, tmp_path):
    """MiMo concatenates [hidden ; embedding], Qwen and speculators [embedding ; hidden]."""
    tensors = write(tmp_path / "mimo", module("model.mtp_layers.0.", *MIMO), CONFIG)
    at = "model.mtp_layers.0."
    swapped = torch.cat(tensors[f"{at}input_proj.weight"].chunk(2, 1)[::-1], 1)
    qwen = {"input_proj": "fc", "token_layernorm": "pre_fc_norm_embedding", "hidden_layernorm": "pre_fc_norm_hidden",
            "final_layernorm": "norm"}
    renamed = {}
    for name, tensor in tensors.items():
        part = name.removeprefix(at).removesuffix(".weight")
        renamed[f"mtp.{qwen.get(part, f'layers.0.{part}')}.weight"] = swapped if part == "input_proj" else tensor
    write(tmp_path / "qwen", {"x": (1,)}, CONFIG)
    save_file({name: tensor.contiguous() for name, tensor in renamed.items()}, tmp_path / "qwen/model.safetensors")
    assert first_draft(session, "fastmtp", tmp_path / "mimo") == first_draft(session, "fastmtp", tmp_path / "qwen")


def test_metas_rotation_is_turned_into_ours(session, tmp_path):
    """Rows of a head in Meta's order, x0 y0 x1 y1 ..., are Hugging Face's x0 x1 ... y0 y1 ...."""
    tensors = write(tmp_path / "meta", layer("extra_heads.0.", names=META), {})
    loaded = mtp.load(tmp_path / "meta", session.config, session.weights).layers[0]
    wq = tensors["extra_heads.0.attention.wq.weight"]
    for head in range(H):
        rows = wq[head * C : (head + 1) * C]
        assert loaded.q[head * C : (head + 1) * C].equal(torch.cat([rows[0::2], rows[1::2]]))
    assert loaded.v.equal(tensors["extra_heads.0.attention.wv.weight"])


WRONG = {
    "another target": ({"target_hash": "0" * 64}, {}, "another target"),
    "another width": ({"hidden_size": 48}, {}, "hidden size of 48"),
    "a layer that is none": ({"eagle_aux_hidden_state_layer_ids": [1, 2, 7]}, {}, "the target has 7"),
    "a number in words": ({"num_attention_heads": "four"}, {}, "num_attention_heads"),
    "a map beyond the vocabulary": ({}, {"d2t": torch.full((VD,), V)}, "does not pick ascending ids"),
    "a map and its flags at odds": ({}, {"t2d": torch.ones(V, dtype=torch.bool)}, "does not pick ascending ids"),
    "a missing tensor": ({}, {"fc.weight": None}, "fc.weight is missing"),
    "another shape": ({}, {"fc.weight": torch.zeros(D, 2 * D)}, "has shape (32, 64)"),
    "one tensor too many": ({}, {"extra.weight": torch.zeros(2)}, "can't place"),
    "norms of speculators": ({"norm_before_fc": True}, {}, "norm_before_fc"),
}


@pytest.mark.parametrize("name", WRONG)
def test_a_wrong_head_is_one_sentence(session, tmp_path, name):
    config, tensors, hint = WRONG[name]
    written = write(tmp_path / "eagle3", EAGLE3 | layer("midlayer.", 2 * D, norms=SIDE), CONFIG | config)
    changed = {key: tensor for key, tensor in (written | tensors).items() if tensor is not None}
    save_file(changed, tmp_path / "eagle3/model.safetensors")
    assert hint in sentence(eagle3.load, tmp_path / "eagle3", session.config, session.weights)


def test_damaged_folders_and_settings_out_of_range_are_one_sentence(session, tmp_path):
    kind, shapes, config, file = FORMATS["medusa v1"]
    write(tmp_path / "medusa", shapes, config, file)
    own = Session(replace(session.entry, heads={"medusa": tmp_path / "medusa"}), dtype="fp32", threads=1)
    assert "3 Medusa heads" in sentence(make_drafter, "medusa:heads=4", own, Sampling())
    assert "has no EAGLE head" in sentence(make_drafter, "eagle", own, Sampling())
    for spec, hint in (("medusa:heads=17", "from 0 to 16"), ("lmtp:stride=0", "from 1 to 8"),
                       ("eagle:depth=17", "from 0 to 16"), ("eagle:nodes=64", "from 0 to 48")):
        assert hint in sentence(make_drafter, spec, own, Sampling())
    (tmp_path / "medusa" / file).write_bytes(b"not tensors")
    assert "damaged" in sentence(kind_of, tmp_path / "medusa")
    write(tmp_path / "firp", FORMATS["firp"][1], {"layer": 7, "k": 1})
    assert "the target's last is 6" in sentence(firp.load, tmp_path / "firp", session.config, session.weights)
    kind, shapes, _, file = FORMATS["lmtp"]
    write(tmp_path / "lmtp", shapes, {"ahead": [3, 5]}, file)
    assert "3 numbers above 1" in sentence(lmtp.load, tmp_path / "lmtp", session.config, session.weights)
    own = Session(replace(session.entry, heads={"lmtp": tmp_path / "lmtp"}), dtype="fp32", threads=1)
    (tmp_path / "lmtp/config.json").write_text("{}")
    assert "No L-MTP head guesses with stride 3" in sentence(make_drafter, "lmtp:stride=3", own, Sampling())


def test_frequency_maps_of_other_engines(session, tmp_path):
    """FR-Spec's files are bare lists of ids by falling frequency, saved by torch."""
    from mtpviz.heads.vocabulary import load_map

    ids = torch.randperm(V)[:VD].tolist()
    torch.save([*ids, ids[0]], tmp_path / "en.pt")
    assert load_map(tmp_path, "en", V).tolist() == sorted(ids)
    assert np.array_equal(load_map(tmp_path, "en", V), np.sort(ids))
    torch.save([1, V], tmp_path / "en.pt")
    assert f"from 0 to {V - 1}" in sentence(load_map, tmp_path, "en", V)
    torch.save({"a": 1}, tmp_path / "en.pt")
    assert "list of token ids" in sentence(load_map, tmp_path, "en", V)
