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


def baseline(traces: Sequence[Trace]) -> Trace | None:
    """The next-token lane of this engine, or None: the first lane of strategy "ntp" that is no peer's."""
    return next((t for t in traces if t.run.strategy == BASELINE and not t.run.peer), None)


def comparable(trace: Trace, base: Trace | None) -> bool:
    """Whether a speedup of `trace` over `base` means anything: same model, device, hardware and precision."""
    return base is not None and _place(trace.run) == _place(base.run)


def _place(run: Run) -> tuple:
    return run.model.get("name"), run.device, run.hardware, run.dtype, run.threads
