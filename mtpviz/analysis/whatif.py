"""What if: the speedup that a lane would have on another card, with another model, batch, draft length or tree.

The model. A pass over n rows takes the longer of two times, plus its launches: reading the weights and each sequence's
cache once, or computing n rows (the roofline: Williams, Waterman and Patterson 2009, doi 10.1145/1498765.1498785).
A speculative step is one pass over batch x (1 + nodes) rows, the drafts, and the rest; it yields tau tokens where plain
decoding takes one pass over `batch` rows for one. speedup = tau / (verify + draft + rest), in plain passes.

What is measured and what supposed. On the run's own machine and model the price of a pass is measured: by the other
lanes of the race, or by the machine's own table (trace.Run.machine). On a card it is what `bench scale` measured there
for the model (analysis/scaling.py), and where nothing was measured the data sheet's, at SHARE of the card's peaks.
Acceptance by depth and rank is the present run's. Draft, commit and host keep their share of a plain pass, and a
draft's calls grow with its length as they did in this run.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import accumulate

from mtpviz.analysis import passes, scaling
from mtpviz.analysis.cards import Card, card_named, card_of
from mtpviz.analysis.cost import pass_ms
from mtpviz.analysis.lanes import baseline
from mtpviz.analysis.ranks import Ranks, best_tau, ranks
from mtpviz.analysis.speedup import speedup
from mtpviz.trace import Trace

HERE = ""  # the name of the run's own machine, and of its own model
SHARE = 0.7  # of a card's peaks that a tuned engine reaches (gpt-fast at 7-8B on an A100)
LAUNCH_MS = 0.002  # of one kernel in a captured graph
KERNELS = 8  # a layer: two norms, qkv, rotation with the cache's write, attention, o, gate with up, down


@dataclass(frozen=True)
class Choice:
    """What is supposed. card, model: a name of CARDS, of passes.MODELS, or HERE. batch: sequences decoded together.
    length: deepest draft. nodes: of a step's tree, at least `length`; equal to it, the tree is a chain."""

    card: str = HERE
    model: str = HERE
    batch: int = 1
    length: int = 4
    nodes: int = 4


@dataclass(frozen=True)
class Prediction:
    """tau: tokens per pass; tau_low: by the careful reading of acceptance (ranks.py). plain_ms: a plain pass. verify,
    draft, rest: of a step, in plain passes. bound: what a verify pass waits for ("memory", "compute", "launches");
    "measured" where its price was, "curves" where `bench scale` measured it on the card, "extended" where more rows are
    asked for than were measured. fits: whether the weights fit the card's memory."""

    tau: float
    tau_low: float
    plain_ms: float
    verify: float
    draft: float
    rest: float
    bound: str
    fits: bool

    @property
    def break_even(self) -> float:
        """Tokens per pass at which the speedup is 1."""
        return self.verify + self.draft + self.rest

    @property
    def speedup(self) -> float:
        """Over plain decoding of the same batch."""
        return self.tau / self.break_even

    @property
    def speedup_low(self) -> float:
        """By the careful reading of acceptance."""
        return self.tau_low / self.break_even

    @property
    def tokens_per_s(self) -> float:
        """Of one sequence."""
        return 1000.0 * self.speedup / self.plain_ms


@dataclass(frozen=True)
class Lane:
    """What a lane of a race tells about its costs, in plain passes of the next-token lane.

    plain_ms: of a next-token step; around: what of it is not the pass. table: (rows, milliseconds) of a pass, not from
    this lane itself. draft_once and draft_each: of a step's drafting, what is paid once and what for each level of
    depth. rest: commit and host. ranks, careful: acceptance in its two readings. context: mean positions before a step.
    trees: (depth, nodes) of each step's tree. emitted: tokens per step. measured: its speedup. rows: up to how many the
    price of a pass was measured.
    """

    shape: dict
    width: int
    plain_ms: float
    around: float
    table: list[tuple[float, float]]
    draft_once: float
    draft_each: float
    rest: float
    ranks: Ranks
    careful: Ranks
    context: float
    trees: list[tuple[int, int]]
    emitted: float
    measured: float
    card: Card | None
    rows: float


def lane(trace: Trace, traces: Sequence[Trace]) -> Lane | None:
    """The facts of a lane; None for one that cannot be compared with the race's next-token lane, never drafted, or
    whose model's size is not known."""
    base, accepted = baseline(traces), ranks(trace)
    gain = speedup(trace, base)
    if gain is None or accepted is None or trace is base or not passes.read_weights(passes.shape_of(trace.run)):
        return None
    plain = 1000.0 / base.tokens_per_s
    trees = [(max(step.depths, default=0), len(step.nodes)) for step in trace.steps]
    once, each = _line([depth for depth, _ in trees], [step.time_ms.get("draft", 0.0) for step in trace.steps])
    count, phases, table = len(trace.steps), trace.phase_ms(), _table(trace, traces, plain)
    return Lane(passes.shape_of(trace.run), passes.width_of(trace.run), plain,
                max(0.0, plain - table[0][1]), _extended(table),
                once / plain, each / plain, (trace.decode_ms - phases["draft"] - phases["verify"]) / count / plain,
                accepted, ranks(trace, careful=True), passes.context_of(trace), trees,
                sum(len(step.emitted) for step in trace.steps) / count, gain, card_of(trace.run), table[-1][0])


def predict(told: Lane, choice: Choice) -> Prediction:
    """The prediction for a choice."""
    shape = passes.MODELS.get(choice.model, told.shape)
    card = card_named(choice.card)
    taus = [best_tau(reading, choice.nodes, choice.length) for reading in (told.ranks, told.careful)]
    return _predict(told, shape, card, choice.batch, taus, choice.length, choice.nodes)


def present(told: Lane) -> Prediction:
    """The prediction for the run as it was: what its steps should have cost, tree by tree, by a pass's price that the
    lane itself did not measure. tau is the tokens that it did emit per step, so the error is the cost model's alone."""
    plain, count = pass_ms(1, told.table) + told.around, len(told.trees)
    verify = sum(pass_ms(1.0 + nodes, told.table) for _, nodes in told.trees) / count / plain
    draft = told.draft_once + told.draft_each * sum(depth for depth, _ in told.trees) / count
    return Prediction(told.emitted, told.emitted, plain, verify, draft, told.rest, "measured", True)


def error(told: Lane) -> float:
    """The prediction for the present run over its measurement, minus one."""
    return present(told).speedup / told.measured - 1.0


def _predict(told: Lane, shape: dict, card: Card | None, batch: int, taus: Sequence[float], length: float,
             nodes: float) -> Prediction:
    rows = batch * (1.0 + nodes)
    draft = told.draft_once + told.draft_each * length
    if card is None:
        scale = passes.read_weights(shape) / passes.read_weights(told.shape) if shape is not told.shape else 1.0
        plain = pass_ms(batch, told.table) + told.around
        return Prediction(max(taus), min(taus), scale * plain, pass_ms(rows, told.table) / plain, draft, told.rest,
                          "measured" if rows <= told.rows else "extended", True)
    model = next((name for name, known in passes.MODELS.items() if known is shape), HERE)
    report = scaling.measured(card.name, model)
    prices = [report.pass_ms(batch, each, told.context) for each in (1.0, 1.0 + nodes)] if report else [None]
    if None in prices:
        plain, _ = card_ms(shape, told.width, card, batch, batch, told.context)
        verify, bound = card_ms(shape, told.width, card, batch, rows, told.context)
    else:
        (plain, verify), bound = prices, "curves"
    plain *= 1.0 + told.around / pass_ms(1, told.table)  # what is around a pass keeps its share
    fits = passes.stored_weights(shape) * told.width <= card.memory
    return Prediction(max(taus), min(taus), plain, verify / plain, draft, told.rest, bound, fits)


def card_ms(shape: dict, width: int, card: Card, batch: int, rows: float, context: float) -> tuple[float, str]:
    """Milliseconds of a pass over `rows` rows of `batch` sequences on a card, and what it waits for."""
    reading = 1000.0 * passes.pass_bytes(shape, width, batch, context) / (SHARE * card.bandwidth)
    computing = 1000.0 * passes.pass_flops(shape, rows, context) / (SHARE * card.flops)
    launches = LAUNCH_MS * KERNELS * shape.get("layers", 0)
    bound = "launches" if launches > max(reading, computing) else "memory" if reading >= computing else "compute"
    return max(reading, computing) + launches, bound


def _table(trace: Trace, traces: Sequence[Trace], plain: float) -> list[tuple[float, float]]:
    """The price of a pass by rows, with a plain step's own as its first entry.

    From the other lanes where they ran passes of several rows; else the machine's own table in proportion; else the
    plain price for any number of rows, which is what waiting for memory alone would mean.
    """
    base = baseline(traces)
    one = sum(step.time_ms.get("verify", 0.0) for step in base.steps) / len(base.steps) or plain
    table = [(1.0, one), *((rows, ms) for rows, ms in passes.measured_passes(traces, trace) if rows > 1)]
    recorded = sorted(trace.run.machine.get("pass_ms", []))
    if len(table) > 1:
        last, price = table[-1]
        known = pass_ms(last, recorded) if recorded else 0.0
        table += [(float(rows), price * ms / known) for rows, ms in recorded if rows > last and known > 0]
    elif recorded and recorded[0][1] > 0:
        table = [(float(rows), one * ms / recorded[0][1]) for rows, ms in recorded]
    floors = accumulate((ms for _, ms in table), max)  # more rows never cost less: what says so is noise
    return [(rows, ms) for (rows, _), ms in zip(table, floors, strict=True)]


def _extended(table: list[tuple[float, float]]) -> list[tuple[float, float]]:
    """The table with a far last entry: beyond what was measured the mean slope of what was, not its last stretch's,
    which is noise; a flat table stays flat."""
    (first, price), (last, dearest) = table[0], table[-1]
    slope = (dearest - price) / (last - first) if last > first else 0.0
    return [*table, (last + 4096.0, dearest + 4096.0 * slope)]


def _line(x: Sequence[float], y: Sequence[float]) -> tuple[float, float]:
    """(a, b) of the least-squares line a + b x with a and b not negative; a proportion where all x are the same."""
    mean_x, mean_y = sum(x) / len(x), sum(y) / len(y)
    spread = sum((value - mean_x) ** 2 for value in x)
    if spread == 0:
        return 0.0, mean_y / mean_x  # a lane that drafted, and always as deep
    slope = sum((a - mean_x) * (b - mean_y) for a, b in zip(x, y, strict=True)) / spread
    slope = min(max(slope, 0.0), mean_y / mean_x)  # mean_x > 0 where x differ, for none is negative
    return mean_y - slope * mean_x, slope
