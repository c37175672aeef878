"""TensorRT-LLM's trtllm-serve: https://nvidia.github.io/TensorRT-LLM. Read in its sources; it needs NVIDIA's GPUs.

It refuses a request with a field it does not know, and tells no token ids. Of the drafts it tells how many tokens a
pass wrote in the mean, and on its metrics page sums over all requests.
"""

from __future__ import annotations

import json
import shlex

from mtpviz.engine.sampling import Sampling
from mtpviz.serving import _completions, metrics
from mtpviz.serving.answer import Answer
from mtpviz.serving.client import Client, Failure
from mtpviz.serving.server import Found, Wish

TITLE, OWNER = "TensorRT-LLM", "tensorrt_llm"
DRAFTED, ACCEPTED = "trtllm_spec_decode_drafted_tokens_total", "trtllm_spec_decode_accepted_tokens_total"
_CANNOT = {"mtp": "TensorRT-LLM loads no independent heads as Gloeckle et al. train them; its MTP wants one module "
                  "that reads the token before it, as fastmtp here.",
           "medusa": "TensorRT-LLM's PyTorch backend has no Medusa heads.",
           "eagle": "TensorRT-LLM has EAGLE-3 only; its name Eagle means that.",
           "lmtp": "No serving engine has leaping heads (L-MTP).", "firp": "No serving engine has FIRP."}


def describe(client: Client, entry: dict) -> tuple[str, dict]:
    """Version."""
    return str(client.offered("/version").get("version", "")), {}


def count(client: Client) -> dict[str, float]:
    """The sums of the drafts; its `/metrics` is another thing, JSON statistics of iterations."""
    try:
        return metrics.read(client.text("/prometheus/metrics"), (DRAFTED, ACCEPTED))
    except Failure:
        return {}


def request(found: Found, prompt: str, sampling: Sampling, limit: int) -> tuple[str, dict]:
    """Completions; every field is one of its CompletionRequest."""
    return _completions.PATH, _completions.body(found.model, prompt, sampling, limit, all_tokens=0)


def read(events: list[tuple[float, dict]], found: Found, sampled: dict[str, int]) -> Answer:
    """One pass a chunk. The number of passes follows from the mean that the server tells, tokens / passes, in which the
    prefill is one; where chunks hide some (`stream_interval`), its number counts."""
    told = _completions.stream(events)
    chunks, tokens = told.chunks, [token for chunk in told.chunks for token in chunk.tokens]
    passes, mean = _completions.passes_of(chunks, None), told.last.get("avg_decoded_tokens_per_iter")
    number = round(len(tokens) / mean) - 1 if isinstance(mean, int | float) and mean >= 1 else len(passes)
    counts, drafted, accepted = {}, sampled.get(DRAFTED, 0), sampled.get(ACCEPTED, 0)
    cut = accepted - (len(tokens) - 1 - number)  # accepted, but behind the end of the text
    if drafted and 0 <= cut <= drafted // max(1, number) + 1:  # otherwise others were served meanwhile
        counts = {"num_draft_tokens": drafted, "num_accepted_draft_tokens": accepted, "num_spec_steps": number,
                  "mean_acceptance_length": 1 + accepted / max(1, number),
                  "draft_acceptance_rate": accepted / drafted}
    return Answer(tokens, passes, chunks[0].ms if chunks else 0.0, told.prompt, told.reason, counts,
                  number if number > len(passes) else None)


def launch(strategy: str, wish: Wish) -> tuple[str | None, str]:
    """A settings file and the server that reads it."""
    if strategy in _CANNOT:
        return None, _CANNOT[strategy]
    config = {"ntp": [], "lookup": ["decoding_type: NGram", "max_matching_ngram_size: 4"],
              "draft": ["decoding_type: Draft_Target", f"speculative_model: {json.dumps(wish.draft)}"],
              "fastmtp": ["decoding_type: MTP"],
              "eagle3": ["decoding_type: Eagle3", f"speculative_model: {json.dumps(wish.draft)}"]}[strategy]
    config += [f"max_draft_len: {wish.length}"] if config else []
    if wish.tree and strategy == "eagle3":
        config += ["use_dynamic_tree: true", "dynamic_tree_max_topK: 4", f"max_total_draft_tokens: {2 * wish.length}"]
    overlap = ["disable_overlap_scheduler: true"] if strategy in ("lookup", "draft") else []
    block = ["speculative_config:", *(f"  {line}" for line in config)] if config else []
    lines = "\n".join(["return_perf_metrics: true", *overlap, *block])
    note = {"ntp": "The baseline is a second server, for TensorRT-LLM cannot turn drafts off per request.",
            "fastmtp": "The module lies in the target's own folder."}.get(strategy, "")
    return (f"cat > serve.yaml <<'END'\n{lines}\nEND\ntrtllm-serve {shlex.quote(wish.model)} --config serve.yaml", note)
