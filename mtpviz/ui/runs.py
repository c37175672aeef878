"""The runs of late, by their id: what a browser may ask for again, and how it stops its own run."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Sequence

from mtpviz.trace import Trace
from mtpviz.ui.wire import Wire

KEPT = 32
MAX_ID = 64


class LiveRun:
    """One run: its messages, its traces, and whether it is to stop."""

    def __init__(self, run: str, traces: Sequence[Trace] = ()):
        self.wire, self.traces, self.stopped = Wire(run), list(traces), threading.Event()


class Runs:
    """The last KEPT runs. A run's id is drawn at random by the browser that started it: only that one knows
    it.
    """

    def __init__(self):
        self._runs: OrderedDict[str, LiveRun] = OrderedDict()
        self._lock = threading.Lock()

    def add(self, run: str, traces: Sequence[Trace] = ()) -> LiveRun:
        """A new run under this id."""
        entry = LiveRun(run, traces)
        with self._lock:
            self._runs[run] = entry
            while len(self._runs) > KEPT:
                self._runs.popitem(last=False)
        return entry

    def get(self, run: object) -> LiveRun | None:
        """The run with this id, or None where it is unknown or forgotten."""
        with self._lock:
            return self._runs.get(run) if isinstance(run, str) else None

    def stop(self, run: object) -> bool:
        """Ask a run to stop after its present step; whether there is such a run."""
        entry = self.get(run)
        if entry:
            entry.stopped.set()
        return entry is not None

    def resync(self, run: object, cursor: object) -> dict[str, str]:
        """The messages of a run from number `cursor` on."""
        entry = self.get(run)
        return entry.wire.window(int(cursor)) if entry and isinstance(cursor, int | float) else {}
