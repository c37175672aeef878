"""vLLM: https://docs.vllm.ai. Read and tried with 0.32.

It tells per request and per pass what was drafted and accepted if it was started with
`--per-request-spec-decode-metrics detailed`; else its metrics page tells the sums, which are ours only while nobody
else is served. Its drafts are chains.
"""

from __future__ import annotations

import json
import shlex

from mtpviz.engine.sampling import Sampling
from mtpviz.serving import _completions, metrics
from mtpviz.serving.answer import Answer, Pass
from mtpviz.serving.client import Client, Failure
from mtpviz.serving.server import Found, Wish

TITLE, OWNER = "vLLM", "vllm"
GENERATED, DRAFTS = "vllm:generation_tokens_total", "vllm:spec_decode_num_drafts_total"
DRAFTED, ACCEPTED = "vllm:spec_decode_num_draft_tokens_total", "vllm:spec_decode_num_accepted_tokens_total"
POSITIONS = "vllm:spec_decode_num_accepted_tokens_per_pos_total"
_METHODS = {"draft": "draft_model", "lookup": "ngram", "medusa": "medusa", "fastmtp": "mtp", "eagle": "eagle",
            "eagle3": "eagle3"}
_CANNOT = {"mtp": "vLLM loads no independent heads as Gloeckle et al. train them; its own mtp method wants one module "
                  "that reads the token before it, as fastmtp here.",
           "lmtp": "No serving engine has leaping heads (L-MTP).", "firp": "No serving engine has FIRP."}
_CHAIN = "vLLM 0.32 drafts chains only, no trees."


def describe(client: Client, entry: dict) -> tuple[str, dict]:
    """Version, and nothing more: vLLM does not tell what drafts."""
    return str(client.offered("/version").get("version", "")), {}


def count(client: Client) -> dict[str, float]:
    """The counters of tokens and drafts."""
    try:
        return metrics.read(client.text("/metrics"), (GENERATED, DRAFTS, DRAFTED, ACCEPTED, POSITIONS))
    except Failure:
        return {}


def request(found: Found, prompt: str, sampling: Sampling, limit: int) -> tuple[str, dict]:
    """Completions, with token ids."""
    asked = _completions.body(found.model, prompt, sampling, limit, all_tokens=0)
    return _completions.PATH, asked | {"return_token_ids": True}


def read(events: list[tuple[float, dict]], found: Found, sampled: dict[str, int]) -> Answer:
    """Passes from the arrays of the last event; from the metrics page, their sums; else the chunks alone."""
    told = _completions.stream(events)
    chunks, tokens = told.chunks, [token for chunk in told.chunks for token in chunk.tokens]
    counts = (told.last.get("metrics") or {}).get("speculative_decoding") or {}
    passes = _detailed(chunks, counts)
    if passes is None and not counts and sampled.get(GENERATED) == len(tokens):
        counts = _sums(sampled)
    if passes is None:
        speculates = bool(counts) or not sampled or DRAFTS in sampled
        passes = _completions.passes_of(chunks, None if speculates else 0)
    return Answer(tokens, passes, chunks[0].ms if chunks else 0.0, told.prompt, told.reason, counts)


def _detailed(chunks: list[_completions.Chunk], counts: dict) -> list[Pass] | None:
    accepted, drafted = counts.get("per_step_accepted"), counts.get("per_step_drafted")
    if not chunks or not isinstance(accepted, list) or not isinstance(drafted, list) or len(accepted) != len(drafted):
        return None
    sizes = [len(chunks[0].tokens) - 1, *(len(chunk.tokens) for chunk in chunks[1:])]
    places = _completions.align(sizes, accepted)
    return places and [Pass(chunk.ms, 0, 0) if place < 0 else Pass(chunk.ms, int(drafted[place]), int(accepted[place]))
                       for chunk, mine in zip(chunks, places, strict=True) for place in mine]


def _sums(sampled: dict[str, int]) -> dict:
    """The sums as vLLM's own object names them; nothing where it does not speculate."""
    drafts = sampled.get(DRAFTS, 0)
    return {"mean_acceptance_length": 1 + sampled[ACCEPTED] / drafts, "num_spec_steps": drafts,
            "draft_acceptance_rate": sampled[ACCEPTED] / max(1, sampled[DRAFTED]),
            "num_accepted_draft_tokens": sampled[ACCEPTED], "num_draft_tokens": sampled[DRAFTED],
            "accepted_per_position": metrics.positions(sampled, POSITIONS)} if drafts else {}


def launch(strategy: str, wish: Wish) -> tuple[str | None, str]:
    """`vllm serve` with the method by its name, never guessed from the draft's path."""
    line = f"vllm serve {shlex.quote(wish.model)} --per-request-spec-decode-metrics detailed"
    if strategy == "ntp":
        return line, "The baseline is a second server, for vLLM cannot turn drafts off per request."
    if strategy in _CANNOT:
        return None, _CANNOT[strategy]
    config: dict = {"method": _METHODS[strategy], "num_speculative_tokens": wish.length}
    if strategy == "lookup":
        config |= {"prompt_lookup_max": 4, "prompt_lookup_min": 1}
    elif strategy != "fastmtp":
        config["model"] = wish.draft
    notes = ["The module lies in the target's own folder, in MiMo's layout."] * (strategy == "fastmtp")
    note = " ".join([*notes, *[_CHAIN] * wish.tree])
    return f"{line} --speculative-config {shlex.quote(json.dumps(config))}", note
