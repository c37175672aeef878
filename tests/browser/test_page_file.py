"""The exported file in real Chromium, from a disk, with the network off."""

import pytest

from mtpviz.export import write
from tests.browser.conftest import TEXTS
from tests.browser.test_page_microscope import _hostile_race as hostile_race
from tests.traces import example_race


@pytest.fixture
def opened(chromium, tmp_path):
    """opened(traces, width) -> the exported file, mounted; what it asks of a network or complains of is collected."""
    contexts = []

    def open_file(traces, width=1440):
        write(traces, tmp_path / "race.html")
        context = chromium.new_context(viewport={"width": width, "height": 900}, offline=True, reduced_motion="reduce")
        contexts.append(context)
        page = context.new_page()
        page.complaints = []
        page.on("pageerror", lambda error: page.complaints.append(str(error)))
        page.on("console", lambda message: page.complaints.append(message.text))
        page.on("request", lambda request: request.url.startswith("file:") or page.complaints.append(request.url))
        page.goto((tmp_path / "race.html").as_uri())
        page.wait_for_selector(".lane-exact.yes")
        return page

    yield open_file
    for context in contexts:
        context.close()


def test_the_race_replays_and_steps(opened):
    page, race = opened(example_race()), example_race()
    assert page.evaluate(TEXTS) == [trace.text for trace in race]
    page.focus(".track input")
    page.keyboard.press("Home")
    page.keyboard.press("ArrowRight")
    page.wait_for_selector(f".microscope h2:has-text('step 1 of {len(race[2].steps)}')")
    page.wait_for_selector(".tree .node.bonus")
    page.click(".play")
    page.wait_for_selector(f".microscope h2:has-text('step {len(race[2].steps)} of')")
    page.click(".about summary")
    assert "2-core CPU" in page.text_content(".about dl") and "0000000000000000" in page.text_content(".about dl")
    page.click(".masthead button")
    page.wait_for_selector("body.dark")
    assert not page.complaints


def test_hostile_text_is_shown_literally(opened):
    traces = hostile_race()
    page = opened(traces)
    assert page.evaluate(TEXTS) == [trace.text for trace in traces]
    assert page.text_content(".about-prompt") == traces[0].run.prompt
    assert page.evaluate("window.hit") is None and page.locator(".mtp img, .mtp script").count() == 0
    assert not page.complaints


def test_a_phone_can_read_it(opened):
    page = opened(example_race(), 390)
    assert page.evaluate("document.documentElement.scrollWidth") <= 390 and not page.complaints
