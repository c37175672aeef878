"""The endpoint /race: a whole race as one JSON document, for gradio_client."""

from __future__ import annotations

import time

import gradio as gr

from mtpviz.analysis.summary import race_document
from mtpviz.errors import UserError
from mtpviz.limits import LIMITS
from mtpviz.ui.order import read_order
from mtpviz.ui.resident import Resident

LOAD_SECONDS = 120.0


def add_race(resident: Resident, **queue) -> None:
    """Add /race to the page under construction. queue: its place in Gradio's queue."""

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
        try:
            order = read_order(
                {
                    "prompt": prompt,
                    "strategies": strategies,
                    "max_new_tokens": max_new_tokens,
                    "temperature": temperature,
                    "top_p": top_p,
                    "top_k": top_k,
                    "min_p": min_p,
                    "seed": seed,
                }
            )
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
            return race_document(contest.traces)
        except UserError as error:
            raise gr.Error(str(error), print_exception=False) from None

    gr.api(race, api_name="race", **queue)
