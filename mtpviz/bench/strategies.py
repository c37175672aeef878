"""`bench strategies`: every drafter on every domain, greedy and sampled: acceptance, speed, where the time goes."""

from __future__ import annotations

import argparse
import math
from collections.abc import Iterator, Mapping, Sequence

from mtpviz.bench import machine, prompts, transformers
from mtpviz.bench.clock import Clock
from mtpviz.bench.figures import NOTE, auto_by_best, depths, figures, means, tau_along
from mtpviz.bench.goals import goals
from mtpviz.bench.harness import (
    BASELINE,
    LOOPING,
    Bench,
    Suite,
    add_prompt_options,
    decode,
    in_turns,
    lanes,
    warm_up,
)
from mtpviz.bench.report import Report, Table
from mtpviz.engine.sampling import Sampling
from mtpviz.engine.session import Session
from mtpviz.errors import UserError
from mtpviz.race import make_drafter
from mtpviz.trace import Trace

TEMPERATURES = (0.0, 1.0)
Pair = tuple[Trace, Trace]  # a lane, and next-token prediction in the same round


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the suite's own options."""
    add_prompt_options(parser, limit=4, new_tokens=128)
    parser.add_argument("--repeats", type=int, default=2, metavar="N", help="rounds in which all lanes take turns")
    parser.add_argument("--strategies", metavar="SPECS", help="separated by commas, with settings if wanted, as for "
                        "race; by default every drafter as it is set")
    parser.add_argument("--trees", action="store_true", help="every drafter with every shape of tree, and how auto "
                        "compares with the best of the others")
    parser.add_argument("--to-context", type=int, default=1, metavar="N", help="prompts of each domain that are also "
                        "continued, sampled, to the end of the context; 0 is none")
    parser.add_argument("--minutes", type=float, default=math.inf, metavar="M", help="after which no prompt begins; "
                        "what is left out is told")


def run(bench: Bench) -> Report:
    """Measure all lanes in turns, prompt by prompt."""
    args, session = bench.args, bench.open(None)
    chosen = prompts.select(prompts.load(args.prompts) if args.prompts else prompts.usual(),
                            args.domains.split(",") if args.domains else None, args.limit_prompts)
    environment = machine.environment(session)
    specs, missing = _specs(session, args)
    warm_up(session, specs, Sampling())
    turn, rest = len(specs) * args.max_new_tokens, (len(specs) - 1) * session.context
    planned = sum(len(TEMPERATURES) * len(texts) * args.repeats * turn + len(texts[: args.to_context]) * rest
                  for texts in chosen.values())
    clock = Clock(bench.progress, planned, args.minutes)
    found: dict[tuple[float, str, str], list[Pair]] = {}
    measured = 0
    for number, temperature, domain, text in rounds(chosen):
        if clock.over and measured:
            break
        measured += 1
        clock.tell(f"temperature {temperature:g}, {domain} {number} of {len(chosen[domain])}")
        sampling = Sampling(temperature, seed=args.seed)
        for traces in measure(session, specs, text, sampling, args.max_new_tokens, args.repeats):
            clock.passed(turn)
            for spec in specs:
                found.setdefault((temperature, domain, spec), []).append((traces[spec], traces[BASELINE]))
    if (left := sum(1 for _ in rounds(chosen)) - measured):
        missing.append(f"{left} prompts were left out: the time was up.")
    plain, looping = [], []
    for (temperature, domain, spec), pairs in found.items():
        where = {"temperature": temperature, "domain": domain, "strategy": spec}
        loops = [pair for pair in pairs if pair[0].distinct_4grams < LOOPING]
        good = [pair for pair in pairs if pair[0].distinct_4grams >= LOOPING]
        plain += [where | figures(good)] if good else []
        looping += [where | figures(loops)] if loops else []
    mean = means(plain)
    along = _along(session, specs, chosen, clock, args)
    clock.tell("transformers on the same weights")
    peers = [] if clock.over else transformers.compare(session, [texts[0].text for texts in chosen.values()],
                                                       args.max_new_tokens, args.repeats)
    tables = [
        Table("Means over the natural domains, and tales", mean, "The domains weigh equally; texts that repeat "
              "themselves are left out, and so is a domain where nothing else was left (see the column)."),
        Table("Strategies", plain, " ".join([NOTE, *missing])),
        Table("Texts that repeat themselves", looping,
              f"Distinct 4-grams below {LOOPING}: repetition flatters every drafter, so these count for none."),
        Table("Auto against the best other tree", [*auto_by_best(plain), *auto_by_best(looping)],
              "Of each drafter that was measured with auto and with other trees (--trees): median speedups, and the "
              "tree that was best. Texts that repeat themselves stand behind the others."),
        Table("Acceptance by depth", depths(plain), "Prefix rate, in brackets the conditional one. A tree counts by "
              "its accepted path, so compare chains with chains."),
        Table("Tokens per pass along the text", along, "tau of the passes whose root stands in these positions, from "
              f"the prompt to the end of the context of {session.context} tokens; sampled at temperature 1."),
        Table("Next-token prediction against transformers", peers, transformers.NOTE)]
    return Report("strategies", environment, tables, goals(plain, mean, looping))


def rounds(chosen: Mapping[str, list[prompts.Prompt]]) -> Iterator[tuple[int, float, str, str]]:
    """(number from 1, temperature, domain, text) of every prompt; all domains' first ones come first, so that a run
    whose time is up has some of each."""
    for number in range(max(map(len, chosen.values()))):
        for temperature in TEMPERATURES:
            for domain, texts in chosen.items():
                if number < len(texts):
                    yield number + 1, temperature, domain, texts[number].text


def measure(session: Session, specs: Sequence[str], text: str, sampling: Sampling, new_tokens: int, repeats: int):
    """Rounds in which each lane decodes `text` alone, in turns; traces by spec, round by round."""
    runs = {spec: lambda spec=spec: decode(session, spec, text, sampling, new_tokens) for spec in specs}
    return in_turns(runs, repeats)


def _specs(session: Session, args: argparse.Namespace) -> tuple[list[str], list[str]]:
    """The lanes to measure, next-token prediction first, and why others are left out."""
    have, missing = lanes(session)
    if args.strategies:
        specs = [spec.strip() for spec in args.strategies.split(",")]
        for spec in specs:
            make_drafter(spec, session, Sampling())
        names, missing = specs, []
    elif args.trees:
        names = have
    else:
        names = list(dict.fromkeys(spec.partition(":")[0] for spec in have))
    if not names:
        raise UserError("--strategies names none; draft,lookup would do.")
    return list(dict.fromkeys([BASELINE, *names])), missing


def _along(session: Session, specs: Sequence[str], chosen: Mapping[str, list[prompts.Prompt]],
           clock: Clock, args: argparse.Namespace) -> list[dict]:
    """tau against the position, of each lane."""
    traces: dict[str, list[Trace]] = {spec: [] for spec in specs if spec != BASELINE}
    for domain, texts in chosen.items():
        for number, prompt in enumerate(texts[: args.to_context], 1):
            if clock.over:
                break
            clock.tell(f"to the end of the context, {domain} {number}")
            for spec, kept in traces.items():
                sampling = Sampling(1.0, seed=args.seed)
                kept.append(decode(session, spec, prompt.text, sampling, session.context))
                clock.passed(session.context)
    return [{"strategy": spec} | tau_along(kept, session.context) for spec, kept in traces.items() if kept]


SUITE = Suite("strategies", "acceptance, speed and time budget of every drafter by domain", add_arguments, run)
