"""`bench lossless`: every strategy's tokens against next-token prediction's, in every precision.

Every drafter with every shape of tree; what the draft may say (vocab=auto, full, en, zh, code) takes turns over the
prompts, so that five prompts of a domain meet every pair of tree and vocabulary.
"""

from __future__ import annotations

import argparse

from mtpviz.bench import machine, prompts
from mtpviz.bench.clock import Clock
from mtpviz.bench.harness import BASELINE, Bench, Suite, add_prompt_options, decode, dtypes, lanes
from mtpviz.bench.report import Report, Table
from mtpviz.discover import strategies
from mtpviz.engine.sampling import Sampling
from mtpviz.engine.session import Session
from mtpviz.errors import UserError
from mtpviz.heads.vocabulary import LANGUAGES, load_map
from mtpviz.race import make_drafter
from mtpviz.trace import Trace

TEMPERATURES = (0.0, 0.8)  # greedy, and sampled under the match rule, which draws by position


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the suite's own options."""
    add_prompt_options(parser, limit=20, new_tokens=256)
    parser.add_argument("--strategies", metavar="NAMES", help="separated by commas: a drafter with every tree, or with "
                        "settings as for race; by default every drafter")


def run(bench: Bench) -> Report:
    """Decode every prompt with every strategy; the report passes if every token is next-token prediction's."""
    args = bench.args
    chosen = prompts.select(prompts.load(args.prompts) if args.prompts else prompts.usual(),
                            args.domains.split(",") if args.domains else None, args.limit_prompts)
    rows, differences, environment, clock = [], [], None, None
    for dtype in dtypes(args):
        session = bench.open(dtype)
        environment = environment or machine.environment(session)
        specs, missing = _specs(session, args.strategies)
        vocabularies = _vocabularies(session)
        passes = len(dtypes(args)) * len(TEMPERATURES) * sum(map(len, chosen.values()))
        clock = clock or Clock(bench.progress, passes * (1 + len(specs)) * args.max_new_tokens)
        for temperature in TEMPERATURES:
            sampling = Sampling(temperature, seed=args.seed)
            for domain, texts in chosen.items():
                counts = {spec: _Count() for spec in specs}
                for number, prompt in enumerate(texts):
                    clock.tell(f"{dtype}, temperature {temperature:g}, {domain} {number + 1} of {len(texts)}, "
                               f"{len(differences)} differ so far")
                    base = decode(session, BASELINE, prompt.text, sampling, args.max_new_tokens)
                    for turn, (spec, count) in enumerate(counts.items(), number):
                        full = _with_vocabulary(spec, vocabularies[turn % len(vocabularies)])
                        trace = decode(session, full, prompt.text, sampling, args.max_new_tokens)
                        if (place := count.take(trace, base)) is not None:
                            differences.append({"dtype": dtype, "temperature": temperature, "prompt": prompt.id,
                                                "strategy": full, "first difference at token": place})
                    clock.passed((1 + len(specs)) * args.max_new_tokens)
                rows += [{"dtype": dtype, "temperature": temperature, "domain": domain, "strategy": spec}
                         | count.figures() for spec, count in counts.items()]
    environment["dtype"] = " and ".join(dtypes(args))
    note = ("identical: prompts whose text is next-token prediction's, token for token, to its end. A temperature "
            "above 0 is the match rule: draws are keyed by seed and position. tau: tokens per target pass. Over the "
            f"prompts, drafts take turns at vocab={', '.join(vocabularies)}.")
    tables = [Table("Token-identical to next-token prediction", rows, " ".join([note, *missing])),
              Table("Differences", differences, "" if differences else "Every text is identical.")]
    return Report("lossless", environment, tables, passed=not differences)


def _specs(session: Session, asked: str | None) -> tuple[list[str], list[str]]:
    """The lanes to compare, and why others are left out. UserError for a strategy that is unknown or cannot run."""
    have, missing = lanes(session)
    have.remove(BASELINE)
    if asked is None:
        return have, missing
    specs = []
    for name in filter(None, (part.strip() for part in asked.split(","))):
        own = [spec for spec in have if spec.partition(":")[0] == name]
        if not own:
            make_drafter(name, session, Sampling())
        specs += own or [name]
    if not specs:
        raise UserError("--strategies names none; draft,lookup would do.")
    return [spec for spec in dict.fromkeys(specs) if spec != BASELINE], []


def _vocabularies(session: Session) -> list[str]:
    """Choices of the `vocab` setting that this model's maps allow."""
    return ["auto", "full", *(language for language in LANGUAGES if load_map(
        session.entry.vocabulary, language, session.config.vocab) is not None)]


def _with_vocabulary(spec: str, choice: str) -> str:
    """The spec with vocab=choice where its drafter has that setting and it was not asked for."""
    name, _, settings = spec.partition(":")
    asked = any(pair.startswith("vocab=") for pair in settings.split(":"))
    return spec if asked or "vocab" not in strategies()[name].settings else f"{spec}:vocab={choice}"


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
