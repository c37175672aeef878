"""Tiny random checkpoints of every supported family, written by transformers, so that reading is tested.

`make` writes one and returns the transformers model that the passes are compared with.
"""

from __future__ import annotations

from pathlib import Path

import torch
import transformers
from transformers import PreTrainedModel

LLAMA3 = {
    "rope_type": "llama3",
    "rope_theta": 10000.0,
    "factor": 4.0,
    "low_freq_factor": 1.0,
    "high_freq_factor": 4.0,
    "original_max_position_embeddings": 64,
}
SIZES = {
    "vocab_size": 131,
    "hidden_size": 48,
    "intermediate_size": 80,
    "num_hidden_layers": 3,
    "num_attention_heads": 4,
    "num_key_value_heads": 2,
    "max_position_embeddings": 256,
    "bos_token_id": 1,
    "eos_token_id": 2,
    "pad_token_id": 0,
}
# family -> (config class, model class, what it has beside the sizes)
FAMILIES = {
    "llama": ("LlamaConfig", "LlamaForCausalLM", {"tie_word_embeddings": False}),
    "llama-tied": ("LlamaConfig", "LlamaForCausalLM", {"tie_word_embeddings": True}),
    "llama3": ("LlamaConfig", "LlamaForCausalLM", {"rope_parameters": LLAMA3}),
    "qwen2": ("Qwen2Config", "Qwen2ForCausalLM", {"tie_word_embeddings": True}),
    "qwen3": ("Qwen3Config", "Qwen3ForCausalLM", {"tie_word_embeddings": False, "head_dim": 16}),
    "mistral": ("MistralConfig", "MistralForCausalLM", {"sliding_window": None}),
}


def make(family: str, folder: Path, shard_size: str = "5GB", seed: int = 0, **overrides) -> PreTrainedModel:
    """Write a random fp32 checkpoint of a family of FAMILIES to `folder`; returns transformers' model of it.

    overrides: fields of transformers' config. shard_size: save_pretrained's max_shard_size; "40KB" makes
    shards. Norm weights and biases are random too: with their initial ones and zeros a pass that forgets them
    would look right.
    """
    config_class, model_class, special = FAMILIES[family]
    config = getattr(transformers, config_class)(**SIZES | special | overrides)
    config._attn_implementation = "eager"
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        model = getattr(transformers, model_class)(config).eval()
        with torch.no_grad():
            for parameter in model.parameters():
                if parameter.ndim == 1:
                    parameter.add_(torch.randn_like(parameter) * 0.3)
                else:
                    parameter.normal_(std=parameter.shape[1] ** -0.5)
    model.save_pretrained(folder, max_shard_size=shard_size)
    return model
