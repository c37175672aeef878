"""`bench lossless`: every strategy's tokens against next-token prediction's, in every precision."""

from __future__ import annotations

import argparse

from mtpviz.bench import machine, prompts
from mtpviz.bench.harness import BASELINE, Bench, Suite, add_prompt_options, decode, dtypes, lanes
from mtpviz.bench.report import Report, Table
from mtpviz.engine.sampling import Sampling
from mtpviz.trace import Trace

TEMPERATURES = (0.0, 0.8)  # greedy, and sampled under the match rule, which draws by position


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the suite's own options."""
    add_prompt_options(parser, limit=20, new_tokens=256)


def run(bench: Bench) -> Report:
    """Decode every prompt with every strategy; the report passes if every token is next-token prediction's."""
    args = bench.args
    chosen = prompts.select(prompts.load(args.prompts) if args.prompts else prompts.usual(),
                            args.domains.split(",") if args.domains else None, args.limit_prompts)
    rows, differences, missing, environment = [], [], [], None
    for dtype in dtypes(args):
        session = bench.open(dtype)
        environment = environment or machine.environment(session)
        specs, missing = lanes(session)
        for temperature in TEMPERATURES:
            sampling = Sampling(temperature, seed=args.seed)
            for domain, texts in chosen.items():
                counts = {spec: _Count() for spec in specs if spec != BASELINE}
                for number, prompt in enumerate(texts, 1):
                    bench.progress(f"{dtype}, temperature {temperature:g}, {domain} {number} of {len(texts)}")
                    base = decode(session, BASELINE, prompt.text, sampling, args.max_new_tokens)
                    for spec, count in counts.items():
                        trace = decode(session, spec, prompt.text, sampling, args.max_new_tokens)
                        if (place := count.take(trace, base)) is not None:
                            differences.append({"dtype": dtype, "temperature": temperature, "prompt": prompt.id,
                                                "strategy": spec, "first difference at token": place})
                rows += [{"dtype": dtype, "temperature": temperature, "domain": domain, "strategy": spec}
                         | count.figures() for spec, count in counts.items()]
    environment["dtype"] = " and ".join(dtypes(args))
    note = ("identical: prompts whose text is next-token prediction's, token for token, to its end. A temperature "
            "above 0 is the match rule: draws are keyed by seed and position. tau: tokens per target pass.")
    tables = [Table("Token-identical to next-token prediction", rows, " ".join([note, *missing])),
              Table("Differences", differences, "" if differences else "Every text is identical.")]
    return Report("lossless", environment, tables, passed=not differences)


class _Count:
    """Of one strategy on one domain."""

    def __init__(self):
        self.prompts = self.tokens = self.identical = self.steps = 0

    def take(self, trace: Trace, base: Trace) -> int | None:
        """Count a text in; the index of the first token that differs, None if none does."""
        ours, theirs = trace.token_ids, base.token_ids
        self.prompts += 1
        self.tokens += len(ours)
        self.steps += len(trace.steps)
        if ours == theirs:
            self.identical += 1
            return None
        return next((i for i, (a, b) in enumerate(zip(ours, theirs, strict=False)) if a != b),
                    min(len(ours), len(theirs)))

    def figures(self) -> dict:
        """Columns of the table."""
        return {"prompts": self.prompts, "tokens": self.tokens, "identical": self.identical,
                "tau": (self.tokens - self.prompts) / max(1, self.steps)}


SUITE = Suite("lossless", "are all strategies token-identical to next-token prediction, in bf16 and fp32?",
              add_arguments, run)
