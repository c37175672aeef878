"""Measuring: lanes that run alone and in turns, so that what disturbs one disturbs the other; medians with spread."""

from __future__ import annotations

import argparse
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TypeVar

import numpy as np

from mtpviz.bench.report import Report, Spread
from mtpviz.discover import strategies
from mtpviz.engine.loop import Decoder
from mtpviz.engine.sampling import Sampling
from mtpviz.engine.session import Session
from mtpviz.errors import UserError
from mtpviz.race import BASELINE, Race, make_drafter
from mtpviz.trace import PHASES, Run, Trace

LOOPING = 0.5  # share of distinct 4-grams below which a text is tabled apart and counts for no goal
Result = TypeVar("Result")


@dataclass(frozen=True)
class Bench:
    """What a suite is given. args: its options. open: a session in a dtype (None: the one asked for), opened once.
    progress: takes one line on what is being measured."""

    args: argparse.Namespace
    open: Callable[[str | None], Session]
    progress: Callable[[str], None]


@dataclass(frozen=True)
class Suite:
    """One benchmark. about: one line. add_arguments: declares its own options. run: measures."""

    name: str
    about: str
    add_arguments: Callable[[argparse.ArgumentParser], None]
    run: Callable[[Bench], Report]


def add_prompt_options(parser: argparse.ArgumentParser, limit: int | None, new_tokens: int) -> None:
    """The options of suites that decode prompts, with their defaults."""
    parser.add_argument("--prompts", metavar="FILE", help="JSON Lines with id, domain, prompt; some are bundled")
    parser.add_argument("--domains", metavar="NAMES", help="separated by commas; by default all")
    parser.add_argument("--limit-prompts", type=int, default=limit, metavar="N", help="of each domain")
    parser.add_argument("--max-new-tokens", type=int, default=new_tokens, metavar="N")
    parser.add_argument("--seed", type=int, default=0, metavar="N", help="of sampled runs")


def dtypes(args: argparse.Namespace) -> tuple[str, ...]:
    """The precisions of suites that compare them: the one asked for, by default both."""
    return ("bf16", "fp32") if args.dtype == "auto" else (args.dtype,)


def spread(values: Sequence[float]) -> Spread | None:
    """Median and quartiles; None without a value."""
    if not values:
        return None
    q1, median, q3 = (float(q) for q in np.percentile(values, (25, 50, 75)))
    return Spread(median, q1, q3, len(values))


def in_turns(runs: Mapping[str, Callable[[], Result]], repeats: int) -> Iterator[dict[str, Result]]:
    """Call every one of `runs` once a round, starting with another one each round; results by name, round by round."""
    names = list(runs)
    for number in range(repeats):
        shift = number % len(names)
        yield {name: runs[name]() for name in names[shift:] + names[:shift]}


def decode(session: Session, spec: str, prompt: str, sampling: Sampling, max_new_tokens: int) -> Trace:
    """One lane, alone on the machine, from prompt to end."""
    decoder = Decoder(session, make_drafter(spec, session, sampling), prompt, sampling, max_new_tokens, record=False)
    with session.lock:
        decoder.prefill()
        while not decoder.done:
            decoder.step()
    return decoder.trace


def warm_up(session: Session, specs: Sequence[str], sampling: Sampling) -> None:
    """Decode a few tokens, so that compiling and first touches of memory are on nobody's clock."""
    for _ in Race(session, specs, "1 2 3 4 1 2 3 4 1 2", sampling, 8, record=False):
        pass


def lanes(session: Session) -> tuple[list[str], list[str]]:
    """Specs of every strategy, those with a `tree` setting once for each shape; and why others are left out."""
    specs, missing = [], []
    for name, strategy in strategies().items():
        shapes = strategy.settings["tree"].choices if "tree" in strategy.settings else ()
        reasons = {}
        for spec in [f"{name}:tree={shape}" for shape in shapes] or [name]:
            try:
                make_drafter(spec, session, Sampling())
                specs.append(spec)
            except UserError as error:  # no head beside this target, or no table for a static tree
                reasons[spec] = str(error)
        whole = len(reasons) == max(1, len(shapes)) and len(set(reasons.values())) == 1
        missing += [f"{name}: {next(iter(reasons.values()))}"] if whole else \
            [f"{spec}: {reason}" for spec, reason in reasons.items()]
    return specs, missing


def names_in(text: str, known: Collection[str], kind: str) -> list[str]:
    """The names of an option, separated by commas; UserError for one that is not known."""
    names = [name.strip() for name in text.split(",") if name.strip()]
    for name in names:
        if name not in known:
            raise UserError(f"There is no {kind} {name!r}; the known ones are {', '.join(known)}.")
    return names


def lane_label(run: Run) -> str:
    """The strategy with those of its settings that are not the defaults."""
    defaults = strategies()[run.strategy].settings if run.strategy in strategies() else {}
    changed = [f"{name}={value}" for name, value in run.settings.items() if value != defaults[name].default]
    return " ".join([run.strategy, *changed])


def speedups(pairs: Sequence[tuple[Trace, Trace]]) -> Spread | None:
    """Of (lane, next-token lane) pairs measured in one round: ratios of tokens per second of the steps."""
    return spread([lane.tokens_per_s / base.tokens_per_s for lane, base in pairs
                   if lane.tokens_per_s > 0 and base.tokens_per_s > 0])


def together(traces: Sequence[Trace]) -> Trace:
    """The steps of several runs as if of one, for means over steps; its clock means nothing."""
    return Trace(traces[0].run, [step for trace in traces for step in trace.steps])


def step_ms(traces: Sequence[Trace]) -> dict[str, float]:
    """Mean milliseconds of each phase per step over all runs: where the time of a step goes."""
    steps = max(1, sum(len(trace.steps) for trace in traces))
    return {f"{phase} ms": sum(trace.phase_ms()[phase] for trace in traces) / steps for phase in PHASES}


__all__ = ["BASELINE", "LOOPING", "Bench", "Suite", "add_prompt_options", "decode", "dtypes", "in_turns", "lane_label",
           "lanes", "names_in", "speedups", "spread", "step_ms", "together", "warm_up"]
