"""Thousands of a target's own texts at once: what selfdistill.py writes one by one with the engine, on a GPU.

A small model's step takes the same few milliseconds for one row and for two thousand. Prompts of a batch have one
length, so no row is padded and no attention masked; each row is greedy or drawn for itself.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from mtpviz.errors import UserError
from mtpviz.training.selfdistill import (
    ANSWER_TOKENS,
    GREEDY_SHARE,
    LONG_ANSWER_TOKENS,
    LONG_EVERY,
    MIX,
    PROMPT_TOKENS,
    TEMPERATURE,
    TOP_K,
    TOP_P,
    TextFolder,
)
from mtpviz.training.teacher import Teacher

ROWS = {"cpu": 16, "cuda": 2048}  # texts of a batch
_GLANCE = 16  # steps between two looks at whether every text is over, each of which waits for the device


def write_answers(teacher: Teacher, corpus: Mapping[str, np.ndarray], stop: int, split: str, out: Path, tokens: int, *,
                  seed: int = 0, greedy_share: float = GREEDY_SHARE, mix: Mapping[str, float] = MIX,
                  ends: float = float("inf"), report: Callable[[str], None] = lambda line: None) -> bool:
    """Write `tokens` tokens of answers into `out`, a folder like selfdistill.write_texts', continuing what is there;
    False where the monotonic clock read `ends` before. corpus: token arrays of the split by domain, `stop` before each
    document; their openings are the prompts.

    Raises UserError for a folder that holds another model's texts, or texts of other settings.
    """
    folder = TextFolder(out, teacher.weights.sha256, teacher.config.vocab, split, seed, greedy_share, mix)
    openings = {domain: _Openings(corpus[domain], stop) for domain in mix}
    started, before = time.monotonic(), folder.tokens
    while folder.tokens < tokens:
        if time.monotonic() >= ends:
            return False
        domain = folder.neediest()
        draw = np.random.default_rng([seed, folder.tokens, sum(map(ord, domain))])
        prompt = int(draw.integers(*PROMPT_TOKENS))
        answer = LONG_ANSWER_TOKENS if draw.integers(LONG_EVERY) == 0 else ANSWER_TOKENS
        answer = min(answer, teacher.config.context - prompt)
        missing = tokens * mix[domain] / sum(mix.values()) - folder.written[domain]
        rows = min(ROWS[teacher.device.type], max(1, round(missing / answer)))
        prompts = torch.from_numpy(openings[domain].take(rows, prompt, draw)).to(teacher.device)
        greedy = torch.from_numpy(draw.random(len(prompts)) < greedy_share).to(teacher.device)
        generator = torch.Generator(teacher.device).manual_seed(int(draw.integers(2**62)))
        folder.add(domain, [_text(row, stop, prompt) for row in answers(teacher, prompts, answer, greedy, stop,
                                                                          generator).cpu().numpy()])
        rate = (folder.tokens - before) / (time.monotonic() - started)
        report(f"{folder.tokens:,} of {tokens:,} tokens, {rate:,.0f} tokens/s")
    return True


@torch.inference_mode()
def answers(teacher: Teacher, prompts: Tensor, length: int, greedy: Tensor, stop: int,
            generator: torch.Generator) -> Tensor:
    """prompts int64 (rows, T), then at most `length` tokens of the teacher's, `stop` behind the end of a text: int64
    (rows, T + n). greedy: bool (rows,); the other rows draw at TEMPERATURE from the TOP_K likeliest tokens and of
    these from the fewest that hold TOP_P, as FastMTP's data (section 3.2)."""
    found, over = [prompts], torch.zeros(len(prompts), dtype=torch.bool, device=prompts.device)
    ids, cache = prompts, None
    for step in range(length):
        out = teacher.model(ids, past_key_values=cache, use_cache=True, logits_to_keep=1)
        cache = out.past_key_values
        best = out.logits[:, -1].float().topk(min(TOP_K, out.logits.shape[-1]))
        probs = (best.values / TEMPERATURE).softmax(-1)
        probs = torch.where(probs.cumsum(-1) - probs < TOP_P, probs, 0.0)
        drawn = torch.multinomial(probs, 1, generator=generator)
        token = best.indices.gather(1, drawn.masked_fill(greedy[:, None], 0))[:, 0]
        token = torch.where(over, stop, token)
        over = over | (token == stop)
        ids = token[:, None]
        found.append(ids)
        if step % _GLANCE == _GLANCE - 1 and bool(over.all()):
            break
    return torch.cat(found, 1)


def _text(row: np.ndarray, stop: int, prompt: int) -> np.ndarray:
    """A stop token, the prompt and the answer up to its end."""
    end = np.flatnonzero(row[prompt:] == stop)
    return np.concatenate([[stop], row[: prompt + end[0]] if len(end) else row])


class _Openings:
    """The first tokens of a domain's documents, each document once before any comes again."""

    def __init__(self, tokens: np.ndarray, stop: int):
        self.tokens = tokens
        ends = np.flatnonzero(tokens == stop)
        self.starts, self.lengths = ends[:-1] + 1, np.diff(ends) - 1
        self.order = np.empty(0, np.int64)

    def take(self, rows: int, length: int, draw: np.random.Generator) -> np.ndarray:
        """int64 (up to rows, length): openings of documents of at least so many tokens."""
        if not (self.lengths >= length).any():
            raise UserError(f"The corpus has no document of {length} tokens to open a text with.")
        if len(self.order) < rows:
            self.order = np.concatenate([self.order, draw.permutation(len(self.starts))])
        taken, self.order = self.order[:rows], self.order[rows:]
        starts = self.starts[taken[self.lengths[taken] >= length]]
        if not len(starts):
            return self.take(rows, length, draw)
        return self.tokens[starts[:, None] + np.arange(length)].astype(np.int64)
