"""What a visitor sees before the first click, and without a model."""

import pytest

from tests.browser.conftest import TEXTS, serving
from tests.traces import example_race
from tests.ui.scripted import ScriptedResident


@pytest.fixture(scope="module")
def loading():
    """A page whose model never comes."""
    with serving(ScriptedResident([], loaded=False), example_race()) as url:
        yield url


def test_a_recorded_race_plays_before_any_click_and_says_so(visit, loading):
    page = visit(loading, still=False)
    page.wait_for_function("mtp.store.state.playing && mtp.store.state.time > 20")
    chip = page.text_content(".source")
    assert "recorded" in chip and "2-core CPU" in chip and "1 Jan 2026" in chip
    assert "× speed" in page.text_content(".status .line")
    assert "loading" in page.text_content(".chip.model")
    page.wait_for_function("document.querySelectorAll('.lane-speed .figure')[2].textContent > '1'")
    assert page.locator(".tree .node").count() >= 2
    assert all(page.locator(".lane").nth(lane).bounding_box()["y"] < 900 for lane in range(3))
    assert (
        page.locator(".timeline").bounding_box()["y"] + page.locator(".timeline").bounding_box()["height"]
        <= 900
    )
    assert not page.complaints


def test_lanes_never_change_their_height_while_text_streams(visit, loading):
    page = visit(loading, still=False)
    parts = ".lane, .microscope, .timeline"
    measure = f"[...document.querySelectorAll('{parts}')].map((node) => node.getBoundingClientRect().top)"
    page.wait_for_function("mtp.store.state.playing && mtp.store.state.time > 5")
    before = page.evaluate(measure)
    page.wait_for_function("mtp.store.state.time > 150")
    assert page.evaluate(measure) == before


def test_reduced_motion_stands_still_at_the_end(visit, loading):
    page = visit(loading)
    page.wait_for_selector(".lane-exact.yes")
    assert not page.evaluate("mtp.store.state.playing")
    assert page.evaluate(TEXTS) == [trace.text for trace in example_race()]
    assert page.text_content(".status .line") == "A recorded race. Press Start to run your own prompt."


def test_start_before_the_model_is_there_waits_and_says_so(visit, loading):
    page = visit(loading)
    page.click("#mtp-start")
    page.wait_for_function(
        "document.querySelector('.status .line').textContent.startsWith('Loading the model')"
    )
    page.click("#mtp-start")
    page.wait_for_selector(".status .line:has-text('Stopped before it began')")
    assert page.text_content("#mtp-start") == "Start"


def test_without_a_recording_there_is_a_sentence(visit):
    with serving(ScriptedResident([], loaded=False), []) as url:
        page = visit(url)
        page.wait_for_selector("[role=alert]:has-text('There is no recorded race')")
        assert page.is_enabled("#mtp-start") and not page.complaints


@pytest.mark.parametrize(("width", "theme"), [(390, "light"), (390, "dark"), (768, "light"), (1920, "dark")])
def test_nothing_overflows_at_any_width(visit, loading, width, theme):
    page = visit(loading, width=width, theme=theme)
    page.wait_for_selector(".lane-exact.yes")
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    paper = page.evaluate("getComputedStyle(document.querySelector('.gradio-container')).backgroundColor")
    assert paper == {"light": "rgb(251, 250, 247)", "dark": "rgb(14, 17, 22)"}[theme]
    assert not page.locator("footer").is_visible()
