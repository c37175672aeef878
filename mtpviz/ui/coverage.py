"""What the page tells of the draft's vocabulary: coverage by language, and what the text at hand would lose."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import cache
from pathlib import Path

from mtpviz.analysis import passes
from mtpviz.analysis.vocabulary import coverage, measured_sizes, outside, tau_within
from mtpviz.errors import UserError
from mtpviz.heads.vocabulary import LANGUAGES, Ranking, language_of, rankings
from mtpviz.models.catalogue import BUNDLED, resolve
from mtpviz.models.tokenizer import Tokenizer
from mtpviz.strings import say
from mtpviz.trace import Run, Trace

STEPS = 24  # points of a curve over the size


def function(find: Callable[[object], Sequence[Trace]]) -> Callable[[object], dict]:
    """The server function `vocabulary`. find: the traces of a run by its id."""

    def vocabulary(wish: object) -> dict:
        run, lane = wish if isinstance(wish, list) and len(wish) == 2 else (None, None)
        traces = find(run)
        if not isinstance(lane, int) or not 0 <= lane < len(traces):
            return {"error": say("vocabulary.none")}
        try:
            return of_lane(traces, lane)
        except UserError as error:
            return {"error": str(error)}

    return vocabulary


def of_lane(traces: Sequence[Trace], lane: int) -> dict:
    """What a lane's text needs of the vocabulary. Raises UserError where the model's maps are not at hand.

    vocab: size of the whole vocabulary. languages: {name: [[size, held-out coverage], ...]}. language: the lane's.
    size: tokens that its draft scores, `kept` those of the language's map. text: [[size, share of this text], ...].
    lost: places in the text outside of `size` tokens. tau: [[size, tau], ...] by `tau_within`; measured: [[size, tau]].
    row_bytes: of one token's row in the unembedding that drafts, None where its width is not told.
    """
    trace = traces[lane]
    maps = _maps(trace)
    language = trace.run.settings.get("vocab")
    language = language if language in LANGUAGES else language_of(trace.run.prompt)
    if language not in maps:
        raise UserError(say("vocabulary.none"))
    ranked = maps[language]
    size = trace.run.settings.get("vocab_size")
    size = size if isinstance(size, int) and 0 < size <= ranked.vocab else None
    tokens, sizes = trace.token_ids, _sizes(ranked)
    within = min(size or len(ranked.ids), len(ranked.ids))
    drafted = any(step.nodes for step in trace.steps) and size is not None
    return {"vocab": ranked.vocab, "language": language, "size": size, "kept": len(ranked.ids),
            "languages": {name: [list(point) for point in entry.coverage] for name, entry in maps.items()},
            "text": [[n, share] for n, share in zip(sizes, coverage(tokens, ranked.ids, sizes), strict=True)],
            "lost": outside(tokens, ranked.ids, within), "tokens": len(tokens), "row_bytes": _row_bytes(trace.run),
            "tau": [[n, tau_within(trace, ranked.ids, n)] for n in sizes if n <= within] if drafted else [],
            "measured": [list(point) for point in measured_sizes(traces, trace)]}


def _row_bytes(run: Run) -> int | None:
    """Heads draft at the target's width, a draft model at its own; some traces do not tell that one."""
    shape = passes.shape_of(run) if (run.head or {}).get("name") != "draft" else run.head.get("shape", {})
    return shape["hidden"] * passes.width_of(run) if "hidden" in shape else None


def _sizes(ranked: Ranking) -> list[int]:
    """Sizes up to the map's own, evenly."""
    kept = len(ranked.ids)
    return sorted({max(1, round(kept * (i + 1) / STEPS)) for i in range(STEPS)})


def _maps(trace: Trace) -> dict[str, Ranking]:
    """The maps of the bundled model, if the trace's tokens are that model's: its pieces must be the tokenizer's."""
    entry = resolve(BUNDLED)
    if entry.vocabulary is None or trace.run.model.get("name") != BUNDLED:
        raise UserError(say("vocabulary.none"))
    tokenizer = _tokenizer(entry.folder)
    if any(tokenizer.piece(token) != text for token, text in trace.run.pieces.items()):
        raise UserError(say("vocabulary.other"))
    return rankings(entry.vocabulary)


@cache
def _tokenizer(folder: Path) -> Tokenizer:
    return Tokenizer(folder)
