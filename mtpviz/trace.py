"""The trace: one record per decoding run, one `Step` per pass of the target. Plain data, no torch.

Everything outside the engine (live lanes, microscope, figures, exports, benchmark, recorded runs) reads this
and nothing else. docs of the file format, field by field, are the docstrings below: a JSON Lines file holds, for
each lane, one header line `{"mtpviz_trace": 1, "run": {...}}`, one line `{"step": {...}}` per step and one closing
line `{"end": {...}}`; lanes follow one another. A name that ends in `.gz` is gzip-compressed.
"""

from __future__ import annotations

import dataclasses
import gzip
import json
import math
import zlib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

from mtpviz.errors import UserError

VERSION = 1
PHASES = ("draft", "verify", "commit", "host")
MAX_FILE_BYTES = 64 * 2**20  # of decompressed text: a trace of a long race is about 5 MB
# A server may keep a token's id to itself. UNKNOWN stands for a token of which neither id nor text is told. Below it
# stand tokens of which the text alone is told (Run.pieces): within a lane, equal numbers are equal texts.
UNKNOWN = -2


@dataclass(slots=True)
class Node:
    """One drafted token of a step's tree.

    token: vocabulary id; UNKNOWN or below where a server does not tell it.
    parent: index of the parent among the step's nodes, -1 for a child of the root. Always smaller than the own index.
    source: which head (parallel heads), or which depth of a sequential drafter, proposed it; 1 is the first.
    draft_prob: the drafter's probability of the token given its parent's path; None where it has none (lookup).
    target_prob: the target's probability of the token at its parent, after the sampling settings; None if not recorded.
    """

    token: int
    parent: int
    source: int
    draft_prob: float | None = None
    target_prob: float | None = None


@dataclass(slots=True)
class Row:
    """What the target wanted after one row of the pass.

    token: the token it chose there (greedy: the most probable one; sampled: the one that was drawn).
    prob: its probability after the sampling settings; None if not recorded.
    top: the most probable alternatives, as (token, probability), best first, before temperature and truncation.
    """

    token: int
    prob: float | None = None
    top: list[tuple[int, float]] = field(default_factory=list)


@dataclass(slots=True)
class Step:
    """One pass of the loop: draft a tree below the root, verify it in one target pass, commit.

    index: number of the step in its lane, from 0. Step 0 follows the prefill, which is not a step (Run.prefill_ms).
    position: absolute position of the root token in the sequence (prompt included), from 0.
    root: the committed token that this pass feeds first; its text belongs to the step before (or to the prefill).
    nodes: the drafted tree, parents before children; empty for next-token prediction.
    rows: what the target wanted after the root (rows[0]) and after node i (rows[i + 1]).
    accepted: indices of the accepted nodes, from the root downwards.
    bonus: the token that the target itself adds after the last accepted node.
    emitted: tokens that this step adds to the text: accepted ones, then the bonus; cut at a stop token or the limit.
    texts: the text of each emitted token; they join, over all steps, to the generated text. A token that ends inside
        a multi-byte character has an empty text, and the character belongs to the token that completes it.
    time_ms: time of each of PHASES (draft, verify, commit, host) in milliseconds, on the lane's own clock.
    clock_ms: the lane's clock when the step had ended; step 0 starts at Run.prefill_ms.
    notes: what else the strategy tells of the step (chosen tree, vocabulary map), by name. Of a server's step:
        "untold", what it keeps to itself (`told`); "merged", how many steps arrived together: the first has their time.
    """

    index: int
    position: int
    root: int
    nodes: list[Node]
    rows: list[Row]
    accepted: list[int]
    bonus: int
    emitted: list[int]
    texts: list[str]
    time_ms: dict[str, float]
    clock_ms: float
    notes: dict = field(default_factory=dict)

    @property
    def told(self) -> bool:
        """Whether it is known how many tokens this step drafted and accepted. Where it is not (a server that keeps it
        to itself), the nodes are the accepted ones alone, and figures of acceptance must leave the step out."""
        return "untold" not in self.notes

    @property
    def kinds(self) -> list[str]:
        """Kind of each emitted token: "accepted", "bonus" (after a draft was offered), or "target" (no draft)."""
        last = "bonus" if self.nodes else "target"
        return (["accepted"] * len(self.accepted) + [last])[: len(self.emitted)]

    @property
    def depths(self) -> list[int]:
        """Depth of each node below the root, from 1."""
        depths: list[int] = []
        for node in self.nodes:
            depths.append(1 if node.parent < 0 else depths[node.parent] + 1)
        return depths


@dataclass(slots=True)
class Run:
    """What was run, where and when: enough to run it again.

    strategy, title: the strategy's name and its one-line label. settings: its own settings by name.
    model: {"name", "hash" (sha256 of the weights, first 16 hex digits), "parameters"}; head: the same, or None. The
        model's, and that of a draft model, has "shape" too, where it is known: {"vocab", "hidden", "layers", "heads",
        "kv_heads", "head_dim", "inner", "tied"}.
    prompt, prompt_tokens: as text and as ids. sampling: temperature, top_k, top_p, min_p, rule ("greedy", ...).
    seed: of the position-keyed random numbers. max_new_tokens: the limit asked for.
    device, hardware, dtype, threads: "cpu", "cuda" or "server", its name (a server's address), the dtype of the
        weights, CPU threads (0 on a GPU and a server).
    versions: package versions. date: ISO 8601 in UTC. command: how to get it again, or "" for a run in the page.
    machine: what was measured of it with these threads, {} where nothing was: {"read_gb_s": bytes that it reads from
        memory, in 10^9 a second, "pass_ms": [[rows, milliseconds of a target pass over so many], ...]}.
    recorded: True for a run that was shipped or imported, False for one made in this process.
    lossless: whether the verification rule keeps the target's distribution. peer: True for another engine's lane.
    server: of a lane that a server ran, elsewhere and on a wall clock of its own (`device` is "server" then, and
        `time_ms` of its steps is empty): {"name", "engine", "version", "address", "baseline": whether the others of its
        engine and model are compared with it, "counts": what it told of its drafts as a whole, by vLLM's names,
        "passes": its own count of target passes where its stream hides some, else None}. None for all other lanes.
    prefill_ms: time to the first token, which the prefill yields. first: that token, -1 before it is known; first_text:
        its text.
    pieces: text of every token id that occurs in the steps ("\\ufffd" where it is part of a character).
    """

    strategy: str
    title: str
    settings: dict
    model: dict
    head: dict | None
    prompt: str
    prompt_tokens: list[int]
    sampling: dict
    seed: int
    max_new_tokens: int
    device: str
    hardware: str
    dtype: str
    threads: int
    versions: dict[str, str]
    date: str
    command: str = ""
    machine: dict = field(default_factory=dict)
    recorded: bool = False
    lossless: bool = True
    peer: bool = False
    server: dict | None = None
    prefill_ms: float = 0.0
    first: int = -1
    first_text: str = ""
    pieces: dict[int, str] = field(default_factory=dict)

    @property
    def begun(self) -> bool:
        """Whether the first token is known."""
        return self.first != -1


@dataclass(slots=True)
class Trace:
    """A run and its steps. end: {"reason": "length" | "stop" | "cancelled" | "context" | "failed"}, None while it goes
    on; "failed" (a server that broke off) comes with "error", a sentence."""

    run: Run
    steps: list[Step] = field(default_factory=list)
    end: dict | None = None

    @property
    def token_ids(self) -> list[int]:
        """Generated tokens: the one from the prefill, then those of every step."""
        first = [self.run.first] if self.run.begun else []
        return first + [token for step in self.steps for token in step.emitted]

    @property
    def text(self) -> str:
        """The generated text, without the prompt."""
        return self.run.first_text + "".join(text for step in self.steps for text in step.texts)

    @property
    def clock_ms(self) -> float:
        """The lane's clock: prefill and all steps so far, in milliseconds."""
        return self.steps[-1].clock_ms if self.steps else self.run.prefill_ms

    @property
    def decode_ms(self) -> float:
        """Time of all steps, without the prefill."""
        return self.clock_ms - self.run.prefill_ms

    @property
    def tokens_per_s(self) -> float:
        """Tokens of the steps (not the prefill's) per second of the steps."""
        tokens = sum(len(step.emitted) for step in self.steps)
        return 1000.0 * tokens / self.decode_ms if self.decode_ms > 0 else 0.0

    @property
    def tau(self) -> float:
        """Tokens per target pass, the bonus token included; 1.0 is next-token prediction. Where a server's stream hides
        passes, its own count of them."""
        passes = self.run.server["passes"] if self.run.server else None
        if passes:
            return sum(len(step.emitted) for step in self.steps) / passes
        return sum(len(step.accepted) + 1 for step in self.steps) / len(self.steps) if self.steps else 0.0

    def phase_ms(self) -> dict[str, float]:
        """Total time of each phase over all steps."""
        return {phase: sum(step.time_ms.get(phase, 0.0) for step in self.steps) for phase in PHASES}

    def inter_token_ms(self) -> list[float]:
        """Gap before each token of the steps; tokens of one step arrive together: the step's time, then zeros."""
        gaps: list[float] = []
        before = self.run.prefill_ms
        for step in self.steps:
            if step.emitted:
                gaps += [step.clock_ms - before] + [0.0] * (len(step.emitted) - 1)
                before = step.clock_ms
        return gaps

    @property
    def distinct_4grams(self) -> float:
        """Share of distinct 4-grams of the generated tokens: under 0.5 the text loops. 1.0 if there is no 4-gram. Those
        that hold a token of which nothing is told do not count."""
        ids = self.token_ids
        grams = [gram for i in range(len(ids) - 3) if UNKNOWN not in (gram := tuple(ids[i : i + 4]))]
        return len(set(grams)) / len(grams) if grams else 1.0


def dump(traces: Iterable[Trace], path: str | Path) -> None:
    """Write traces as JSON Lines; gzip-compressed (without a time stamp, so that equal traces give equal files) if
    the name ends in `.gz`."""
    text = "".join(line + "\n" for trace in traces for line in lines(trace))
    data = text.encode("utf-8")
    Path(path).write_bytes(gzip.compress(data, mtime=0) if str(path).endswith(".gz") else data)


def lines(trace: Trace) -> Iterator[str]:
    """The JSON lines of one trace."""
    run = {f.name: getattr(trace.run, f.name) for f in dataclasses.fields(Run)}
    run["pieces"] = {str(token): text for token, text in trace.run.pieces.items()}
    yield _json({"mtpviz_trace": VERSION, "run": run})
    for step in trace.steps:
        yield _json({"step": step_to_dict(step)})
    yield _json({"end": trace.end or {"reason": "cancelled"}})


def step_to_dict(step: Step) -> dict:
    """A step as JSON-ready data; nodes and rows as short lists in the order of their fields."""
    plain = {f.name: getattr(step, f.name) for f in dataclasses.fields(Step)}
    plain["nodes"] = [[n.token, n.parent, n.source, _round(n.draft_prob), _round(n.target_prob)] for n in step.nodes]
    plain["rows"] = [[r.token, _round(r.prob), [[t, _round(p)] for t, p in r.top]] for r in step.rows]
    plain["time_ms"] = {phase: round(ms, 4) for phase, ms in step.time_ms.items()}
    plain["clock_ms"] = round(step.clock_ms, 4)
    return plain


def step_from_dict(plain: dict) -> Step:
    """The inverse of `step_to_dict`. Raises KeyError, TypeError or ValueError on a damaged record."""
    step = Step(**{**plain, "nodes": [Node(*n) for n in plain["nodes"]],
                   "rows": [Row(token, prob, [(t, p) for t, p in top]) for token, prob, top in plain["rows"]]})
    _check(step)
    return step


def load(path: str | Path) -> list[Trace]:
    """Read a trace file. Raises UserError with one sentence for a foreign, damaged, truncated or too large file."""
    return loads(unpacked(path), Path(path).name)


def unpacked(path: str | Path) -> bytes:
    """What a trace file holds, decompressed, and read no further than MAX_FILE_BYTES + 1. Errors as for `load`."""
    path = Path(path)
    try:
        with (gzip.open if path.name.endswith(".gz") else open)(path, "rb") as file:
            return file.read(MAX_FILE_BYTES + 1)
    except FileNotFoundError:
        raise UserError(f"There is no trace file {path}.") from None
    except (OSError, EOFError, zlib.error) as error:
        raise UserError(f"The trace file {path.name} cannot be read ({error}); it may be damaged.") from None


def loads(data: bytes, name: str = "the trace") -> list[Trace]:
    """Read traces from the bytes of a JSON Lines file (decompressed). Errors as for `load`; `name` is for them."""
    if len(data) > MAX_FILE_BYTES:
        raise UserError(f"{name} holds more than {MAX_FILE_BYTES >> 20} MiB; a trace of a race is far smaller.")
    try:
        text_lines = data.decode("utf-8").split("\n")
    except UnicodeDecodeError:
        raise UserError(f"{name} is not a text file; a trace is JSON Lines, optionally named .gz.") from None
    traces: list[Trace] = []
    for number, line in enumerate(text_lines, 1):
        if not line.strip():
            continue
        try:
            _read_line(json.loads(line, parse_constant=_no_number), traces)
        except _Version as error:
            raise UserError(f"{name} {error}") from None
        except (ValueError, KeyError, TypeError, AttributeError, IndexError, RecursionError) as error:
            detail = str(error) or type(error).__name__
            raise UserError(f"{name} is not a whole mtpviz trace: line {number} is damaged ({detail}).") from None
    if not traces or traces[-1].end is None:
        raise UserError(f"{name} is not a whole mtpviz trace: its closing line is missing; it may be truncated.")
    return traces


class _Version(Exception):
    pass


def _read_line(record: dict, traces: list[Trace]) -> None:
    if "mtpviz_trace" in record:
        if record["mtpviz_trace"] != VERSION:
            found = record["mtpviz_trace"]
            raise _Version(f"has trace version {found}; this mtpviz reads version {VERSION}.")
        if traces and traces[-1].end is None:
            raise ValueError("the lane before it has no end")
        run = dict(record["run"])
        run["pieces"] = {int(token): str(text) for token, text in run["pieces"].items()}
        traces.append(Trace(_checked_run(Run(**{**run, "recorded": True}))))
    elif "step" in record:
        if not traces or traces[-1].end is not None:
            raise ValueError("a step before its run")
        step = step_from_dict(record["step"])
        if step.index != len(traces[-1].steps):
            raise ValueError(f"step {step.index} where step {len(traces[-1].steps)} belongs")
        traces[-1].steps.append(step)
    elif "end" in record:
        traces[-1].end = dict(record["end"])
    else:
        raise ValueError("it is neither a run, a step nor an end")


_RUN_TYPES = {"str": str, "int": int, "float": (int, float), "bool": bool, "dict": dict, "list": list}


def _checked_run(run: Run) -> Run:
    """The run, if every field has the type that its declaration says; its text must be writable again as UTF-8."""
    for entry in dataclasses.fields(Run):
        value, kind = getattr(run, entry.name), entry.type.partition("[")[0].partition(" ")[0]
        if not isinstance(value, _RUN_TYPES[kind]) and not (value is None and "None" in entry.type):
            raise ValueError(f"{entry.name} is no {kind}")
    _check_numbers([run.prefill_ms], [run.first, *run.prompt_tokens], [])
    if run.server is not None:
        _check_server(run.server)
    _json({f.name: getattr(run, f.name) for f in dataclasses.fields(Run)}).encode("utf-8")
    return run


def _check_server(server: dict) -> None:
    texts = [server[name] for name in ("name", "engine", "version", "address")]
    passes, counts, base = server["passes"], server["counts"], server["baseline"]
    numbers = [counts.get(name) for name in ("num_draft_tokens", "num_accepted_draft_tokens", "num_spec_steps")]
    _check_numbers([], [value for value in (passes, *numbers) if value is not None], texts)
    if not isinstance(base, bool) or (passes is not None and passes < 1):
        raise ValueError("what it says of its server is not whole")


def _check_numbers(reals: list, whole: list, texts: list) -> None:
    """Raise ValueError unless these are finite numbers, integers and writable texts, as the fields declare."""
    if not all(isinstance(value, (int, float)) and math.isfinite(value) for value in reals):
        raise ValueError("a time or probability is no finite number")
    if not all(isinstance(value, int) and abs(value) < 2**53 for value in whole):
        raise ValueError("a token, index or position is no whole number")
    if not all(isinstance(text, str) for text in texts):
        raise ValueError("a text is not a string")
    "".join(texts).encode("utf-8")


def _check(step: Step) -> None:
    """A step read from outside must be a tree with an accepted path in it, or every reader would trip over it."""
    probs = [p for node in step.nodes for p in (node.draft_prob, node.target_prob) if p is not None]
    probs += [p for row in step.rows for p in (row.prob, *(p for _, p in row.top)) if p is not None]
    whole = [step.index, step.position, step.root, step.bonus, *step.accepted, *step.emitted]
    whole += [value for node in step.nodes for value in (node.token, node.parent, node.source)]
    whole += [token for row in step.rows for token in (row.token, *(token for token, _ in row.top))]
    _check_numbers([step.clock_ms, *step.time_ms.values(), *probs], whole, step.texts)
    for index, node in enumerate(step.nodes):
        if not -1 <= node.parent < index:
            raise ValueError(f"node {index} has parent {node.parent}")
    if len(step.rows) != len(step.nodes) + 1:
        raise ValueError(f"{len(step.rows)} rows for {len(step.nodes)} nodes")
    parent = -1
    for index in step.accepted:
        if not 0 <= index < len(step.nodes) or step.nodes[index].parent != parent:
            raise ValueError("the accepted nodes are no path from the root")
        parent = index
    if len(step.texts) != len(step.emitted) or len(step.emitted) > len(step.accepted) + 1:
        raise ValueError("emitted tokens and their texts do not fit the accepted path")
    if not isinstance(step.notes, dict):
        raise ValueError("the notes are no object")


def _no_number(name: str) -> float:
    raise ValueError(f"{name} is no number")


def _round(value: float | None) -> float | None:
    return None if value is None else float(f"{value:.4g}")


def _json(value: dict) -> str:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"), allow_nan=False)
