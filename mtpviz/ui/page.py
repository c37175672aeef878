"""The page: puts the views together and connects them to the engine, by way of traces only."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence

import gradio as gr

from mtpviz.limits import LIMITS
from mtpviz.strings import say
from mtpviz.trace import Trace
from mtpviz.ui import api, component, coverage, figures, insight
from mtpviz.ui.library import Library
from mtpviz.ui.live import stream
from mtpviz.ui.presets import presets
from mtpviz.ui.recorded import first_race, opening
from mtpviz.ui.resident import Resident
from mtpviz.ui.runs import Runs
from mtpviz.ui.save import saver
from mtpviz.ui.theme import theme

ENGINE = {"concurrency_id": "engine", "concurrency_limit": 1}  # one race at a time, whoever asks for it


def build(resident: Resident, recorded: Sequence[Trace] | None = None) -> gr.Blocks:
    """The page. recorded: the race that plays on opening; by default the one that ships with the project."""
    opened = first_race() if recorded is None else list(recorded)
    runs = Runs()
    library = Library(runs, opened)

    def engine(_: object = None) -> dict:
        """How far the model is, and what it can run. (Gradio always sends one argument.)"""
        resident.start()
        return resident.describe()

    def stop(run: object) -> bool:
        return runs.stop(run)

    def resync(request: object) -> dict[str, str]:
        return runs.resync(*request[:2]) if isinstance(request, list) and len(request) == 2 else {}

    def race(event: gr.EventData) -> Iterator[dict[str, str]]:
        yield from stream(dict(event._data or {}), resident, runs)

    def draw(event: gr.EventData) -> list:
        wish = dict(event._data or {})
        traces = library.find(wish.get("run"))
        if not traces:
            return [gr.skip() for _ in plots]
        return figures.draw(traces, wish.get("theme", ""), wish.get("language", ""))

    server = [engine, stop, resync, *library.functions(), saver(library.find), *insight.functions(library.find),
              coverage.function(library.find)]
    with gr.Blocks(title=say("page.title"), analytics_enabled=False, fill_width=True) as page:
        stage = component.Stage(opening(opened), server)
        line = component.Line()
        plots = figures.place()
        racing = stage.race(
            race,
            outputs=stage,
            show_progress="minimal",
            show_progress_on=line,
            api_name="stage_race",
            api_visibility="private",
            **ENGINE,
        )
        racing.then(None, js=component.OVER)
        stage.leave(None, cancels=[racing], queue=False, api_visibility="private")
        stage.figures(
            draw,
            outputs=plots,
            show_progress="hidden",
            api_visibility="private",
            concurrency_id="figures",
            concurrency_limit=1,
            trigger_mode="always_last",
        )
        api.add_endpoints(resident, **ENGINE)
    page.queue(max_size=LIMITS.queue)
    return page


def launch_kw() -> dict:
    """What every launch of the page shares: looks, scripts, and no more of Gradio's own furniture than must
    be.
    """
    limits = {"tokens": LIMITS.new_tokens, "lanes": LIMITS.lanes, "prompt": LIMITS.prompt_chars}
    limits["file"] = LIMITS.trace_bytes
    space = os.environ.get("SPACE_ID")  # a hosted Space lies in a frame: a link must name the page around it
    home = f"https://huggingface.co/spaces/{space}" if space else ""
    settings = {"presets": presets(), "limits": limits, "home": home, "figures": figures.titles()}
    return {
        "theme": theme(),
        "css": component.styles(),
        "head": component.head(settings),
        "ssr_mode": False,
        "run_history": False,
        "footer_links": [],
        "quiet": True,
        "pwa": False,
        "show_error": False,
    }


LAUNCH_KW = launch_kw()
