"""`bench peers`: the engine against transformers on the same weights, against its own floor, and the first drafters."""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable
from dataclasses import replace

import numpy as np

from mtpviz.bench import machine, prompts, transformers
from mtpviz.bench.figures import NOTE, figures
from mtpviz.bench.harness import (
    BASELINE,
    LOOPING,
    Bench,
    Suite,
    add_prompt_options,
    decode,
    dtypes,
    lanes,
    spread,
    warm_up,
)
from mtpviz.bench.linears import linears_alone
from mtpviz.bench.report import Goal, Report, Spread, Table
from mtpviz.bench.strategies import measure
from mtpviz.discover import pick
from mtpviz.engine.loop import Decoder
from mtpviz.engine.sampling import Sampling
from mtpviz.engine.session import Session
from mtpviz.kernels.simd import has_bf16_dot
from mtpviz.race import make_drafter
from mtpviz.strategies._tree import Recurrent

ROWS = (1, 2, 4, 8, 16, 32, 64)
# strategy, domain, the speedup over next-token prediction that it should reach there
WANTED = (("draft", "tales", 1.5), ("draft", "python", 1.5), ("lookup", "repetitive", 1.3))
PEER_PROMPTS = ("tales", "python")  # of which transformers continues one each


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the suite's own options."""
    add_prompt_options(parser, limit=3, new_tokens=128)
    parser.add_argument("--repeats", type=int, default=5, metavar="N", help="rounds in which all lanes take turns")


def run(bench: Bench) -> Report:
    """Measure; the goals stand beside what was found."""
    args = bench.args
    found = prompts.load(args.prompts) if args.prompts else []
    have = {prompt.domain for prompt in found}
    found += [prompt for prompt in prompts.BUILT_IN if prompt.domain not in have]
    wanted = {domain for _, domain, _ in WANTED}
    domains = args.domains.split(",") if args.domains else sorted(wanted)
    chosen = prompts.select(found, domains, args.limit_prompts)
    session = bench.open(None)
    report = Report("peers", machine.environment(session))
    texts = [prompt.text for domain in PEER_PROMPTS for prompt in prompts.select(found, [domain], 1)[domain]]
    peers = Table("Whole generations, tokens/s", [], transformers.NOTE)
    floor = Table("A next-token step against its linear layers alone", [], "Medians of the same seconds. Linear "
                  "layers: every packed matrix of the step and nothing between them, by the same kernel.")
    for dtype in dtypes(args):
        _against_transformers(bench, bench.open(dtype), texts, peers, report)
        _against_floor(bench, bench.open(dtype), floor, report)
    report.tables += [peers, floor]
    _rows(bench, session, report)
    _draft_steps(bench, session, report)
    _drafters(bench, session, chosen, report)
    return report


def _against_transformers(bench: Bench, session: Session, texts: list[str], table: Table, report: Report) -> None:
    bench.progress(f"{session.dtype_name}: next-token prediction and transformers")
    rows = transformers.compare(session, texts, bench.args.max_new_tokens, bench.args.repeats)
    table.rows.extend(rows)
    plain = next(row for row in rows if row["engine"] == "transformers generate")
    report.goals.append(_goal(f"ntp against transformers' generate, {session.dtype_name}", 3.0,
                              plain["ntp is faster by"]))


def _against_floor(bench: Bench, session: Session, table: Table, report: Report) -> None:
    bench.progress(f"{session.dtype_name}: a step and its linear layers alone")
    alone, steps, floors, ratios = linears_alone(session.target), [], [], []
    for _ in range(max(bench.args.repeats, 5)):
        trace = decode(session, BASELINE, prompts.BUILT_IN[0].text, Sampling(), 48)
        steps.append(float(np.median([sum(step.time_ms.values()) for step in trace.steps])))
        floors.append(float(np.median([alone() for _ in range(48)])))
        ratios.append(steps[-1] / floors[-1])
    packed = session.target.packed
    size = sum(weight.nbytes for weight in (packed.qkv, packed.o, packed.gate_up, packed.down, packed.head))
    found = spread(ratios)
    table.rows.append({"dtype": session.dtype_name, "step ms": spread(steps), "linear layers ms": spread(floors),
                       "ratio": found, "weights MB": size / 1e6, "linears GB/s": size / 1e6 / spread(floors).median})
    report.goals.append(_goal(f"a step against its linear layers alone, {session.dtype_name}", 1.25, found, True))


def _rows(bench: Bench, session: Session, report: Report) -> None:
    bench.progress("a pass over 1 to 64 rows")
    taken = machine.pass_ms(session, ROWS, repeats=max(15, bench.args.repeats))
    ratios = {rows: spread([many / one for many, one in zip(found, taken[1], strict=True)])
              for rows, found in taken.items()}
    report.tables.append(Table("A target pass over several rows", [
        {"rows": rows, "ms": spread(taken[rows]), "against 1 row": ratios[rows]} for rows in ROWS],
        f"Chains on 256 committed positions, {session.dtype_name}, all sizes in turns."))
    for rows, most in ((8, 1.25), (16, 1.5)):
        goal = _goal(f"a pass over {rows} rows against 1 row, {session.dtype_name}", most, ratios[rows], True)
        if not (session.dtype_name == "bf16" and has_bf16_dot()):
            goal = replace(goal, wanted=f"{goal.wanted} with bf16 instructions", met=None)
        report.goals.append(goal)


def _draft_steps(bench: Bench, session: Session, report: Report) -> None:
    """One row of every recurrent draft against one row of the target."""
    bench.progress("a draft's step")
    names = dict.fromkeys(spec.partition(":")[0] for spec in lanes(session)[0])
    chosen = [name for name in names if issubclass(pick("strategy", name), Recurrent)]
    rows = []
    for name in chosen:
        decoder = Decoder(session, make_drafter(name, session, Sampling()), prompts.BUILT_IN[0].text, Sampling(), 8)
        decoder.prefill()
        decoder.step()
        drafting, cache = decoder.drafter.drafting, decoder.lane.cache
        token, parents, levels = np.array([decoder.lane.root]), np.array([-1]), np.array([1])
        taken: dict[str, list[float]] = {"draft": [], "target": []}
        for _ in range(max(bench.args.repeats, 15)):
            taken["draft"].append(_median_ms(drafting.run, token, parents, levels))
            taken["target"].append(_median_ms(session.target.forward, cache, token, parents, levels + cache.length))
        shares = spread([draft / target for draft, target in zip(*taken.values(), strict=True)])
        rows.append({"draft": name, "layers": drafting.model.config.layers, "hidden": drafting.model.config.hidden,
                     "tokens scored": drafting.parts.scored, "ms": spread(taken["draft"]),
                     "of a target pass": shares})
    report.tables.append(Table("A draft's step", rows, "One row, called from Python as the target's pass is; a tree of "
                               "several levels is called once."))
    modules = [row["of a target pass"] for row in rows if row["layers"] == 1]
    worst = max(modules, key=lambda share: share.median, default=None)
    report.goals.append(_goal("a step of the slowest draft of one layer, against a pass over 1 row", 0.12, worst, True))


def _median_ms(run: Callable[..., object], *arguments: object) -> float:
    times = []
    for _ in range(16):
        start = time.perf_counter()
        run(*arguments)
        times.append(1000 * (time.perf_counter() - start))
    return float(np.median(times[8:]))


def _drafters(bench: Bench, session: Session, chosen: dict[str, list[prompts.Prompt]], report: Report) -> None:
    args = bench.args
    have, missing = lanes(session)
    names = [BASELINE, *dict.fromkeys(name for name, _, _ in WANTED if any(s.partition(":")[0] == name for s in have))]
    warm_up(session, names, Sampling())
    good, looping = [], []
    pairs: dict[tuple[str, str], list] = {}
    for domain, texts in chosen.items():
        for number, prompt in enumerate(texts, 1):
            bench.progress(f"{', '.join(names)} on {domain} {number} of {len(texts)}")
            for found in measure(session, names, prompt.text, Sampling(), args.max_new_tokens, args.repeats):
                for name in names:
                    loops = found[name].distinct_4grams < LOOPING
                    pairs.setdefault((name, domain, loops), []).append((found[name], found[BASELINE]))
    for (name, domain, loops), found in pairs.items():
        (looping if loops else good).append({"strategy": name, "domain": domain} | figures(found))
    for name, domain, least in WANTED:
        row = next((row for row in good if (row["strategy"], row["domain"]) == (name, domain)), None)
        report.goals.append(_goal(f"{name} over ntp on {domain}", least, row and row["speedup"]))
    report.tables += [
        Table("Drafters, one lane at a time", good, " ".join([NOTE, *missing])),
        Table("Texts that repeat themselves", looping, f"Distinct 4-grams below {LOOPING}: they count for no goal.")]


def _goal(what: str, bound: float, found: Spread | None, at_most: bool = False) -> Goal:
    met = None if found is None else found.median <= bound if at_most else found.median >= bound
    return Goal(what, f"{'at most' if at_most else 'at least'} {bound:g}x", found, met)


SUITE = Suite("peers", "speed against transformers, against the linear layers alone, and of the first drafters",
              add_arguments, run)
