"""`python -m mtpviz servers detect URL` and `servers launch STRATEGY`: who answers there, and how to start one."""

from __future__ import annotations

import argparse

from mtpviz.commands.output import print_json, printable
from mtpviz.discover import pick, servers
from mtpviz.errors import UserError
from mtpviz.race import read_spec
from mtpviz.serving.client import Client
from mtpviz.serving.server import Wish, find

LENGTH = 4  # drafts a pass, where no setting says it


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the command's arguments."""
    chosen = parser.add_subparsers(metavar="ACTION", required=True)
    detect = chosen.add_parser("detect", help="tell which engine, version and model answer")
    detect.add_argument("urls", nargs="+", metavar="URL")
    detect.set_defaults(action=_detect)
    launch = chosen.add_parser("launch", help="print the line that starts an engine with a strategy",
                               formatter_class=parser.formatter_class)
    launch.add_argument("strategy", metavar="STRATEGY",
                        help="as in a race, settings too: eagle3:tree=dynamic:depth=5; ntp is the baseline")
    launch.add_argument("--engine", metavar="NAME", help=f"one of {', '.join(servers())}; by default all of them")
    launch.add_argument("--model", default="MODEL", help="the target")
    launch.add_argument("--draft", default="DRAFT", help="the draft model or head")
    launch.set_defaults(action=_launch)
    for action in (detect, launch):
        action.add_argument("--json", action="store_true", help="print one JSON document and nothing else")


def run(args: argparse.Namespace) -> int:
    """Run the action."""
    return args.action(args)


def _detect(args: argparse.Namespace) -> int:
    found = [find(Client(url)) for url in args.urls]
    if args.json:
        print_json({"servers": [{"address": server.client.where, "engine": server.engine, "version": server.version,
                                 "model": server.model, **server.facts} for server in found]})
        return 0
    for server in found:
        facts = "".join(f", {name} {value}" for name, value in server.facts.items() if value)
        print(printable(f"{server.client.where}: {server.title}, model {server.model}{facts}"))
    return 0


def _launch(args: argparse.Namespace) -> int:
    strategy, settings = read_spec(args.strategy)
    known = pick("strategy", strategy).settings
    for name, value in settings.items():
        if name not in known:
            raise UserError(f"The strategy {strategy} has no setting {name!r}; it has {', '.join(known) or 'none'}.")
        settings[name] = known[name].read(name, value)
    length = next((settings[name] for name in ("depth", "heads", "nodes") if settings.get(name)), LENGTH)
    wish = Wish(args.model, args.draft, length, settings.get("tree", "chain") not in ("chain", "auto"))
    engines = [args.engine] if args.engine else list(servers())
    lines = []
    for name in engines:
        engine = pick("serving engine", name)
        line, note = engine.launch(strategy, wish)
        lines.append({"engine": name, "title": engine.TITLE, "line": line, "note": note})
    if args.json:
        print_json({"strategy": args.strategy, "length": length, "launch": lines})
        return 0
    print("\n\n".join("\n".join(filter(None, [f"# {entry['title']}", f"# {entry['note']}" if entry["note"] else "",
                                                entry["line"]])) for entry in lines))
    return 0
