"""`bench strategies`: every strategy on every domain, greedy and sampled: acceptance, speed, where the time goes."""

from __future__ import annotations

import argparse

from mtpviz.analysis.acceptance import by_depth
from mtpviz.bench import machine, prompts
from mtpviz.bench.harness import (
    BASELINE,
    LOOPING,
    Bench,
    Suite,
    add_prompt_options,
    decode,
    in_turns,
    lanes,
    speedups,
    spread,
    step_ms,
    together,
    warm_up,
)
from mtpviz.bench.report import Report, Table
from mtpviz.engine.sampling import Sampling
from mtpviz.engine.session import Session
from mtpviz.trace import Trace

TEMPERATURES = (0.0, 1.0)
NOTE = ("tau: tokens per target pass, the bonus token included. prefix: share of drafting steps whose accepted path "
        "reaches depth k; conditional: share of the steps that offered depth k which accepted there. tokens/s: of the "
        "steps, without prefill. speedup: against next-token prediction in the same round, median and quartiles. ms: "
        "mean per step. distinct 4-grams: share in the texts.")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the suite's own options."""
    add_prompt_options(parser, limit=4, new_tokens=128)
    parser.add_argument("--repeats", type=int, default=3, metavar="N", help="rounds in which all lanes take turns")


def run(bench: Bench) -> Report:
    """Measure all lanes in turns, prompt by prompt."""
    args, session = bench.args, bench.open(None)
    chosen = prompts.select(prompts.load(args.prompts) if args.prompts else prompts.BUILT_IN,
                            args.domains.split(",") if args.domains else None, args.limit_prompts)
    environment = machine.environment(session)
    specs, missing = lanes(session)
    warm_up(session, specs, Sampling())
    plain, looping = [], []
    for temperature in TEMPERATURES:
        sampling = Sampling(temperature, seed=args.seed)
        for domain, texts in chosen.items():
            pairs: dict[str, list[tuple[Trace, Trace]]] = {spec: [] for spec in specs}
            for number, prompt in enumerate(texts, 1):
                bench.progress(f"temperature {temperature:g}, {domain} {number} of {len(texts)}")
                for found in measure(session, specs, prompt.text, sampling, args.max_new_tokens, args.repeats):
                    for spec in specs:
                        pairs[spec].append((found[spec], found[BASELINE]))
            for spec, every in pairs.items():
                loops = [pair for pair in every if pair[0].distinct_4grams < LOOPING]
                good = [pair for pair in every if pair[0].distinct_4grams >= LOOPING]
                where = {"temperature": temperature, "domain": domain, "strategy": spec}
                plain += [where | figures(good)] if good else []
                looping += [where | figures(loops)] if loops else []
    tables = [Table("Strategies", plain, " ".join([NOTE, *missing])),
              Table("Texts that repeat themselves", looping,
                    f"Distinct 4-grams below {LOOPING}: repetition flatters every drafter, so these count for none.")]
    return Report("strategies", environment, tables)


def measure(session: Session, specs: list[str], text: str, sampling: Sampling, new_tokens: int, repeats: int):
    """Rounds in which each lane decodes `text` alone, in turns; traces by spec, round by round."""
    runs = {spec: lambda spec=spec: decode(session, spec, text, sampling, new_tokens) for spec in specs}
    return in_turns(runs, repeats)


def figures(pairs: list[tuple[Trace, Trace]]) -> dict:
    """The columns of a lane: over all runs of (lane, next-token lane) pairs."""
    traces = [trace for trace, _ in pairs]
    merged = together(traces)
    rates = by_depth([merged])
    return {"runs": len(pairs), "tau": merged.tau, "prefix": _rates(rates["prefix"]),
            "conditional": _rates(rates["conditional"]), "tokens/s": spread([t.tokens_per_s for t in traces]),
            "speedup": speedups(pairs), **step_ms(traces),
            "distinct 4-grams": sum(t.distinct_4grams for t in traces) / len(traces)}


def _rates(column) -> list[float | None]:
    """Rates from depth 1 down to 8; deeper ones are too rare to tell."""
    return [None if rate != rate else round(rate, 3) for rate in column.tolist()[:8]]


SUITE = Suite("strategies", "acceptance, speed and time budget of every strategy by domain", add_arguments, run)
