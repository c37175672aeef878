"""Waiting until this machine has nothing else to do, so that what is timed next is timed alone."""

from __future__ import annotations

import time
from collections import deque
from pathlib import Path

LOAD = Path("/proc/loadavg")  # its fourth word begins with the number of tasks on the machine that run or want to
LOOK_SECONDS = 0.002
LOOKS = 10  # in a row: a browser that has a message to draw waits up to one frame before it begins
BUSY = 3  # of those looks that may find somebody: a browser at rest still looks up at every frame


class Quiet:
    """`wait` lets others have the machine until they need it no more, at most `most` seconds; less each time that they
    did not come to rest. Where the system does not tell what else runs, it does not wait at all."""

    def __init__(self, most: float = 0.1):
        self.most = self.patience = most

    def wait(self) -> None:
        """Return once nearly nothing but this thread has run for LOOKS looks."""
        end, seen = time.monotonic() + self.patience, deque(maxlen=LOOKS)
        while (others := _others()) is not None:
            seen.append(others > 0)
            if len(seen) == LOOKS and sum(seen) <= BUSY:
                self.patience = self.most
                return
            if time.monotonic() > end:
                self.patience /= 2
                return
            time.sleep(LOOK_SECONDS)


def _others() -> int | None:
    try:
        return int(LOAD.read_text().split()[3].partition("/")[0]) - 1
    except (OSError, ValueError, IndexError):
        return None
