"""One live race for one visitor: runs it, tells the browser what is new up to fifteen times a second,
ends it cleanly.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Iterator

from mtpviz.errors import UserError
from mtpviz.limits import LIMITS
from mtpviz.strings import Refusal, say
from mtpviz.trace import Trace
from mtpviz.ui.order import Order, read_order
from mtpviz.ui.quiet import Quiet
from mtpviz.ui.resident import Resident
from mtpviz.ui.runs import LiveRun, Runs
from mtpviz.ui.wire import TICK_SECONDS, Ticker, race_header

WAIT_SECONDS = 0.25  # between signs of life while the model loads; a closed tab is noticed at the next one


def stream(data: dict, resident: Resident, runs: Runs) -> Iterator[dict[str, str]]:
    """Values for the component, from Start to the word that the whole traces can be fetched. Closing the iterator frees
    the engine."""
    run = None
    try:
        order = read_order(data)
        run = runs.add(order.run)
        yield from _race(order, run, resident)
    except Refusal as refusal:
        yield _refuse(run, data, runs, str(refusal), name=refusal.name, values=refusal.values)
    except UserError as error:
        yield _refuse(run, data, runs, str(error))
    except Exception:
        logging.getLogger(__name__).exception("a race broke off")
        yield _refuse(run, data, runs, say("error.engine"))


def _refuse(run: LiveRun | None, data: dict, runs: Runs, sentence: str, **named: object) -> dict[str, str]:
    run = run or runs.add(str(data.get("run", ""))[:64])
    return run.wire.send({"kind": "error", "text": sentence, **named})


def _race(order: Order, run: LiveRun, resident: Resident) -> Iterator[dict[str, str]]:
    yield run.wire.send({"kind": "wait", "for": "model"})
    while not resident.ready(WAIT_SECONDS):
        if run.stopped.is_set():
            yield run.wire.send({"kind": "left"})
            return
        yield run.wire.send({"kind": "wait", "for": "model"})

    quiet = Quiet()
    quiet.wait()  # the number of threads is chosen now, by what is measured
    race = resident.race(order)
    run.traces = race.traces
    first = run.traces[0].run
    yield run.wire.send(
        {
            "kind": "open",
            "limit": first.max_new_tokens,
            "hardware": first.hardware,
            "dtype": first.dtype,
            "model": first.model,
            "sampling": first.sampling,
            "lanes": [_lane(trace) for trace in run.traces],
        }
    )
    if first.device != "cpu":
        quiet.patience = quiet.most = 0.0  # drawing takes nothing from a GPU
    quiet.wait()
    steps, end = iter(race), "done"
    try:
        ticker, last = Ticker(run.traces), 0.0
        deadline = time.monotonic() + LIMITS.run_seconds
        for _ in steps:
            now = time.monotonic()
            if now - last >= TICK_SECONDS:
                yield run.wire.send(ticker.tick(now) or {"kind": "tick", "lanes": []})
                quiet.wait()  # a browser on this machine draws what was sent; no lane's clock is to pay for that
                last = time.monotonic()
            if run.stopped.is_set() or now > deadline:
                end = "stopped" if run.stopped.is_set() else "time"
                break
        steps.close()
        race.close()
        if rest := ticker.tick():
            yield run.wire.send(rest)
        yield run.wire.send(race_header(run.traces, True, end))
    finally:  # also when the visitor has gone: the iterator holds the engine
        steps.close()
        race.close()


def _lane(trace: Trace) -> dict:
    """A lane that is about to run; a server's tells in what it differs from the local ones."""
    run = trace.run
    names = ("strategy", "title", *(("server", "model", "hardware", "dtype", "peer") if run.server else ()))
    return {name: getattr(run, name) for name in names}
