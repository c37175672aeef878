"""vLLM's answers with metrics of every pass: a completion or chat completion of a server that was started with
`--per-request-spec-decode-metrics detailed`, one JSON document or one a line.

`metrics.speculative_decoding` has "per_step_accepted" and "per_step_drafted", a number for each pass that drafted (vLLM
0.32, features/speculative_decoding/acceptance_metrics). Times need `--enable-per-request-metrics`, the tokens' texts
"logprobs" in the request, their ids "return_token_ids".
"""

from __future__ import annotations

import datetime
import math

from mtpviz.foreign._lane import BLANK, Pass, Token, lane, named, whole
from mtpviz.trace import Run, Trace

NAME = "a vLLM answer"
MANY = 24
TOKENS = ("vLLM's file tells how many drafts each pass made and accepted, but not their tokens: ? stands for a token "
          "that is not told.")
TIMES = "Its passes' own times are not in it: they share the whole time evenly."
CLOCK = "It tells no times: each pass is drawn as one millisecond, and no speed may be read from that."
PLAIN = "Passes that drafted nothing are not in its lists: as many as the length needs stand at the end."


def read(records: list[dict]) -> list[Trace] | None:
    """A lane for each answer. None where these are no vLLM answers with metrics of each pass."""
    answers = [record for record in records if "choices" in record and _counts(record) is not None]
    if not answers:
        return None
    if len(answers) > MANY:
        raise ValueError(f"it holds {len(answers)} answers, of which at most {MANY} fit in one comparison")
    return [_lane(answer, f" {number}" if len(answers) > 1 else "") for number, answer in enumerate(answers, 1)]


def _counts(record: dict) -> dict | None:
    counts = (record.get("metrics") or {}).get("speculative_decoding")
    return counts if isinstance(counts, dict) and "per_step_accepted" in counts else None


def _lane(answer: dict, number: str) -> Trace:
    counts, choice, metrics = _counts(answer), answer["choices"][0], answer["metrics"]
    accepted, drafted = counts["per_step_accepted"], counts["per_step_drafted"]
    if len(accepted) != len(drafted):
        raise ValueError(f"it accepts in {len(accepted)} passes and drafts in {len(drafted)}")
    length = whole((answer.get("usage") or {}).get("completion_tokens"), "the number of completion tokens")
    tokens = _tokens(choice, length)
    passes = [Pass(whole(a, "an accepted length"), whole(d, "a drafted length")) for a, d in
              zip(accepted, drafted, strict=True)]
    plain = length - 1 - sum(entry.accepted + 1 for entry in passes)
    passes += [Pass(0, 0)] * max(0, plain)
    first, took = (_ms(metrics.get(name)) for name in ("time_to_first_token_ms", "generation_time_ms"))
    created = answer.get("created")
    date = datetime.datetime.fromtimestamp(whole(created, "the time of creation"), datetime.UTC) if created else None
    run = Run(strategy="vllm", title=f"vLLM{number}", settings={}, head=None, prompt="",
              model={"name": str(answer.get("model", "")), "hash": "", "parameters": 0},
              prompt_tokens=[whole(token, "a prompt token") for token in choice.get("prompt_token_ids") or []],
              sampling={}, seed=0, max_new_tokens=length, device="server", hardware="vLLM server", dtype="", threads=0,
              versions={"vllm": str(answer["system_fingerprint"])} if answer.get("system_fingerprint") else {},
              date=date.isoformat() if date else "", recorded=True, peer=True, prefill_ms=first or 0.0,
              first=tokens[0].id if tokens else -1, first_text=tokens[0].text if tokens else "")
    said = [*([TOKENS] if any(token.text == BLANK for token in tokens) else []), TIMES if took else CLOCK,
            *([PLAIN] if plain > 0 else [])]
    reason = "stop" if choice.get("finish_reason") == "stop" else "length"
    return lane(run, passes, tokens[1:], took or float(len(passes)), {"reason": reason, "untold": said})


def _tokens(choice: dict, length: int) -> list[Token]:
    """As many as were completed, with their ids and texts where the answer has them for every one."""
    ids, said = choice.get("token_ids"), choice.get("logprobs") or {}
    texts = said.get("tokens") or [entry["token"] for entry in said.get("content") or []]
    whole_text = len(texts) == length and all(isinstance(text, str) for text in texts)
    found = named(texts) if whole_text else [Token()] * length
    if ids is None or len(ids) != length:
        return found
    return [Token(whole(id, "a token's id"), token.text) for id, token in zip(ids, found, strict=True)]


def _ms(value: object) -> float | None:
    return float(value) if isinstance(value, int | float) and math.isfinite(value) and value > 0 else None
