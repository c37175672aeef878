"""The guided course: every page leads to something real, and notices when the reader has done what it asks."""

import json

import pytest

from mtpviz.ui.component import WEB
from tests.browser.conftest import finish

DONE = "mtp.store.state.done.includes({!r})"


@pytest.fixture
def reader(visit, scripted):
    """open(id) -> the page of the site at this page of the course; nothing is done yet."""
    page = visit(scripted[0])
    page.wait_for_selector(".lane-exact.yes")

    def turn(name: str):
        page.evaluate("(name) => { mtp.store.state.done = []; mtp.learn.open(name); }", name)
        page.wait_for_selector(".view.learn h2:visible")
        return page

    return turn


def _settle(page):
    page.evaluate("new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)))")


def test_every_page_marks_something_real_and_says_nothing_unfilled(reader):
    texts = json.loads((WEB / "learn" / "en.json").read_text(encoding="utf-8"))
    page = reader("slow")
    pages = page.evaluate("mtp.course.map(({ id, mark }) => ({ id, mark: mark ?? null }))")
    assert len(pages) >= 15 and [entry["id"] for entry in pages] == [name for name in texts if name != "lanes"]
    for entry in pages:
        reader(entry["id"])
        _settle(page)
        assert page.text_content(".view.learn h2") == texts[entry["id"]]["title"]
        body = page.text_content(".learn-body")
        assert "{" not in body and "[[" not in body and "NaN" not in body and "undefined" not in body, entry["id"]
        if entry["mark"]:
            assert page.locator(".marked").count() >= 1, entry["id"]
    assert not page.complaints


def test_a_page_is_done_when_its_action_is_and_not_before(reader):
    page = reader("verdict")
    _settle(page)
    assert not page.evaluate(DONE.format("verdict"))
    page.hover(".microscope .tree .node.accepted")
    _settle(page)
    assert not page.evaluate(DONE.format("verdict"))
    page.hover(".microscope .tree .node.rejected")
    page.wait_for_function(DONE.format("verdict"))
    assert page.locator(".learn.finished").count() == 1

    reader("tau")
    page.focus(".lane.focused .term[data-term=rate]")
    _settle(page)
    assert not page.evaluate(DONE.format("tau"))
    page.focus(".lane.focused .term[data-term=tau]")
    page.wait_for_function(DONE.format("tau"))
    assert "tokens per pass" in page.text_content(".tip")

    reader("pass")
    _settle(page)
    assert not page.evaluate(DONE.format("pass"))
    page.keyboard.press("ArrowRight")
    page.wait_for_function(DONE.format("pass"))

    reader("ghosts")
    page.check("#mtp-ghosts")
    page.wait_for_function(DONE.format("ghosts"))


def test_a_race_at_another_temperature_is_noticed(reader):
    page = reader("sampled")
    page.click(".menu:has(#mtp-temperature) > button")
    page.fill("#mtp-temperature", "0.8")
    page.keyboard.press("Escape")
    _settle(page)
    assert not page.evaluate(DONE.format("sampled"))
    page.click("#mtp-start")
    page.wait_for_function(DONE.format("sampled"))
    page.wait_for_function("mtp.store.state.race.live")
    finish(page)


def test_a_lane_that_is_not_there_is_said_to_be_missing(reader):
    page = reader("firp")
    _settle(page)
    assert page.text_content(".learn-absent") == "This race has no FIRP lane; the page shows EAGLE-3 in its place."
    reader("eagle")
    _settle(page)
    assert not page.locator(".learn-absent").is_visible()


def test_the_table_sets_this_races_figures_beside_the_papers(reader):
    page = reader("published")
    _settle(page)
    ours = page.evaluate(
        "(({ speedup, tau }) => `${speedup.toFixed(2)}×, τ ${tau.toFixed(2)}`)(mtp.store.state.race.at(1, Infinity))"
    )
    row = page.locator(".papers tbody tr").first
    assert row.locator("td").last.text_content() == ours and "paper, not reproduced" in row.text_content()
    assert "not in this race" in page.locator(".papers tr:has-text('FIRP')").text_content()
    marks = page.locator(".papers .paper-mark").count()
    assert marks == page.locator(".papers tbody tr").count() >= 8


def test_the_course_goes_by_keys_and_is_remembered(visit, scripted):
    page = visit(scripted[0])
    page.wait_for_selector(".lane-exact.yes")
    page.keyboard.press("l")
    page.wait_for_selector(".view.learn h2:visible")
    page.keyboard.press("PageDown")
    page.keyboard.press("PageDown")
    page.wait_for_function("mtp.store.state.course === 'pass'")
    page.keyboard.press("PageUp")
    page.keyboard.press("ArrowRight")
    page.keyboard.press("PageDown")
    page.keyboard.press("ArrowLeft")
    page.wait_for_function("mtp.store.state.done.includes('pass')")
    page.wait_for_function("JSON.parse(localStorage.mtpviz).done.includes('pass')")
    page.keyboard.press("Escape")
    page.wait_for_selector(".view.learn", state="hidden")
    page.reload()
    page.wait_for_selector(".lane-exact.yes")
    assert "pass" in page.evaluate("mtp.store.state.done") and "slow" not in page.evaluate("mtp.store.state.done")


def test_a_lecture_shows_one_part_at_a_time_by_keys_alone(visit, scripted):
    page = visit(scripted[0], width=1280)
    page.wait_for_selector(".lane-exact.yes")
    small = page.evaluate("document.querySelector('.lane-text').getBoundingClientRect().left")
    page.keyboard.press("f")
    page.wait_for_selector("body.lecture")
    assert page.locator(".lanes").is_visible() and not page.locator(".view.microscope").is_visible()
    zoom = page.evaluate("parseFloat(getComputedStyle(document.documentElement).getPropertyValue('--zoom'))")
    assert zoom > 1.2 and page.evaluate("document.querySelector('.lane-text').getBoundingClientRect().left") > small
    page.keyboard.press("v")
    page.wait_for_selector(".view.microscope:visible")
    assert not page.locator(".lanes").is_visible()
    page.keyboard.press("l")
    page.wait_for_selector(".view.learn h2:visible")
    assert not page.locator(".learn-notes").is_visible()
    page.keyboard.press("n")
    page.wait_for_selector(".learn-notes:visible")
    page.keyboard.press("/")
    page.wait_for_function("document.activeElement.id === 'mtp-prompt'")
    assert page.locator("#mtp-prompt").is_visible()
    page.evaluate("document.activeElement.blur()")
    page.keyboard.press("f")
    page.wait_for_selector("body:not(.lecture)")
    assert page.locator(".lanes").is_visible() and page.locator(".view.microscope").is_visible()
    page.keyboard.press("?")
    assert page.locator("dialog.help kbd").count() > 12
    page.keyboard.press("Escape")
    page.wait_for_selector("dialog.help", state="detached")
