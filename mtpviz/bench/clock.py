"""How long a benchmark still takes, by what it has done."""

from __future__ import annotations

import math
import time
from collections.abc import Callable


class Clock:
    """Tells what is being measured and how long the rest will take if texts end as early as they did so far.

    planned: tokens that the whole would be if every text had its full length. minutes: after which it is `over`.
    """

    def __init__(self, progress: Callable[[str], None], planned: int, minutes: float = math.inf):
        self.progress, self.planned, self.done, self.start = progress, planned, 0, time.monotonic()
        self.ends = self.start + 60 * minutes

    @property
    def over(self) -> bool:
        """Whether the time is up."""
        return time.monotonic() > self.ends

    def tell(self, what: str) -> None:
        """Show `what`, and the time that is left once it is known."""
        if self.done:
            left = (time.monotonic() - self.start) * (self.planned - self.done) / self.done
            what += f"; about {left / 60:.0f} min left" if left > 90 else f"; about {left:.0f} s left"
        self.progress(what)

    def passed(self, planned: int) -> None:
        """Take in that texts are finished for which `planned` tokens were planned."""
        self.done += planned
