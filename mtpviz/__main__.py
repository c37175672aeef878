"""`python -m mtpviz COMMAND`: see the commands with --help.

Exit status: 0; 1 where a command's own check failed (bench lossless); 2 for bad input, with one sentence on standard
error; 130 after Ctrl-C. A command's module is imported only when it is called, so that --help is instant.
"""

from __future__ import annotations

import argparse
import importlib
import os
import shlex
import sys
from collections.abc import Sequence

from mtpviz.errors import UserError

PROGRAM = "python -m mtpviz"
# name -> the module with add_arguments(parser) and run(args) -> exit status, and what the command does
COMMANDS = {
    "app": ("mtpviz.commands.app", "start the page"),
    "generate": ("mtpviz.commands.generate", "continue a prompt with one strategy"),
    "race": ("mtpviz.commands.race", "race strategies on one prompt by a fair clock"),
    "servers": ("mtpviz.commands.servers", "serving engines: who answers at an address, how to start one"),
    "record": ("mtpviz.commands.record", "record the gallery's races"),
    "bench": ("mtpviz.commands.bench", "measure: speed against peers, losslessness, strategies"),
    "train": ("mtpviz.commands.train", "train the bundled models and heads"),
    "export": ("mtpviz.export.command", "a recorded trace to a picture, a table or a page"),
    "doctor": ("mtpviz.commands.doctor", "what this machine can do, and what to do about what it cannot"),
}


class Parser(argparse.ArgumentParser):
    """argparse with one sentence instead of the usage and a message."""

    def error(self, message: str):
        """Exit with status 2."""
        self.exit(2, f"{message[:1].upper()}{message[1:]}; {self.prog} --help lists what is possible.\n")


def main(argv: Sequence[str] | None = None) -> int:
    """Run a command; returns the exit status."""
    argv = list(sys.argv[1:] if argv is None else argv)
    try:
        if argv[:1] == ["app"]:  # app.py parses its own options
            importlib.import_module(COMMANDS["app"][0]).main(argv[1:])
            return 0
        args = _parse(argv)
        status = args.command_run(args)
        sys.stdout.flush()
        return status
    except UserError as error:
        print(error, file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        return 130
    except BrokenPipeError:  # the reader (head, less) has left; Python would complain once more when it flushes at exit
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 141


def _parse(argv: list[str]) -> argparse.Namespace:
    parser = Parser(prog=PROGRAM, description="See, measure and believe speculative decoding.")
    commands = parser.add_subparsers(metavar="COMMAND", required=True)
    chosen = next((word for word in argv if not word.startswith("-")), None)
    for name, (module, about) in COMMANDS.items():
        command = commands.add_parser(name, help=about, description=f"{about[0].upper()}{about[1:]}.",
                                      formatter_class=argparse.ArgumentDefaultsHelpFormatter)
        if name == chosen:
            found = importlib.import_module(module)
            found.add_arguments(command)
            command.set_defaults(command_run=found.run, command_line=shlex.join(["python", "-m", "mtpviz", *argv]))
    return parser.parse_args(argv)


if __name__ == "__main__":
    sys.exit(main())
