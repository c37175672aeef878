"""What makes traces a race: lane names, the baseline, and which lanes may be compared with it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from mtpviz.trace import Run, Trace

BASELINE = "ntp"


def lane_names(traces: Sequence[Trace]) -> list[str]:
    """A label for each lane: its title, or its strategy's name; a number is added where two lanes share it."""
    titles = [trace.run.title or trace.run.strategy or "lane" for trace in traces]
    shared = {title for title, count in Counter(titles).items() if count > 1}
    seen: Counter[str] = Counter()
    names = []
    for title in titles:
        seen[title] += 1
        names.append(f"{title} ({seen[title]})" if title in shared else title)
    return names


def baseline(traces: Sequence[Trace], trace: Trace | None = None) -> Trace | None:
    """The next-token lane of this engine, or None: the first lane of strategy "ntp" that is no peer's. For a `trace`
    that a server ran: the lane of the server that was listed as the baseline of its engine and model."""
    if trace is not None and trace.run.server:
        alike = (t for t in traces if t.run.server and _place(t.run) == _place(trace.run))
        return next((t for t in alike if t.run.server["baseline"]), None)
    return next((t for t in traces if t.run.strategy == BASELINE and not t.run.peer), None)


def comparable(trace: Trace, base: Trace | None) -> bool:
    """Whether a speedup of `trace` over `base` means anything: same model, device, hardware and precision. Of servers
    no more is known than engine and model; that they run alike is the word of whoever listed one as the baseline."""
    return base is not None and _place(trace.run) == _place(base.run)


def _place(run: Run) -> tuple:
    if run.server:
        return run.server["engine"], run.model.get("name")
    return run.model.get("name"), run.device, run.hardware, run.dtype, run.threads
