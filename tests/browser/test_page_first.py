"""Who comes for the first time: what the page says it is, what it shows, and that a finger can use it."""

import pytest

from mtpviz.trace import dump
from mtpviz.ui.recorded import first_race
from tests.browser.conftest import serving
from tests.ui.scripted import ScriptedResident


@pytest.fixture(scope="module")
def opening():
    """The page over the race that ships with it, its model never there."""
    with serving(ScriptedResident([], loaded=False), None) as url:
        yield url


def test_the_first_line_says_what_it_is_and_leads_to_the_tour(visit, opening):
    page = visit(opening)
    assert "the same text in every lane" in page.text_content(".lead")
    assert page.evaluate("document.querySelector('.view.timeline').getBoundingClientRect().bottom <= innerHeight")
    page.click(".tour")
    page.wait_for_selector(".view.learn h2:visible")
    assert page.evaluate("mtp.store.state.course") == "slow" and not page.complaints


def test_an_example_brings_its_prompt_and_its_length_and_takes_the_length_back(visit, opening):
    page = visit(opening)
    page.click(".preset:text-is('math')")
    page.wait_for_function("document.querySelector('#mtp-tokens').value === '384'")
    assert "step by step" in page.input_value("#mtp-prompt")
    assert "384" in page.text_content(".menu:has(#mtp-tokens) > button")
    page.click(".preset:text-is('math')")
    page.wait_for_function("document.querySelector('#mtp-prompt').value.startsWith('Add the numbers')")
    page.click(".preset:text-is('story')")
    page.wait_for_function("document.querySelector('#mtp-tokens').value === '96'")
    page.click(".preset:text-is('math')")
    page.evaluate("document.querySelector('.menu:has(#mtp-tokens) > button').click()")
    page.fill("#mtp-tokens", "40")
    page.keyboard.press("Escape")
    page.click(".preset:text-is('chat')")
    page.wait_for_function("document.querySelector('#mtp-prompt').value.startsWith('User:')")
    assert page.input_value("#mtp-tokens") == "40" and not page.complaints


def test_a_race_at_its_end_shows_the_last_step_that_drafted(visit, opening):
    page, lane = visit(opening), first_race()[1]
    page.wait_for_selector(".lane-exact.yes")
    drafted = max(index for index, step in enumerate(lane.steps) if step.nodes) + 1
    assert drafted < len(lane.steps)  # the race that ships ends on a pass with nothing left to draft
    title = "document.querySelector('.microscope h2').textContent"
    page.wait_for_function(f"{title}.includes('step {drafted} of')")
    assert page.evaluate("mtp.store.state.race.lanes[1].count(mtp.store.state.time)") == len(lane.steps)
    page.focus(".track input")
    page.keyboard.press("ArrowRight")
    page.wait_for_function(f"{title}.includes('step {drafted + 1} of')")
    page.keyboard.press("ArrowLeft")
    page.keyboard.press("ArrowLeft")
    page.wait_for_function(f"{title}.includes('step {drafted - 1} of')")
    page.keyboard.press("End")
    page.wait_for_function(f"{title}.includes('step {drafted} of')")


SMALL = """() => [...document.querySelectorAll('.mtp :is(button, select, input, textarea)')]
  .filter((node) => node.offsetParent && !node.matches('.lane-name'))  // a lane's whole head answers for its name
  .map((node) => [node, node.getBoundingClientRect(), (node.labels?.[0] ?? node).getBoundingClientRect()])
  .filter(([node, own, label]) => Math.max(own.height, label.height) < 43.5)
  .map(([node]) => node.outerHTML.slice(0, 90))"""


def test_a_finger_can_touch_everything(visit, opening):
    page = visit(opening, width=390)
    page.wait_for_selector(".gallery-race")
    for view in ("scope", "speedup", "vocabulary", "gallery"):
        page.evaluate(f"mtp.go('{view}')")
        page.wait_for_timeout(150)
    assert page.evaluate(SMALL) == []
    page.evaluate("mtp.learn.open('verdict')")
    page.wait_for_selector(".view.learn h2:visible")
    assert page.evaluate(SMALL) == []
    page.evaluate("mtp.learn.close()")
    for menu in (".masthead .menu", ".menu:has(#mtp-tokens)"):
        page.evaluate("(menu) => document.querySelector(`${menu} > button`).click()", menu)
        page.wait_for_selector(f"{menu} .panel:visible")
        assert page.evaluate(SMALL) == []


def test_a_text_that_loops_is_told_beside_its_figures(visit, opening, tmp_path):
    page, race = visit(opening), first_race()
    page.wait_for_selector(".lane-exact.yes")
    assert "A recorded race" in page.text_content(".status .line")
    for trace in race:
        trace.run.first = 7
        for step in trace.steps:
            step.emitted = [7] * len(step.emitted)
    dump(race, tmp_path / "loops.jsonl")
    page.set_input_files("#mtp-file", tmp_path / "loops.jsonl")
    page.wait_for_selector(".status .line.loops:has-text('The text repeats itself (distinct 4-grams: 1')")
    assert not page.complaints


def test_eight_lanes_stand_clear_of_each_other(visit, opening):
    page = visit(opening)
    page.click(".gallery-race >> nth=0")
    page.wait_for_function("document.querySelectorAll('.lane').length === 8")
    page.wait_for_selector(".lane-exact.yes")
    over = """() => [...document.querySelectorAll('.lane')].filter((lane) =>
      lane.querySelector('.lane-exact').getBoundingClientRect().bottom > lane.getBoundingClientRect().bottom)"""
    assert page.evaluate(over) == [] and not page.complaints


def test_a_lecture_scrolls_by_keys(visit, opening):
    page = visit(opening, width=1280)
    page.wait_for_selector(".lane-exact.yes")
    page.keyboard.press("f")
    page.wait_for_selector("body.lecture")
    for _ in range(3):
        page.keyboard.press("v")
    page.wait_for_selector(".view.scope.onstage .tree .node.root")
    page.keyboard.press("ArrowDown")
    page.wait_for_function("document.querySelector('.view.scope').scrollTop > 100")
    page.keyboard.press("ArrowUp")
    page.wait_for_function("document.querySelector('.view.scope').scrollTop === 0")
