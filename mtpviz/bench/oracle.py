"""`bench oracle`: how near a drafter's trees come to the best of their size, by the target's own probabilities."""

from __future__ import annotations

import argparse

import numpy as np

from mtpviz.bench import machine, prompts
from mtpviz.bench.harness import BASELINE, Bench, Suite, add_prompt_options, decode, lanes
from mtpviz.bench.report import Report, Table
from mtpviz.engine.oracle import Comparison, compare
from mtpviz.engine.sampling import Sampling

TEMPERATURES = (0.0, 1.0)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the suite's own options."""
    add_prompt_options(parser, limit=2, new_tokens=96)
    parser.add_argument("--strategies", metavar="SPECS", help="separated by commas; by default every drafter as it is "
                        "set")
    parser.add_argument("--every", type=int, default=6, metavar="N", help="compare every so manieth step that drafted")


def run(bench: Bench) -> Report:
    """Decode, then compare steps with the target's own best trees."""
    args, session = bench.args, bench.open(None)
    chosen = prompts.select(prompts.load(args.prompts) if args.prompts else prompts.usual(),
                            args.domains.split(",") if args.domains else None, args.limit_prompts)
    have, missing = lanes(session)
    specs = args.strategies.split(",") if args.strategies else list(
        dict.fromkeys(spec.partition(":")[0] for spec in have if spec != BASELINE))
    rows = []
    for temperature in TEMPERATURES:
        for domain, texts in chosen.items():
            for spec in specs:
                bench.progress(f"temperature {temperature:g}, {domain}, {spec}")
                found: list[Comparison] = []
                for number, prompt in enumerate(texts):
                    sampling = Sampling(temperature, seed=args.seed + number)
                    trace = decode(session, spec, prompt.text, sampling, args.max_new_tokens)
                    drafted = [step.index for step in trace.steps if step.nodes]
                    found += [compare(session, trace, index) for index in drafted[:: max(1, args.every)]]
                if found:
                    rows.append({"temperature": temperature, "domain": domain, "strategy": spec} | _figures(found))
    note = ("Tokens per step, of steps that drafted. best: expected of the best tree of the same size, by the target's "
            "own probabilities; drafted: expected of the tree that was drafted; realised: committed. share: of what "
            "the best tree adds to next-token prediction's one token, what the drafted tree adds. Greedy, a "
            "probability is 0 or 1.")
    return Report("oracle", machine.environment(session), [Table("Trees against the target's own", rows,
                                                                 " ".join([note, *missing]))])


def _figures(found: list[Comparison]) -> dict:
    known = [one for one in found if one.drafted is not None]
    best, drafted = (float(np.mean([getattr(one, name) for one in known])) if known else None
                     for name in ("best", "drafted"))
    return {"steps": len(found), "nodes": float(np.mean([len(one.tree) for one in found])), "best": best,
            "drafted": drafted, "realised": float(np.mean([one.realised for one in found])),
            "share": (drafted - 1) / (best - 1) if known and best > 1 else None}


SUITE = Suite("oracle", "the trees of every drafter against the best possible ones of their size", add_arguments, run)
