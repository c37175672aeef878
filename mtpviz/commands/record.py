"""`python -m mtpviz record`: the gallery's races, every strategy that can run on every domain, greedy and sampled."""

from __future__ import annotations

import argparse
import math
import subprocess
import time
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from mtpviz import gallery, trace
from mtpviz.bench import prompts
from mtpviz.bench.harness import BASELINE, LOOPING, decode, warm_up
from mtpviz.commands.options import add_model, open_session
from mtpviz.commands.output import Progress, print_json
from mtpviz.discover import strategies
from mtpviz.engine.sampling import Sampling
from mtpviz.errors import UserError
from mtpviz.race import Race, make_drafter

if TYPE_CHECKING:
    from mtpviz.engine.session import Session

DOMAINS = "tales,stories,chat,python,zh"
LARGEST = 12 * 2**20  # bytes of the whole gallery, which everyone who takes the project takes too


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the command's arguments."""
    parser.add_argument("--domains", default=DOMAINS, metavar="NAMES", help="separated by commas")
    parser.add_argument("--temperatures", default="0,0.8", metavar="NUMBERS", help="separated by commas; 0 is greedy")
    parser.add_argument("--prompts", metavar="FILE", help="JSON Lines with id, domain, prompt; a few are built in")
    parser.add_argument("--max-new-tokens", type=int, default=128, metavar="N")
    parser.add_argument("--seed", type=int, default=0, metavar="N", help="of sampled races")
    parser.add_argument("--minutes", type=float, default=math.inf, metavar="M", help="after which no race begins")
    parser.add_argument("--out", type=Path, default=gallery.FOLDER, metavar="FOLDER", help="of the gallery")
    parser.add_argument("--json", action="store_true", help="print one JSON document and nothing else")
    add_model(parser)


def run(args: argparse.Namespace) -> int:
    """Record a race a domain and temperature; races of the same name are replaced, others stay in the index."""
    if not args.out.is_dir():
        raise UserError(f"There is no folder {args.out}; make it first.")
    temperatures = _numbers(args.temperatures)
    chosen = prompts.select(prompts.load(args.prompts) if args.prompts else prompts.BUILT_IN,
                            args.domains.split(","), None)
    session, progress = open_session(args), Progress()
    session.versions["commit"] = commit()
    names, missing = _able(session)
    warm_up(session, names, Sampling())
    entries = {entry["name"]: entry for entry in gallery.index(args.out)}
    start, lanes = time.monotonic(), 0
    for domain, texts in chosen.items():
        for temperature in temperatures:
            if time.monotonic() - start > 60 * args.minutes:
                missing.append(f"{domain} at temperature {temperature:g}: left out, the time was up")
                continue
            sampling = Sampling(temperature, seed=args.seed)
            progress(f"{domain} at temperature {temperature:g}, {len(names)} lanes")
            race = Race(session, names, _lively(session, texts, sampling, args.max_new_tokens), sampling,
                        args.max_new_tokens, command=args.command_line)
            for _ in race:
                pass
            name = f"{domain}-{'greedy' if not temperature else f't{temperature:g}'}-{session.device}"
            trace.dump(race.traces, gallery.path(name, args.out))
            kept = trace.load(gallery.path(name, args.out))  # rounded, as the index must tell it
            entries[name] = gallery.entry(name, domain, kept)
            lanes += len(race.traces)
    progress.clear()
    gallery.write_index(entries.values(), args.out)
    _tell(args, list(entries.values()), missing, (time.monotonic() - start) / max(1, lanes))
    return 0


def commit() -> str:
    """The checkout's commit, with a plus sign where files differ from it; "" outside a checkout."""
    def git(*words: str) -> str:
        return subprocess.run(["git", *words], cwd=Path(__file__).parent, capture_output=True, text=True,
                              check=True).stdout.strip()

    try:
        return git("rev-parse", "HEAD") + "+" * bool(git("status", "--porcelain", "--untracked-files=no"))
    except (OSError, subprocess.CalledProcessError):
        return ""


def _able(session: Session) -> tuple[list[str], list[str]]:
    """The strategies that can run on this model, and of the others why they can't."""
    names, missing = [], []
    for name in strategies():
        try:
            make_drafter(name, session, Sampling())
            names.append(name)
        except UserError as error:
            missing.append(f"{name}: {error}")
    return names, missing


def _lively(session: Session, texts: Sequence[prompts.Prompt], sampling: Sampling, new_tokens: int) -> str:
    """The first prompt after which next-token prediction does not repeat itself, which would flatter every drafter; the
    first of all where it always does."""
    for prompt in texts:
        if decode(session, BASELINE, prompt.text, sampling, new_tokens).distinct_4grams >= LOOPING:
            return prompt.text
    return texts[0].text


def _numbers(text: str) -> list[float]:
    try:
        return [float(word) for word in text.split(",")]
    except ValueError:
        raise UserError(f"The temperatures {text!r} are no numbers; 0,0.8 would be.") from None


def _tell(args: argparse.Namespace, entries: list[dict], missing: list[str], lane_s: float) -> None:
    total = sum(path.stat().st_size for path in args.out.glob("*.gz"))
    if args.json:
        print_json({"races": entries, "missing": missing, "bytes": total, "seconds_per_lane": round(lane_s, 2)})
        return
    for entry in entries:
        lanes = ", ".join(f"{lane['strategy']} {lane['speedup'] or 0:.2f}x" for lane in entry["lanes"])
        print(f"{entry['name']}: {lanes}")
    print("\n".join(missing + [f"{len(entries)} races, {total / 2**20:.2f} MiB, {lane_s:.1f} s a lane"]))
    if total > LARGEST:
        print(f"That is more than {LARGEST >> 20} MiB, which is the most a checkout should carry.")
