"""Real Chromium on real pages. Skipped where there is no Chromium; under CI=true that is a failure."""

from __future__ import annotations

import os
import shutil
from contextlib import contextmanager

import pytest

from mtpviz.ui.page import LAUNCH_KW, build
from tests.traces import example_race
from tests.ui.scripted import ScriptedResident

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
FLAGS = [
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-sync",
    "--disable-background-networking",
    "--disable-component-update",
]
CI = os.environ.get("CI") == "true"
WAIT_MS = 30_000


def skip(reason: str) -> None:
    """Skip the test, or fail it under CI."""
    (pytest.fail if CI else pytest.skip)(reason)


@contextmanager
def serving(resident, recorded):
    """The page with this resident and recorded race, on a free port; gives its address."""
    page = build(resident, recorded)
    _, url, _ = page.launch(server_name="127.0.0.1", prevent_thread_lock=True, **LAUNCH_KW)
    try:
        yield url
    finally:
        page.close(verbose=False)


@pytest.fixture(scope="session")
def chromium():
    if CHROMIUM is None:
        skip("there is no Chromium on this machine")
    playwright = (
        pytest.importorskip("playwright.sync_api") if not CI else __import__("playwright.sync_api").sync_api
    )
    with playwright.sync_playwright() as running:
        browser = running.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        yield browser
        browser.close()


@pytest.fixture(scope="session")
def scripted():
    """(address, resident) of a page whose races are written down; each step takes 15 ms."""
    resident = ScriptedResident(example_race(), pause=0.015)
    with serving(resident, example_race()) as url:
        yield url, resident


@pytest.fixture
def visit(chromium):
    """visit(url, width=1440, still=True, **context) -> a page that has mounted; collects what its scripts
    complain of.

    still: the reader prefers reduced motion, so the recorded race stands at its end.
    """
    contexts = []

    def open_page(url: str, width: int = 1440, still: bool = True, theme: str = "light"):
        context = chromium.new_context(
            viewport={"width": width, "height": 900 if width > 500 else 844},
            reduced_motion="reduce" if still else "no-preference",
        )
        contexts.append(context)
        page = context.new_page()
        page.set_default_timeout(WAIT_MS)
        page.complaints = []
        page.on("pageerror", lambda error: page.complaints.append(str(error)))
        page.goto(f"{url}?__theme={theme}")
        page.wait_for_selector(".mtp .ask-row")
        return page

    yield open_page
    for context in contexts:
        context.close()


# What a lane's text says, token by token: without the prompt before it and the rejected drafts between.
TEXTS = """() => [...document.querySelectorAll('.lane .lane-text')].map((lane) => {
  const copy = lane.cloneNode(true);
  copy.querySelectorAll('.prompt, .ghost').forEach((node) => node.remove());
  return copy.textContent;
})"""


def start(page, prompt: str = "Once upon a time") -> None:
    """Press Start with this prompt and wait until the live race has its first token."""
    page.fill("#mtp-prompt", prompt)
    page.click("#mtp-start")
    page.wait_for_function(
        "mtp.store.state.race?.live && mtp.store.state.race.lanes[0].first !== null"
        " && mtp.store.state.running"
    )


def finish(page) -> None:
    """Wait until this page's own race has ended and its whole traces are shown."""
    page.wait_for_function("!mtp.store.state.running && mtp.store.state.race.finished")
    page.wait_for_function("() => !document.querySelector('.lane .cursor:not([hidden])')")
