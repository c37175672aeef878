"""llama.cpp's llama-server: https://github.com/ggml-org/llama.cpp. Read and run.

Its native `/completion` sends one event a token, and in each the drafts so far: events with the same clock are one
pass. Text of an unfinished character is held back, with the ids of its tokens but the last; these are not told.
"""

from __future__ import annotations

import itertools
import shlex

from mtpviz.engine.sampling import Sampling
from mtpviz.serving.answer import Answer, Pass, Token
from mtpviz.serving.client import Client
from mtpviz.serving.server import Found, Wish
from mtpviz.trace import UNKNOWN

TITLE, OWNER = "llama.cpp", "llamacpp"
_CANNOT = {"mtp": "llama.cpp loads no independent heads as Gloeckle et al. train them; its draft-mtp wants one module "
                  "that reads the token before it, as fastmtp here.",
           "medusa": "llama.cpp has no Medusa heads.", "eagle": "llama.cpp has EAGLE-3 only.",
           "lmtp": "No serving engine has leaping heads (L-MTP).", "firp": "No serving engine has FIRP."}


def describe(client: Client, entry: dict) -> tuple[str, dict]:
    """Build, size and precision; the kind of drafting where the server names it."""
    told, size = client.offered("/props"), entry.get("meta") or {}
    kinds = ((told.get("default_generation_settings") or {}).get("params") or {}).get("speculative.types")
    facts: dict = {"parameters": int(size.get("n_params") or 0), "dtype": str(size.get("ftype") or "").lower()}
    drafts = [kind for kind in str(kinds or "").split(",") if kind not in ("", "none")]
    return str(told.get("build_info", "")), facts | ({"draft": ", ".join(drafts)} if drafts else {})


def count(client: Client) -> dict[str, float]:
    """Nothing: every event tells it."""
    return {}


def request(found: Found, prompt: str, sampling: Sampling, limit: int) -> tuple[str, dict]:
    """The native completion. Every setting is sent, for the server has defaults of its own."""
    return "/completion", {"prompt": prompt, "n_predict": limit, "stream": True, "return_tokens": True,
                           "timings_per_token": True, "temperature": 0.0 if sampling.greedy else sampling.temperature,
                           "top_k": sampling.top_k, "top_p": sampling.top_p, "min_p": sampling.min_p,
                           "repeat_penalty": 1.0, "seed": sampling.seed % (2**32 - 1)}


def read(events: list[tuple[float, dict]], found: Found, sampled: dict[str, int]) -> Answer:
    """Passes from what grew between the clocks of the events.

    After N tokens of which A were accepted drafts, 1 + A + passes = N, the prefill's token being the 1; so the growth
    of N and A over a burst tells how many passes it holds. Several are in one only where all of a pass was held back.
    """
    tokens: list[Token] = []
    passes: list[Pass] = []
    reason, prompt, first_ms, drafted, accepted = "", 0, 0.0, 0, 0
    bursts = itertools.groupby(events, key=lambda event: (event[1].get("timings") or {}).get("predicted_ms"))
    for _, burst in bursts:
        seconds, timings = 0.0, {}
        for arrival, event in burst:
            content, ids = str(event.get("content") or ""), event.get("tokens") or []
            prompt = int(event.get("tokens_evaluated") or prompt)
            fresh = int(event.get("tokens_predicted") or 0) - len(tokens)
            if fresh > 0:
                last = int(ids[-1]) if ids else UNKNOWN
                tokens += [Token(UNKNOWN, "")] * (fresh - 1) + [Token(last, content, content if fresh == 1 else "")]
                seconds, timings = arrival, event.get("timings") or {}
                first_ms = first_ms or 1000 * seconds
            elif content and tokens:  # the rest of a character that no token completed
                tokens[-1] = Token(tokens[-1].id, tokens[-1].text + content)
            if event.get("stop"):
                reason = "length" if event.get("stop_type") == "limit" else "stop"
        now, taken = int(timings.get("draft_n") or 0), int(timings.get("draft_n_accepted") or 0)
        if not timings or (len(tokens) == 1 and not now):  # nothing new, or the prefill's token alone
            continue
        number = max(1, len(tokens) - 1 - taken - len(passes))
        passes += _burst(1000 * seconds, number, now - drafted, taken - accepted)
        drafted, accepted = now, taken
    counts = {"num_draft_tokens": drafted, "num_accepted_draft_tokens": accepted,
              "num_spec_steps": sum(entry.drafted != 0 for entry in passes),
              "draft_acceptance_rate": accepted / drafted} if drafted else {}
    return Answer(tokens, passes, first_ms, _prompt(found, events, prompt), reason, counts)


def _burst(ms: float, number: int, drafted: int, accepted: int) -> list[Pass]:
    """The passes of a burst. Of several only the sums are told: they are dealt out evenly, and marked."""
    if number == 1:
        return [Pass(ms, drafted, accepted)]
    return [Pass(ms, None, accepted // number + (index < accepted % number),
                 "held back" if drafted else "") if drafted else Pass(ms, 0, 0) for index in range(number)]


def _prompt(found: Found, events: list[tuple[float, dict]], count: int) -> list[int]:
    """The prompt's ids, from the server's own tokenizer, if they are as many as it evaluated."""
    text = next((event["prompt"] for _, event in reversed(events) if isinstance(event.get("prompt"), str)), None)
    ids = found.client.offered("/tokenize", {"content": text, "add_special": True}).get("tokens", []) if text else []
    return ids if len(ids) == count and all(isinstance(token, int) for token in ids) else [UNKNOWN] * count


def launch(strategy: str, wish: Wish) -> tuple[str | None, str]:
    """`llama-server` on GGUF files."""
    line = f"llama-server -m {shlex.quote(wish.model)} --metrics"
    note = "Models are GGUF files: convert_hf_to_gguf.py makes them."
    if strategy == "ntp":
        return line, note
    if strategy in _CANNOT:
        return None, _CANNOT[strategy]
    if strategy == "lookup":
        sizes = f"--spec-ngram-simple-size-n 4 --spec-ngram-simple-size-m {wish.length}"
        return f"{line} --spec-type ngram-simple {sizes}", note
    kind = {"draft": "draft-simple", "fastmtp": "draft-mtp", "eagle3": "draft-eagle3"}[strategy]
    path = "" if strategy == "fastmtp" else f" -md {shlex.quote(wish.draft)}"
    more = " The head is converted with --target-model-dir." if strategy == "eagle3" else ""
    more += " It drafts chains only, no trees." if wish.tree else ""
    return f"{line} --spec-type {kind}{path} --spec-draft-n-max {wish.length}", note + more
