"""Text that the target itself wrote: what draft heads are trained and judged on (FastMTP, section 3.2; methods of
EAGLE-3, section 4). A head that learns the target's own text learns what the target will accept.

Prompts are the openings of corpus documents. A `share` of the answers is greedy, the rest sampled as in FastMTP
(temperature 0.6, top-k 20, top-p 0.95). The engine writes them, with whatever strategy is fastest: all are lossless.
`fixed` takes the documents as they are, which is what FastMTP's table 1 compares self-distilled text with.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from pathlib import Path

import numpy as np

from mtpviz.engine.loop import Decoder
from mtpviz.engine.sampling import Sampling
from mtpviz.engine.session import Session
from mtpviz.errors import UserError
from mtpviz.race import make_drafter
from mtpviz.training.corpus import read_documents

MIX = {"tales": 0.30, "stories": 0.15, "chat": 0.20, "python": 0.20, "zh": 0.15}
GREEDY_SHARE = 0.4
TEMPERATURE, TOP_K, TOP_P = 0.6, 20, 0.95  # of the others
PROMPT_TOKENS = (8, 40)
# Every eighth text is long, so that a head with a cache of its own has met far positions.
ANSWER_TOKENS, LONG_ANSWER_TOKENS, LONG_EVERY = 200, 800, 8


def write_texts(session: Session, corpus: Path, split: str, out: Path, tokens: int, *, strategy: str = "ntp",
                seed: int = 0, greedy_share: float = GREEDY_SHARE, fixed: bool = False,
                mix: Mapping[str, float] = MIX,
                report: Callable[[str], None] = lambda line: None) -> dict[str, np.ndarray]:
    """Write `tokens` tokens of answers, or of the documents if `fixed`, into `out`/{domain}.bin (a stop token before
    each text; uint16, of a vocabulary beyond 65,536 tokens uint32), continuing what is there; returns the arrays by
    domain. `out`/texts.json says what the folder holds.

    Raises UserError for a folder that holds another model's texts, or texts of other settings.
    """
    folder = TextFolder(out, session.weights.sha256, session.config.vocab, split, seed, greedy_share, mix, fixed)
    openings = {domain: _openings(session, corpus, domain, split, seed, folder.written[domain]) for domain in mix}
    started, before, count = time.monotonic(), folder.tokens, 0
    while (have := folder.tokens) < tokens:
        domain = folder.neediest()
        prompt, text, draw = next(openings[domain])
        sampling = Sampling(seed=seed) if draw.random() < greedy_share else Sampling(
            TEMPERATURE, top_k=TOP_K, top_p=TOP_P, seed=int(draw.integers(2**62)))
        length = LONG_ANSWER_TOKENS if draw.integers(LONG_EVERY) == 0 else ANSWER_TOKENS
        if fixed:
            content = session.tokenizer.encode(text)[: PROMPT_TOKENS[1] + length]
        else:
            content = answer(session, strategy, prompt, sampling, length)
        folder.add(domain, [np.array([min(session.stop_ids, default=0), *content])])
        count += 1
        if count % 20 == 0:
            rate = (have - before) / (time.monotonic() - started) or 1e-9
            left = (tokens - have) / rate / 60
            report(f"{have:,} of {tokens:,} tokens, {rate:.0f} tokens/s, {left:.0f} minutes left")
    return read_texts(out)


class TextFolder:
    """A folder of texts that one target wrote under one set of settings; UserError where it holds others already.
    written: tokens by domain, of which `mix` says how the domains share the whole."""

    def __init__(self, out: Path, model: str, vocab: int, split: str, seed: int, greedy_share: float,
                 mix: Mapping[str, float], fixed: bool = False):
        described = {"model": model, "split": split, "seed": seed, "greedy_share": greedy_share}
        described |= {"fixed": True} if fixed else {}
        self.dtype, self.mix = np.dtype(np.uint16 if vocab <= 2**16 else np.uint32), mix
        _claim(out, described if self.dtype == np.uint16 else described | {"dtype": self.dtype.name})
        self.files = {domain: out / f"{domain}.bin" for domain in mix}
        self.written = {domain: file.stat().st_size // self.dtype.itemsize if file.is_file() else 0
                        for domain, file in self.files.items()}

    @property
    def tokens(self) -> int:
        """Of all domains."""
        return sum(self.written.values())

    def neediest(self) -> str:
        """The domain that is furthest behind its share."""
        return min(self.mix, key=lambda name: self.written[name] / self.mix[name])

    def add(self, domain: str, texts: Iterable[np.ndarray]) -> None:
        """Append texts, each with a stop token before it."""
        ids = np.concatenate(list(texts)).astype(self.dtype)
        with self.files[domain].open("ab") as file:
            file.write(ids.tobytes())
        self.written[domain] += len(ids)


def answer(session: Session, strategy: str, prompt: str, sampling: Sampling, length: int) -> list[int]:
    """The tokens of prompt and answer."""
    with session.lock:
        decoder = Decoder(session, make_drafter(strategy, session, sampling), prompt, sampling, length, record=False)
        decoder.prefill()
        while not decoder.done:
            decoder.step()
    return [*decoder.trace.run.prompt_tokens, *decoder.trace.token_ids]


def read_texts(folder: Path, model: str | None = None) -> dict[str, np.ndarray]:
    """The arrays that `write_texts` left in `folder`. UserError where there are none, and where they are not of the
    model with these weights (their sha256; None: any)."""
    try:
        described = json.loads((folder / "texts.json").read_text(encoding="utf-8"))
        dtype = np.dtype(described.get("dtype", "uint16"))
        arrays = {file.stem: np.fromfile(file, dtype) for file in sorted(folder.glob("*.bin"))}
    except (OSError, ValueError, AttributeError, TypeError):
        arrays = {}
    if not arrays:
        raise UserError(f"{folder} holds no self-distilled texts; `train texts` writes them.")
    if model is not None and described.get("model") != model:
        writer = str(described.get("model"))[:16]
        raise UserError(f"The texts in {folder} were written by another model ({writer}) than this one ({model[:16]}); "
                        "`train texts` writes its own.")
    return arrays


def _openings(session: Session, corpus: Path, domain: str, split: str, seed: int,
              skip: int) -> Iterator[tuple[str, str, np.random.Generator]]:
    """Openings of the documents, over and over, each with its document and random numbers of its own. skip: tokens that
    are written already; a continued run takes other numbers, not the same ones again."""
    draw = np.random.default_rng([seed, skip, sum(map(ord, domain))])
    while True:
        found = False
        for text, _ in read_documents(corpus, domain, split):
            if draw.random() < 0.5:  # not the same documents at the start of every run
                continue
            ids = session.tokenizer.encode(text[:1000])[: int(draw.integers(*PROMPT_TOKENS))]
            prompt = session.tokenizer.decode(ids).rstrip("\ufffd")
            if prompt.strip():
                found = True
                yield prompt, text, draw
        if not found:
            raise UserError(f"The corpus has no {domain} documents to open a text with.")


def _claim(out: Path, described: dict) -> None:
    try:
        out.mkdir(parents=True, exist_ok=True)
        note = out / "texts.json"
        if note.is_file() and json.loads(note.read_text(encoding="utf-8")) != described:
            raise UserError(f"{out} holds texts of another model or with other settings; choose another folder.")
        note.write_text(json.dumps(described) + "\n", encoding="utf-8")
    except (OSError, ValueError) as error:
        raise UserError(f"Cannot keep texts in {out}: {error}.") from None
