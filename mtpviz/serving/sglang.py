"""SGLang: https://docs.sglang.ai. Read in 0.5.23's sources; there is no build of it for a machine without a GPU.

It tells sums per request. What a pass drafted follows only where that is one fixed chain; of a tree it tells neither
the shape nor, pass by pass, the size.
"""

from __future__ import annotations

import shlex

from mtpviz.engine.sampling import Sampling
from mtpviz.serving import _completions
from mtpviz.serving.answer import Answer
from mtpviz.serving.client import Client
from mtpviz.serving.server import Found, Wish

TITLE, OWNER = "SGLang", "sglang"
_CANNOT = {"mtp": "SGLang loads no independent heads as Gloeckle et al. train them; its NEXTN wants one module that "
                  "reads the token before it, as fastmtp here.",
           "medusa": "SGLang has no Medusa heads.", "lmtp": "No serving engine has leaping heads (L-MTP).",
           "firp": "No serving engine has FIRP."}


def describe(client: Client, entry: dict) -> tuple[str, dict]:
    """Version, and what drafts, from the server's own arguments."""
    told = client.offered("/get_server_info")
    algorithm, draft = told.get("speculative_algorithm"), told.get("speculative_draft_model_path")
    facts: dict = {"speculative": bool(algorithm)} if told else {}
    if algorithm:
        facts["draft"] = f"{algorithm} {draft or ''}".strip()
        drafts = told.get("speculative_num_draft_tokens")  # the root is one of them
        if told.get("speculative_eagle_topk") == 1 and not told.get("speculative_adaptive") and isinstance(drafts, int):
            facts["length"] = drafts - 1
    return str(told.get("version", "")), facts


def count(client: Client) -> dict[str, float]:
    """Nothing: its page has gauges over all requests, and the sums come with the answer."""
    return {}


def request(found: Found, prompt: str, sampling: Sampling, limit: int) -> tuple[str, dict]:
    """Completions, with token ids and the sums of the drafts."""
    asked = _completions.body(found.model, prompt, sampling, limit, all_tokens=-1)
    return _completions.PATH, asked | {"return_token_ids": True, "return_spec_tokens_details": True}


def read(events: list[tuple[float, dict]], found: Found, sampled: dict[str, int]) -> Answer:
    """One pass a chunk; the sums under vLLM's names and by vLLM's definitions."""
    told = _completions.stream(events)
    chunks, tokens = told.chunks, [token for chunk in told.chunks for token in chunk.tokens]
    details = (told.last.get("sglext") or {}).get("spec_tokens_details") or {}
    verified, accepted = details.get("spec_verify_ct"), details.get("spec_num_correct_drafts") or 0
    drafted = None if found.facts.get("speculative", True) else 0
    passes, hidden, counts = _completions.passes_of(chunks, drafted), None, {}
    if verified:  # every pass verifies a draft; spec_accept_length counts the prefill's token, so it is not taken over
        counts = {"num_spec_steps": verified, "num_accepted_draft_tokens": accepted,
                  "num_draft_tokens": details.get("spec_num_proposed_drafts"),
                  "mean_acceptance_length": 1 + accepted / verified,
                  "draft_acceptance_rate": details.get("spec_accept_rate"),
                  "acceptance_histogram": details.get("spec_correct_drafts_histogram")}
        length = found.facts.get("length")
        if verified != len(passes):
            hidden = verified
        elif length and all(entry.accepted <= length for entry in passes):
            passes = _completions.passes_of(chunks, length)
    return Answer(tokens, passes, chunks[0].ms if chunks else 0.0, told.prompt, told.reason, counts, hidden)


def launch(strategy: str, wish: Wish) -> tuple[str | None, str]:
    """The server with one algorithm. Its drafts count the root, and a tree of topk 4 gets twice the path's length."""
    line = f"python -m sglang.launch_server --model-path {shlex.quote(wish.model)}"
    if strategy == "ntp":
        return line, "The baseline is a second server, for SGLang cannot turn drafts off per request."
    if strategy in _CANNOT:
        return None, _CANNOT[strategy]
    if strategy == "lookup":
        return f"{line} --speculative-algorithm NGRAM --speculative-num-draft-tokens {wish.length + 1}", ""
    algorithm = {"draft": "STANDALONE", "eagle": "EAGLE", "eagle3": "EAGLE3", "fastmtp": "NEXTN"}[strategy]
    path = "" if strategy == "fastmtp" else f" --speculative-draft-model-path {shlex.quote(wish.draft)}"
    tree = wish.tree and wish.length > 1 and strategy != "draft"  # STANDALONE's own default is a chain
    topk, drafts = (4, 2 * wish.length) if tree else (1, wish.length + 1)
    notes = ["The module lies in the target's own folder. A compressed vocabulary goes in with "
             "--speculative-token-map FREQ.pt."] * (strategy == "fastmtp")
    notes += ["SGLang does not tell what each pass of a tree drafted; of a chain it follows."] * tree
    return (f"{line} --speculative-algorithm {algorithm}{path} --speculative-num-steps {wish.length} "
            f"--speculative-eagle-topk {topk} --speculative-num-draft-tokens {drafts}",
            " ".join(notes))
