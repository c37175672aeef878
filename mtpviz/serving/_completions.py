"""OpenAI's `/v1/completions` as vLLM, SGLang and TensorRT-LLM stream it: what is the same in all three."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from mtpviz.engine.sampling import Sampling
from mtpviz.serving.answer import Pass, Token, probability
from mtpviz.trace import UNKNOWN

PATH = "/v1/completions"
_AN_ID = re.compile(r"token_id:\d+")


@dataclass(frozen=True)
class Chunk:
    """Tokens that arrived in one event. ms: since the request."""

    ms: float
    tokens: list[Token]


@dataclass(frozen=True)
class Stream:
    """A whole stream. prompt: ids of the prompt, UNKNOWN where not told. reason: as in Trace.end, "" if it broke off.
    last: of every field at the top of an event or of its choice, the last value that was not null."""

    chunks: list[Chunk]
    prompt: list[int]
    reason: str
    last: dict


def body(model: str, prompt: str, sampling: Sampling, limit: int, all_tokens: int) -> dict:
    """What all of them are asked. all_tokens: the engine's top_k that is off. Every setting is sent, for a server has
    defaults of its own. logprobs: one a token, which tells each token's text and probability."""
    asked = {"model": model, "prompt": prompt, "max_tokens": limit, "stream": True, "logprobs": 1,
             "stream_options": {"include_usage": True, "continuous_usage_stats": True},
             "temperature": 0.0 if sampling.greedy else sampling.temperature, "repetition_penalty": 1.0}
    if not sampling.greedy:
        asked |= {"top_k": sampling.top_k or all_tokens, "top_p": sampling.top_p, "min_p": sampling.min_p,
                  "seed": sampling.seed}
    return asked


def stream(events: Iterable[tuple[float, dict]]) -> Stream:
    """Read a stream. A chunk's tokens are counted by their ids, else by their log-probabilities, else by the usage so
    far: never by characters, for a token within a character has none."""
    chunks: list[Chunk] = []
    prompt: list[int] = []
    reason, last, counted = "", {}, 0
    for seconds, event in events:
        choice = (event.get("choices") or [{}])[0]
        prompt = choice.get("prompt_token_ids") or event.get("prompt_token_ids") or prompt
        last |= {name: value for source in (event, choice) for name, value in source.items() if value is not None}
        usage = event.get("usage") or {}
        tokens = _tokens(choice, int(usage.get("completion_tokens") or 0) - counted)
        counted += len(tokens)
        if tokens:
            chunks.append(Chunk(1000 * seconds, tokens))
        if choice.get("finish_reason"):
            reason = "length" if choice["finish_reason"] == "length" else "stop"
    told = int((last.get("usage") or {}).get("prompt_tokens") or 0)
    return Stream(chunks, [int(token) for token in prompt] or [UNKNOWN] * told, reason, last)


def _tokens(choice: dict, grown: int) -> list[Token]:
    text, ids = str(choice.get("text") or ""), choice.get("token_ids") or []
    logs = choice.get("logprobs") or {}
    pieces = [piece for piece in logs.get("tokens") or [] if isinstance(piece, str)]
    count = len(ids) or len(pieces) or max(grown, int(bool(text)))
    probs = [probability(value) for value in logs.get("token_logprobs") or []]
    ids = [int(token) for token in ids] + [UNKNOWN] * (count - len(ids))
    probs = (probs + [None] * count)[:count]
    if len(pieces) != count or any(_AN_ID.fullmatch(piece) for piece in pieces):
        pieces = [text] if count == 1 else [""] * count
    if "".join(pieces) == text:
        texts = pieces
    else:  # a character was completed, or the tokens' own texts are not told: the last token brings it all
        texts = [*[""] * (count - 1), text][:count]
    return [Token(*fields) for fields in zip(ids, texts, pieces, probs, strict=True)]


def passes_of(chunks: Sequence[Chunk], drafted: int | None, untold: str = "") -> list[Pass]:
    """One pass a chunk, as the engines stream while the reader keeps up. The first token is the prefill's; what came in
    one event with it is a pass of its own."""
    sizes = [len(chunk.tokens) for chunk in chunks]
    return [Pass(chunk.ms, drafted, size - 1, untold)
            for chunk, size in zip(chunks, [sizes[0] - 1, *sizes[1:]] if sizes else [], strict=True) if size]


def align(sizes: Sequence[int], accepted: Sequence[int]) -> list[list[int]] | None:
    """Which of the passes that drafted came with which chunk.

    sizes: tokens of each chunk, the prefill's token not counted. accepted: of each pass that drafted, in order; passes
    without a draft are not among them and write one token. Gives for each chunk the places of its passes in `accepted`,
    -1 for a plain one; a chunk of several passes is one that a slow reader got merged. The last pass may be cut. Where
    a chunk of one token could be either, the next drafting pass that accepted nothing is taken to be it. None where the
    chunks and `accepted` do not go together.
    """
    found, at = [], 0
    for index, size in enumerate(sizes):
        mine: list[int] = []
        while size:
            next_size = accepted[at] + 1 if at < len(accepted) else 0
            cut = index == len(sizes) - 1 and at == len(accepted) - 1
            if next_size and (next_size <= size or cut):
                mine.append(at)
                size -= min(size, next_size)
                at += 1
            else:
                mine.append(-1)
                size -= 1
        found.append(mine)
    return found if at == len(accepted) else None
