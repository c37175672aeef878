"""`python -m mtpviz race PROMPT --strategies ntp,draft,lookup`: lanes on one fair clock, as a table or as JSON."""

from __future__ import annotations

import argparse

from mtpviz.analysis.summary import race_document
from mtpviz.bench.harness import lane_label, warm_up
from mtpviz.commands.options import (
    add_model,
    add_prompt,
    check_writable,
    open_session,
    read_prompt,
    sampling,
    save_trace,
)
from mtpviz.commands.output import Progress, print_json, printable, table
from mtpviz.errors import UserError
from mtpviz.race import Race
from mtpviz.serving.lane import server_lanes
from mtpviz.serving.server import listed


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the command's arguments."""
    add_prompt(parser)
    parser.add_argument("--strategies", default="ntp,draft,lookup", metavar="NAMES",
                        help="separated by commas, with settings if wanted: ntp,draft:tree=chain:depth=4")
    parser.add_argument("--server", action="append", default=[], metavar="NAME=URL",
                        help="a serving engine as a lane on its own clock; NAME=URL,baseline compares others with it; "
                             "may be repeated")
    add_model(parser)


def run(args: argparse.Namespace) -> int:
    """Race, print, record."""
    check_writable(args.trace)
    names = [name.strip() for name in args.strategies.split(",") if name.strip()]
    if not names:
        raise UserError("No strategy was named; --strategies ntp,draft,lookup would do.")
    settings, prompt = sampling(args), read_prompt(args)
    guests = server_lanes(listed(args.server), prompt, settings, args.max_new_tokens,
                          command=args.command_line)
    session = open_session(args)
    race = Race(session, names, prompt, settings, args.max_new_tokens, record=args.trace is not None,
                command=args.command_line, guests=guests)
    warm_up(session, names, settings)
    labels, progress = [lane_label(trace.run) for trace in race.traces], Progress()
    for _ in race:
        progress("   ".join(f"{label} {len(trace.token_ids)}"
                            for label, trace in zip(labels, race.traces, strict=True)))
    progress.clear()
    save_trace(race.traces, args.trace)
    document = race_document(race.traces)
    if args.json:
        print_json(document)
    else:
        _print_human(document, labels)
    return 0


def _print_human(document: dict, labels: list[str]) -> None:
    """The figures of every lane, and the text: that of next-token prediction, and of each lane that has another."""
    lanes, shown = document["lanes"], set()
    rows = [(label, f"{lane['tokens_per_s']:.0f}", _ratio(lane["speedup"]), _number(lane["tau"]),
             _verdict(lane["exact"]), _number(lane["first_token_ms"], 1), f"{lane['distinct_4grams']:.2f}")
            for label, lane in zip(labels, lanes, strict=True)]
    print(table(("lane", "tokens/s", "speedup", "tau", "exact", "first token ms", "distinct 4-grams"), rows))
    print(f"on {document['hardware']} in {document['dtype']}; speedup and exact against next-token prediction")
    for lane in lanes:
        if lane["server"]:
            print(f"{lane['title']}: {_told(lane, lanes)}")
    if any(lane["loops"] for lane in lanes):
        print("A text repeats itself (distinct 4-grams below 0.5), which flatters every drafter.")
    for lane in lanes:
        if lane["text"] not in shown:
            shown.add(lane["text"])
            same = [other for other, its in zip(labels, lanes, strict=True) if its["text"] == lane["text"]]
            print(f"\n{', '.join(same) if len(same) < len(lanes) else 'all lanes'}:\n{printable(lane['text'])}")


def _told(lane: dict, lanes: list[dict]) -> str:
    """What there is to say of a server's lane."""
    server = lane["server"]
    if lane["end"]["reason"] == "failed":
        return lane["end"]["error"]
    base = next((other for other in lanes if other["server"] and other["server"]["baseline"]), None)
    against = ("the baseline of its engine and model" if server["baseline"] else
               f"speedup and exact against {base['strategy']}" if base and lane["speedup"] else
               "no server is listed as the baseline of its engine and model")
    drafts = (f"{lane['accepted']} of {lane['drafted']} drafts accepted" if lane["drafted"] is not None else
              "it does not tell its drafts")
    return f"version {server['version'] or '?'} at {server['address']}, on a clock of its own; {against}; {drafts}"


def _ratio(value: float | None) -> str:
    return "-" if value is None else f"{value:.2f}x"


def _number(value: float | None, digits: int = 2) -> str:
    return "-" if value is None else f"{value:.{digits}f}"


def _verdict(exact: bool | None) -> str:
    return {True: "yes", False: "NO", None: "not checked"}[exact]
