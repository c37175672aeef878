"""The endpoints for other programs: /race, a race's figures and texts, and /trace, everything that is known of it."""

from __future__ import annotations

import json
import time

import gradio as gr

from mtpviz.analysis.summary import race_document
from mtpviz.errors import UserError
from mtpviz.limits import LIMITS
from mtpviz.trace import Trace, lines
from mtpviz.ui.order import read_order
from mtpviz.ui.resident import Resident

LOAD_SECONDS = 120.0


def add_endpoints(resident: Resident, **queue) -> None:
    """Add /race and /trace to the page under construction. queue: their place in Gradio's queue."""

    def race(
        prompt: str,
        strategies: list[str] | None = None,
        max_new_tokens: int = 96,
        temperature: float = 0.0,
        top_p: float = 1.0,
        top_k: int = 0,
        min_p: float = 0.0,
        seed: int = 0,
    ) -> dict:
        """Run a race of decoding strategies (ntp always among them); figures are against next-token
        prediction.
        """
        return race_document(_run(resident, locals()))

    def trace(
        prompt: str,
        strategies: list[str] | None = None,
        max_new_tokens: int = 96,
        temperature: float = 0.0,
        top_p: float = 1.0,
        top_k: int = 0,
        min_p: float = 0.0,
        seed: int = 0,
    ) -> list[dict]:
        """Run the same race and give its traces: the records of a trace file (mtpviz/trace), one a line there."""
        return [json.loads(line) for found in _run(resident, locals()) for line in lines(found)]

    gr.api(race, api_name="race", **queue)
    gr.api(trace, api_name="trace", **queue)


def _run(resident: Resident, asked: dict) -> list[Trace]:
    """A whole race. A client that leaves, the time limit and whatever the engine refuses end it; the last with a
    sentence."""
    try:
        order = read_order(asked)
        if not resident.ready(LOAD_SECONDS):
            raise UserError("The model is still loading; ask again in a minute.")
        contest = resident.race(order)
        deadline = time.monotonic() + LIMITS.run_seconds
        steps = iter(contest)
        try:
            for _ in steps:
                if time.monotonic() > deadline:
                    break
        finally:
            steps.close()
            contest.close()
        return contest.traces
    except UserError as error:
        raise gr.Error(str(error), print_exception=False) from None
