"""The page's state in its address: written as one goes, read on opening, and never trusted."""

from urllib.parse import parse_qs, urlencode, urlsplit

import pytest

from tests.browser.conftest import finish, start
from tests.traces import HOSTILE


@pytest.fixture
def follow(visit, scripted):
    """follow(name=value, ...) -> the page behind this link; its recorded race has arrived."""

    def open_link(**values):
        page = visit(scripted[0])
        page.goto(f"{scripted[0]}?{urlencode(values)}")
        page.wait_for_selector(".lane-exact.yes")
        return page

    return open_link


def _link(page, part: str = "") -> dict:
    """The link's values, once `part` stands in the address."""
    page.wait_for_function("(part) => location.search.includes(part)", arg=part)
    return {name: values[0] for name, values in parse_qs(urlsplit(page.url).query).items() if name != "__theme"}


def _alarm(page) -> str:
    return page.text_content(".view.notice [role=alert]")


def test_a_link_to_a_recorded_race_holds_lane_and_step(visit, scripted, follow):
    page = visit(scripted[0])
    page.wait_for_selector(".lane-exact.yes")
    assert _link(page) == {}
    page.focus(".track input")
    page.keyboard.press("Home")
    for key in ("ArrowRight", "ArrowRight", "ArrowRight", "2", "Home", "ArrowRight", "ArrowRight"):
        page.keyboard.press(key)
    assert _link(page, "lane=draft&step=2") == {"lane": "draft", "step": "2"}
    other = follow(lane="draft", step=2)
    assert other.text_content(".microscope h2") == page.text_content(".microscope h2")
    words = [sorted(view.locator(".microscope .tree .word").all_text_contents()) for view in (page, other)]
    assert words[0] == words[1]
    assert _alarm(other) == ""


def test_a_link_to_ones_own_race_runs_it_again_and_goes_to_the_step(visit, scripted, follow):
    page = visit(scripted[0])
    page.evaluate("document.querySelector('#mtp-seed').value = 7")
    page.evaluate("document.querySelector('#mtp-temperature').value = 0.8")
    start(page, "Zwei & zwei = 4? #1")
    finish(page)
    page.evaluate("mtp.store.set({ lane: 2 }); mtp.player.seek(5)")
    link = _link(page, "step=5")
    assert link == {
        "prompt": "Zwei & zwei = 4? #1",
        "lanes": "ntp,draft,eagle",
        "temperature": "0.8",
        "seed": "7",
        "lane": "eagle",
        "step": "5",
    }
    other = follow(**link)
    assert other.input_value("#mtp-prompt") == link["prompt"] and other.input_value("#mtp-seed") == "7"
    assert "Press Start" in other.text_content(".view.notice") and _alarm(other) == ""
    assert _link(other) == link
    other.click("#mtp-start")
    other.wait_for_function("mtp.store.state.race.live")
    finish(other)
    other.wait_for_function(
        "document.querySelector('.microscope h2').textContent === 'EAGLE-3 · step 5 of '"
        " + mtp.store.state.race.lanes[2].steps.length"
    )
    order = other.evaluate("mtp.store.state.last")
    assert (order["seed"], order["temperature"], order["strategies"]) == (7, 0.8, ["ntp", "draft", "eagle"])


def test_a_link_to_a_part_of_the_page_or_of_the_course(follow):
    assert follow(course="tau").text_content(".view.learn h2") == "τ: tokens per pass"
    page = follow(show="figures")
    page.wait_for_function("scrollY > 300")


def test_what_a_link_may_not_say_is_told_in_one_sentence_and_left_out(follow):
    bad = {
        "temperature": "1e999",
        "top_p": "hot",
        "seed": "-1",
        "tokens": "1000000000",
        "step": "9" * 20,
        "show": "constructor",
        "course": "<img src=x onerror=window.hit=1>",
        "lanes": "../../etc/passwd",
        "prompt": "x" * 9000,
        "race": "../first",
    }
    page = follow(**bad)
    page.wait_for_function("document.querySelector('.view.notice [role=alert]').textContent !== ''")
    said = _alarm(page)
    assert said.startswith("This link has values") and set(said[said.index(":") + 2 : -1].split(", ")) == set(bad)
    page.keyboard.press("ArrowLeft")
    assert page.evaluate("mtp.player.count()") > 0 and not page.complaints
    assert page.evaluate("window.hit") is None and page.locator(".mtp img").count() == 0


def test_what_is_not_there_is_told_by_name(follow):
    page = follow(lane="nobody", step="5000", lanes="ntp,draft,magic")
    page.wait_for_function("document.querySelector('.view.notice [role=alert]').textContent.includes('magic')")
    said = _alarm(page)
    assert "a lane that this race does not have: nobody" in said and "step 5000, but the lane has only" in said
    assert page.evaluate("mtp.store.state.order.strategies") == ["ntp", "draft"]
    page.goto(page.url.partition("?")[0] + "?race=no-such-race")
    page.wait_for_function("document.querySelector('.status [role=alert]')?.textContent")
    assert page.locator(".lane").count() == 3 and not page.complaints


def test_a_hostile_prompt_is_text(follow):
    prompt = "".join(HOSTILE)
    page = follow(prompt=prompt)
    assert page.input_value("#mtp-prompt") == prompt.replace("\r\n", "\n")
    assert page.locator(".mtp img, .mtp script").count() == 0 and not page.complaints


def test_language_and_settings_are_remembered_but_a_link_brings_its_own(visit, scripted):
    page = visit(scripted[0])
    page.wait_for_selector(".lane-exact.yes")
    page.click("button[lang=zh-CN]")
    page.wait_for_selector(".start:has-text('开始')")
    assert page.evaluate("document.documentElement.lang") == "zh-CN"
    page.fill("#mtp-prompt", " ")
    page.click("#mtp-start")
    page.wait_for_selector("[role=alert]:has-text('提示词是空的')")
    page.click(".menu:has(#mtp-temperature) > button")
    page.fill("#mtp-temperature", "0.5")
    page.wait_for_function("JSON.parse(localStorage.mtpviz).order.temperature === 0.5")
    page.goto(scripted[0])
    page.wait_for_selector(".start:has-text('开始')")
    assert page.input_value("#mtp-temperature") == "0.5"
    page.goto(f"{scripted[0]}?prompt=Once&lang=en")
    page.wait_for_selector(".start:has-text('Start')")
    assert page.input_value("#mtp-temperature") == "0" and page.evaluate("document.documentElement.lang") == "en-GB"
    page.evaluate('localStorage.mtpviz = \'{"order": {"temperature": "<b>"}, "done": 5\'')
    page.goto(scripted[0])
    page.wait_for_selector(".lane-exact.yes")
    assert not page.complaints
