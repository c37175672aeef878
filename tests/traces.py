"""Traces for tests: `traces()` draws random valid ones, `example_race()` is a fixed race of three lanes."""

from __future__ import annotations

import random

from hypothesis import strategies as st

from mtpviz.trace import PHASES, Node, Row, Run, Step, Trace

HOSTILE = ["<img src=x onerror=alert(1)>", "${alert(1)}", "</script><!--", "\x00", "\x1f", "\u2028", "]]>", "&amp;",
           "🦊", "👩‍👩‍👧", "中文", "שלום", "\ufffe", "\r\n", "\t", " ", "", "=1+1", '"', "e\u0301",
           "#{x}", "{{y}}", "NA"]

STORY = ("there was a little fox who lived at the edge of the forest . Every morning the fox went down to the "
         "river to drink , and every morning the old heron said , \u201c Good morning , little fox . \u201d "
         "One day the river was gone . The fox looked left and the fox looked right , but there was only sand "
         "and stones and one small blue shell . So he sat down on a stone and he asked the heron where all the "
         "water went .").split()


def make_run(strategy: str = "ntp", title: str = "Next-token", **changes) -> Run:
    fields = dict(
        strategy=strategy, title=title, settings={}, model={"name": "tiny", "hash": "0" * 16, "parameters": 1000},
        head=None, prompt="Once upon a time", prompt_tokens=[900, 901, 902, 903],
        sampling={"temperature": 0.0, "top_k": 0, "top_p": 1.0, "min_p": 0.0, "rule": "greedy"}, seed=0,
        max_new_tokens=96, device="cpu", hardware="2-core CPU", dtype="bf16", threads=2,
        versions={"mtpviz": "0.1", "torch": "2.9"}, date="2026-01-01T00:00:00Z", recorded=True, prefill_ms=6.0)
    return Run(**{**fields, **changes})


def make_step(index: int, *, position: int = 4, root: int = 0, parents=(), accepted=(), times=(0.0, 4.0, 0.1, 0.2),
              clock: float = 10.0, text: str = " a") -> Step:
    """A step whose node i holds token 10 + i, with bonus token 99."""
    nodes = [Node(10 + i, parent, 1, 0.5, 0.25) for i, parent in enumerate(parents)]
    rows = [Row(99, 0.5, [(99, 0.5), (98, 0.25)]) for _ in range(len(nodes) + 1)]
    emitted = [10 + i for i in accepted] + [99]
    return Step(index, position, root, nodes, rows, list(accepted), 99, emitted, [text] * len(emitted),
                dict(zip(PHASES, times, strict=True)), clock)


def example_race() -> list[Trace]:
    """Next-token, a chain of four from a draft model, and a tree of a feature drafter, writing the same 96 tokens."""
    return [_lane("ntp", "Next-token", 0, 1, 0.0, 0.0, 1),
            _lane("draft", "Draft model", 4, 1, 0.62, 1.3, 2),
            _lane("eagle", "EAGLE-3", 5, 3, 0.84, 1.6, 3)]


def _lane(strategy: str, title: str, depth: int, width: int, skill: float, draft_ms: float, seed: int) -> Trace:
    rng = random.Random(seed)
    words = [" " + word if word not in ".,\u201d" else word for word in STORY]
    words = (words * 2)[:97]
    vocabulary = {text: token for token, text in enumerate(dict.fromkeys(words))}
    story = [vocabulary[word] for word in words]
    pieces = {token: text for text, token in vocabulary.items()}
    run = make_run(strategy, title, first=story[0], first_text=words[0], pieces=pieces,
                   head=None if strategy == "ntp" else {"name": f"{strategy}-head", "hash": "1" * 16,
                                                        "parameters": 100})
    trace, clock, place = Trace(run), run.prefill_ms, 0
    while place < 96:
        nodes: list[Node] = []
        accepted: list[int] = []
        parent, alive = -1, True
        for level in range(1, min(depth, 95 - place) + 1):
            right, hit = story[place + level], alive and rng.random() < skill
            others = rng.sample([token for token in pieces if token != right], width)
            offered = ([right] if hit else []) + others[: width - hit]
            base = len(nodes)
            for rank, token in enumerate(offered):
                draft, wanted = rng.uniform(0.4, 0.9) / (1 + 2 * rank), 0.8 if token == right else 0.04
                nodes.append(Node(token, parent, level, draft, wanted))
            if hit:
                accepted.append(base)
            alive, parent = hit, base
        last = place + len(accepted) + 1
        wants = [story[place + 1]] + [story[last] if accepted and i == accepted[-1] else nodes[i].token
                                      for i in range(len(nodes))]
        for rank, index in enumerate(accepted[:-1]):
            wants[index + 1] = story[place + rank + 2]
        others = sorted(pieces)[:3]
        rows = [Row(token, 0.8, [(token, 0.8)] + [(other, 0.05) for other in others]) for token in wants]
        emitted = story[place + 1 : last + 1]
        times = (draft_ms * rng.uniform(0.9, 1.2), 4.0 + 0.05 * len(nodes) + rng.uniform(0, 0.3), 0.12, 0.15)
        clock += sum(times)
        trace.steps.append(Step(len(trace.steps), 4 + place, story[place], nodes, rows, accepted, story[last], emitted,
                                [pieces[token] for token in emitted], dict(zip(PHASES, times, strict=True)), clock))
        place = last
    trace.end = {"reason": "length"}
    return trace


_known = st.floats(0, 1).map(lambda p: float(f"{p:.4g}"))
_probability = st.none() | _known
_text = st.sampled_from(HOSTILE) | st.text(max_size=6)
_ms = st.just(0.0) | st.floats(0, 50).map(lambda ms: round(ms, 4))


@st.composite
def _steps(draw, index: int, position: int, root: int, clock: float) -> Step:
    count = draw(st.integers(0, 8))
    nodes = [Node(draw(st.integers(0, 999)), draw(st.integers(-1, i - 1)), draw(st.integers(1, 4)), draw(_probability),
                  draw(_probability)) for i in range(count)]
    accepted: list[int] = []
    parent = -1
    while children := [i for i, node in enumerate(nodes) if node.parent == parent]:
        parent = draw(st.sampled_from([-1, *children]))
        if parent < 0:
            break
        accepted.append(parent)
    rows = [Row(draw(st.integers(0, 999)), draw(_known),
                draw(st.lists(st.tuples(st.integers(0, 999), st.sampled_from([0.5, 0.25])), max_size=2)))
            for _ in range(count + 1)]
    bonus = draw(st.integers(0, 999))
    emitted = ([nodes[i].token for i in accepted] + [bonus])[: draw(st.sampled_from([None, 1]))]
    times = [draw(_ms) for _ in PHASES]
    notes = draw(st.sampled_from([{}, {"tree": "a", "k": 3}]))
    return Step(index, position, root, nodes, rows, accepted, bonus, emitted, [draw(_text) for _ in emitted],
                dict(zip(PHASES, times, strict=True)), round(clock + sum(times), 4), notes)


@st.composite
def traces(draw, strategy: str | None = None, max_steps: int = 6) -> Trace:
    """A random valid trace with values as a file holds them (times to 4 decimals, probabilities to 4 digits)."""
    name = strategy or draw(st.sampled_from(["ntp", "draft", "eagle"]))
    first = draw(st.integers(-1, 9))
    run = make_run(name, draw(st.sampled_from(["Lane", "<b>&Lane", "車線"])), prompt=draw(_text), prefill_ms=draw(_ms),
                   first=first, first_text=draw(_text) if first >= 0 else "", peer=draw(st.booleans()),
                   pieces={token: draw(_text) for token in range(3)})
    trace = Trace(run)
    position, root, clock = 4, max(run.first, 0), run.prefill_ms
    for index in range(draw(st.integers(0, max_steps))):
        step = draw(_steps(index, position, root, clock))
        trace.steps.append(step)
        position, root, clock = position + len(step.emitted), step.emitted[-1], step.clock_ms
    trace.end = {"reason": draw(st.sampled_from(["length", "stop", "cancelled"]))}
    return trace


def races(min_lanes: int = 0, max_lanes: int = 4, max_steps: int = 5) -> st.SearchStrategy[list[Trace]]:
    """Random races, with and without a next-token lane, down to no lane at all."""
    return st.lists(traces(max_steps=max_steps), min_size=min_lanes, max_size=max_lanes)
