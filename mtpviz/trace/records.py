"""What a trace holds: a run, its steps, of each the drafted tree and what the target wanted. Plain data, no torch."""

from __future__ import annotations

from dataclasses import dataclass, field

PHASES = ("draft", "verify", "commit", "host")
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
