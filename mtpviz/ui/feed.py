"""`python -m mtpviz.ui.feed`: the page on a race that is written down, at a given rate; `bench page` measures it so."""

from __future__ import annotations

import argparse

from mtpviz.bench.feed import ScriptedResident, steady
from mtpviz.ui.page import LAUNCH_KW, build


def main() -> None:
    """Serve until the process is ended; the address is the one line on standard output."""
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--lanes", type=int, default=4)
    options.add_argument("--rate", type=float, default=250.0, help="tokens a second of each lane")
    options.add_argument("--seconds", type=float, default=5.0)
    options.add_argument("--nodes", type=int, default=8, help="drafted nodes of each step's tree")
    asked = options.parse_args()
    resident = ScriptedResident(steady(asked.lanes, asked.rate, asked.seconds, asked.nodes), pause=None)
    page = build(resident, steady(3, 100, 0.2, 4))
    _, url, _ = page.launch(server_name="127.0.0.1", prevent_thread_lock=True, **LAUNCH_KW)
    print(url, flush=True)
    page.block_thread()


if __name__ == "__main__":
    main()
