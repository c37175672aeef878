"""`bench vocabulary`: what a draft's unembedding costs, whole and cut to a language's tokens (FR-Spec; FastMTP, 3.3).

On the bundled model's own maps, and on random weights of a real vocabulary, where the unembedding is most of a draft
step: which weights they are does not matter to a clock.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable, Sequence

import numpy as np
import torch

from mtpviz.bench import machine
from mtpviz.bench.harness import Bench, Suite, in_turns, spread
from mtpviz.bench.report import Report, Table
from mtpviz.engine.sampling import top_probs
from mtpviz.engine.session import Session
from mtpviz.errors import UserError
from mtpviz.heads.vocabulary import FULL, LANGUAGES, load_map, rankings
from mtpviz.models.config import ModelConfig
from mtpviz.models.cpu import MAX_ROWS, CpuModel
from mtpviz.models.weights import random

BEST = 4  # candidates of a row that a draft takes
CONTEXT = 256  # positions before a timed step
NOTE = ("A draft step is one decoder layer and the unembedding of its rows; best: the four likeliest tokens of each "
        "row with their probabilities. Medians and quartiles of runs in turns; against full: the whole step's.")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The shape that is timed with random weights."""
    parser.add_argument("--vocab", type=int, default=151936, metavar="N", help="tokens, by default Qwen3's")
    parser.add_argument("--hidden", type=int, default=1024, metavar="N", help="width, by default Qwen3-0.6B's")
    parser.add_argument("--kept", default="32768,16384", metavar="N,N,...",
                        help="tokens that the maps keep, by default as FastMTP's")
    parser.add_argument("--rows", default="1,4,8", metavar="N,N,...", help="nodes that a draft step scores")
    parser.add_argument("--repeats", type=int, default=15, metavar="N", help="of each timing")


def run(bench: Bench) -> Report:
    """Time the unembeddings of the session's model by its maps, then those of the asked shape."""
    args, session = bench.args, bench.open(None)
    if session.gpu is not None:
        raise UserError("bench vocabulary times the CPU's unembedding, so it needs --device cpu; bench engine times a "
                        "GPU's kernels.")
    sizes, rows = _numbers(args.kept, "kept tokens", args.vocab), _numbers(args.rows, "rows", MAX_ROWS)
    if args.repeats < 1:
        raise UserError(f"The number of repeats is {args.repeats}; it must be at least 1.")
    environment = machine.environment(session)
    bench.progress(f"{session.entry.name}, its own maps")
    own = _own(session, rows, args.repeats)
    bench.progress(f"a vocabulary of {args.vocab:,}, hidden {args.hidden}: random weights")
    step = _Step(_shape(args.vocab, args.hidden), session.target.dtype, session.threads)
    heads = {size: step.model.packed.head if size == args.vocab else step.cut(size)
             for size in dict.fromkeys([args.vocab, *sizes])}
    timed = []
    for count in rows:
        bench.progress(f"a vocabulary of {args.vocab:,}, hidden {args.hidden}: {count} rows")
        timed += _compared([({"rows": count, "kept": size, "share": size / args.vocab}, step.timer(head, size, count))
                            for size, head in heads.items()], args.repeats)
    return Report("vocabulary", environment, [
        Table(f"A vocabulary of {args.vocab:,}, hidden {args.hidden}, random weights", timed, NOTE),
        Table(f"{session.entry.name}, its own maps", own, "coverage: of held-out text that the target wrote, counted "
              "when the map was made.")])


class _Step:
    """A one-layer draft module and its unembeddings."""

    def __init__(self, config: ModelConfig, dtype: torch.dtype, threads: int):
        self.weights = random(config, dtype=torch.bfloat16)
        self.model = CpuModel(config, self.weights, dtype)
        self.model.threads = threads
        self.cache = self.model.new_cache(CONTEXT + MAX_ROWS)
        self.cache.keys[...] = self.cache.values[...] = 0.0
        self.cache.length = CONTEXT

    def cut(self, size: int) -> np.ndarray:
        """Panels of `size` of the tokens, evenly spread."""
        vocab = self.model.config.vocab
        return self.model.pack_head(self.weights.head[torch.arange(size) * vocab // size])

    def timer(self, head: np.ndarray, size: int, rows: int) -> Callable[[], dict[str, float]]:
        """A function that takes a step of `rows` rows; milliseconds of its parts."""
        chain = np.arange(rows)

        def layer() -> np.ndarray:
            self.model.stream[:rows, : self.model.config.hidden] = 1.0
            return self.model.run(self.cache, rows, chain - 1, CONTEXT + chain, 0, head_rows=0).normed

        return lambda: _parts(self.model, layer, head, size)


def _parts(model: CpuModel, layer: Callable[[], np.ndarray], head: np.ndarray, size: int) -> dict[str, float]:
    marks = [time.perf_counter()]
    normed = layer()
    marks.append(time.perf_counter())
    logits = model.unembed(normed, head, size)
    marks.append(time.perf_counter())
    for row in logits:
        top_probs(row, BEST)
    marks.append(time.perf_counter())
    return dict(zip(("layer ms", "unembedding ms", "best ms"), 1000 * np.diff(marks), strict=True))


def _compared(timers: Sequence[tuple[dict, Callable[[], dict[str, float]]]], repeats: int) -> list[dict]:
    """Rows of a table, the first of `timers` being what the others are compared with."""
    runs = {number: timer for number, (_, timer) in enumerate(timers)}
    for timer in runs.values():
        timer()  # compiles, and touches its memory
    turns = list(in_turns(runs, repeats))
    found = []
    for number, (where, _) in enumerate(timers):
        ratios = [sum(turn[number].values()) / sum(turn[0].values()) for turn in turns]
        parts = {name: spread([turn[number][name] for turn in turns]) for name in turns[0][number]}
        found.append(where | parts | {"against full": spread(ratios)})
    return found


def _own(session: Session, rows: Sequence[int], repeats: int) -> list[dict]:
    """The unembedding of the session's model, whole and by language. Its layer is a pass of the target's last layer."""
    model, folder, vocab = session.target, session.entry.vocabulary, session.config.vocab
    maps = {language: ids for language in LANGUAGES if (ids := load_map(folder, language, vocab)) is not None}
    covered = {language: ranking.coverage for language, ranking in rankings(folder).items()} if maps else {}
    heads = {FULL: (model.packed.head, vocab)}
    heads |= {language: (model.pack_head(session.weights.head[torch.from_numpy(ids)]), len(ids))
              for language, ids in maps.items()}
    cache = model.new_cache(CONTEXT + MAX_ROWS)
    cache.keys[...] = cache.values[...] = 0.0
    cache.length = min(CONTEXT, session.context - MAX_ROWS)
    found = []
    for count in rows:
        chain = np.arange(count)

        def layer(count=count, chain=chain) -> np.ndarray:
            model.stream[:count, : model.config.hidden] = 1.0
            return model.run(cache, count, chain - 1, cache.length + chain, model.config.layers - 1, head_rows=0).normed

        found += _compared([
            ({"rows": count, "vocabulary": name, "kept": size, "share": size / vocab,
              "coverage": next((part for kept, part in covered.get(name, ()) if kept >= size), None)},
             lambda layer=layer, head=head, size=size: _parts(model, layer, head, size))
            for name, (head, size) in heads.items()], repeats)
    return found


def _shape(vocab: int, hidden: int) -> ModelConfig:
    """One layer in Qwen3's proportions."""
    if hidden < 64 or hidden % 64:
        raise UserError(f"The hidden size is {hidden}; a multiple of 64 would be right.")
    heads = hidden // 64
    return ModelConfig(vocab, hidden, 1, heads, max(1, heads // 2), 128, 3 * hidden, CONTEXT + 2 * MAX_ROWS,
                       rope_theta=1e6, qk_norm=True, tied=True)


def _numbers(text: str, what: str, most: int) -> list[int]:
    try:
        found = [int(number) for number in text.split(",")]
    except ValueError:
        found = []
    if not found or min(found) < 1 or max(found) > most:
        raise UserError(f"The {what} are {text!r}; they must be numbers from 1 to {most:,}, separated by commas.")
    return found


SUITE = Suite("vocabulary", "the time of a draft's unembedding, whole and with a compressed vocabulary", add_arguments,
              run)
