"""transformers on the same GPU in the same run: generate as it comes, and a compiled forward over a static cache."""

from __future__ import annotations

import time

import torch

from mtpviz.bench import prompts
from mtpviz.bench.device.passes import stamps_of
from mtpviz.bench.device.probe import MODELS, Findings, Probe, goal, prompt
from mtpviz.bench.harness import decode
from mtpviz.bench.report import Table
from mtpviz.engine.sampling import Sampling
from mtpviz.kernels.device import interpreting
from mtpviz.models.config import ModelConfig
from mtpviz.strategies.device.ntp import DeviceNextToken

NEW = 64


def generate(probe: Probe) -> Findings:
    """transformers' generate beside ntp: the bundled model, then the shapes."""
    import transformers

    transformers.logging.set_verbosity_error()
    table, goals = [], []
    session, new = probe.session, 4 if interpreting() else 128
    text = prompts.select(prompts.BUILT_IN, ["tales"], 1)["tales"][0].text
    probe.progress("bundled model: transformers' generate")
    peer = transformers.AutoModelForCausalLM.from_pretrained(
        session.entry.folder, dtype=probe.dtype, local_files_only=True, trust_remote_code=False).to(probe.device).eval()
    theirs = _tokens_per_s(peer, session.encode(text, new), new)
    decode(session, "ntp", text, Sampling(), min(new, 16))
    ours = decode(session, "ntp", text, Sampling(), new).tokens_per_s
    table.append({"model": "bundled", "context": 0, "ntp tokens/s": ours, "generate tokens/s": theirs,
                  "faster by": ours / theirs})
    goals.append(goal("bundled model: ntp against transformers' generate", least=20, measured=ours / theirs))
    del peer
    for name in [name for name in probe.models if name != "Llama-3.1-8B"]:
        if probe.over:
            break
        model, context = probe.model(name), probe.contexts[0]
        probe.progress(f"{name}: transformers' generate")
        peer = _random_peer(MODELS[name], probe)
        theirs = _tokens_per_s(peer, prompt(model, context), 4 if interpreting() else NEW)
        del peer
        lane = probe.lane(model, DeviceNextToken(None, Sampling()), [prompt(model, context)], 8 * NEW)
        lane.prefill()
        ours = stamps_of(lane, 6 if interpreting() else NEW)["device tokens/s"]
        table.append({"model": name, "context": context, "ntp tokens/s": ours, "generate tokens/s": theirs,
                      "faster by": ours / theirs})
        if name == "Qwen3-0.6B":
            goals.append(goal("Qwen3-0.6B: ntp against transformers' generate", least=10, measured=ours / theirs))
    return Findings([Table("transformers' generate", table, "Greedy, batch 1, the decoding alone: the prefill is taken "
                           "off by a run of one token. Shapes: random weights.")], goals)


def compiled(probe: Probe) -> Findings:
    """transformers' forward over a static cache, compiled with graphs, one token a call."""
    if interpreting():
        return Findings([Table("A compiled static-cache forward", [], "torch.compile's graphs need a GPU.")])
    table = []
    for name in probe.models:
        if probe.over:
            break
        probe.progress(f"{name}: transformers compiles a forward over a static cache")
        peer, context = _random_peer(MODELS[name], probe), probe.contexts[0]
        speed = _tokens_per_s(peer, prompt(probe.model(name), context), NEW, cache_implementation="static")
        table.append({"model": name, "context": context, "ms": 1000 / speed, "tokens/s": speed})
        del peer
        torch.compiler.reset()
    return Findings([Table("A compiled static-cache forward", table, "transformers' generate with "
                           "cache_implementation=static, which compiles the forward; the decoding alone, random "
                           "weights.")])


def _random_peer(c: ModelConfig, probe: Probe):
    """transformers' Qwen3 or Llama of the same sizes, its weights as it makes them."""
    import transformers

    family = "Qwen3" if c.qk_norm else "Llama"
    config = getattr(transformers, f"{family}Config")(
        vocab_size=c.vocab, hidden_size=c.hidden, intermediate_size=c.inner, num_hidden_layers=c.layers,
        num_attention_heads=c.heads, num_key_value_heads=c.kv_heads, head_dim=c.head_dim, tie_word_embeddings=c.tied,
        max_position_embeddings=c.context, bos_token_id=None, eos_token_id=None, pad_token_id=0)
    with torch.device(probe.device):
        return transformers.AutoModelForCausalLM.from_config(config, dtype=probe.dtype).eval()


def _tokens_per_s(model, tokens: list[int], new: int, **options) -> float:
    """Of generate after its first token. options: generate's."""
    ids = torch.tensor([tokens], device=model.device)

    def seconds(count: int) -> float:
        with torch.inference_mode():
            if model.device.type == "cuda":
                torch.cuda.synchronize()
            start = time.perf_counter()
            model.generate(ids, attention_mask=torch.ones_like(ids), max_new_tokens=count, min_new_tokens=count,
                           do_sample=False, use_cache=True, pad_token_id=0, eos_token_id=None, **options)
            if model.device.type == "cuda":
                torch.cuda.synchronize()
            return time.perf_counter() - start

    seconds(new)  # compiles and warms up
    return (new - 1) / max(1e-9, seconds(new) - seconds(1))
