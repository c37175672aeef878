"""Lanes of servers on the page: their own clock, their own baseline, and what they do not tell."""

import pytest

from tests.browser import conftest
from tests.serving.loopback import llama_cpp, recorded, serving, vllm
from tests.serving.test_recorded import run
from tests.traces import example_race
from tests.ui.scripted import ScriptedResident


@pytest.fixture(scope="module")
def page_url():
    """A recorded race with five servers: a vLLM baseline, one like it, one that tells less, a llama.cpp, one broken."""
    stream = recorded("vllm_completions_stream.sse")
    silent = b"\n\n".join(event for event in stream.split(b"\n\n") if b'"metrics"' not in event)
    traces = example_race()
    for routes, baseline in ((vllm(), True), (vllm(), False), (vllm(**{"/v1/completions": silent}), False),
                             (llama_cpp(), False), (vllm(**{"/v1/completions": stream[:3000]}), False)):
        with serving(routes, 20) as (url, _):
            traces.append(run(url, baseline))
    with conftest.serving(ScriptedResident([], loaded=False), traces) as url:
        yield url


def test_a_server_has_badges_only_against_its_own_baseline(visit, page_url):
    page = visit(page_url)
    page.keyboard.press("End")
    badges = page.locator(".lane-exact").all_text_contents()
    assert badges == ["the baseline", "identical to next-token", "identical to next-token", "baseline server",
                      "identical to its baseline", "identical to its baseline", "not checked",
                      "identical as far as it came"]
    speeds = page.locator(".lane-speed .figure").all_text_contents()
    assert speeds[3] == "1.0" and float(speeds[4]) > 0 and speeds[6] == "–"
    lines = page.locator(".lane-blurb").all_text_contents()
    assert "own clock, own model: tiny, version 0.32.0, at http://127.0.0.1:" in lines[3]
    assert "broke off" in lines[7]
    assert not page.complaints


def test_the_microscope_marks_what_a_server_does_not_tell(visit, page_url):
    page = visit(page_url)
    page.evaluate("mtp.store.set({ lane: 3, time: mtp.store.state.race.lanes[3].steps[2].clock })")
    card = page.locator(".mtp").locator("text=step 3 of 16").first
    card.wait_for()
    assert page.evaluate("mtp.store.state.race.lanes[3].steps[3].full.nodes.map((node) => node[0])") == [-2, -2, -2]
    page.evaluate("mtp.store.set({ time: mtp.store.state.race.lanes[3].steps[3].clock })")
    page.wait_for_function("document.querySelector('.tree')?.textContent.includes('?')")
    page.evaluate("mtp.store.set({ lane: 5, time: mtp.store.state.race.end })")
    page.wait_for_function("document.body.textContent.includes('the server does not tell what it drafted')")
    assert not page.complaints
