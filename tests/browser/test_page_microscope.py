"""Replay and microscope: scrubber, keys, tree, waterfall, and text that means harm."""

import dataclasses

import pytest

from mtpviz.trace import Node, Row, Step, Trace
from tests.browser.conftest import TEXTS, finish, serving, start
from tests.traces import HOSTILE, example_race, make_run
from tests.ui.scripted import ScriptedResident


@pytest.fixture
def still(visit, scripted):
    """A page with the recorded race at its end, the fastest lane under the microscope."""
    page = visit(scripted[0])
    page.wait_for_selector(".lane-exact.yes")
    return page


def _title(page) -> str:
    page.evaluate("new Promise(requestAnimationFrame)")
    page.evaluate("new Promise(requestAnimationFrame)")
    return page.text_content(".microscope h2")


def test_keys_and_scrubber_move_through_the_steps(still):
    steps = len(example_race()[2].steps)
    assert _title(still) == f"EAGLE-3 · step {steps} of {steps}"
    still.focus(".track input")
    for key, step in (
        ("ArrowLeft", steps - 1),
        ("Shift+ArrowLeft", steps - 11),
        ("ArrowRight", steps - 10),
        ("End", steps),
    ):
        still.keyboard.press(key)
        assert _title(still) == f"EAGLE-3 · step {step} of {steps}"
    still.keyboard.press("Home")
    still.keyboard.press("ArrowRight")
    assert _title(still) == f"EAGLE-3 · step 1 of {steps}"
    tree = still.text_content(".microscope .tree")
    still.locator(".track input").fill("7")
    assert _title(still) == f"EAGLE-3 · step 7 of {steps}" and still.text_content(".microscope .tree") != tree
    step = example_race()[2].steps[6]
    assert still.locator(".microscope .tree .node.accepted").count() == len(step.accepted)
    assert still.locator(".microscope .tree .node.bonus").count() == 1
    assert still.evaluate(TEXTS)[2] == example_race()[2].run.first_text + "".join(
        text for entry in example_race()[2].steps[:7] for text in entry.texts
    )
    still.keyboard.press("2")
    assert _title(still).startswith("Draft model")


def test_space_plays_and_pauses_but_not_where_text_is_written(still):
    still.focus(".track input")
    still.keyboard.press(" ")
    still.wait_for_function("mtp.store.state.playing")
    still.keyboard.press(" ")
    still.wait_for_function("!mtp.store.state.playing")
    still.fill("#mtp-prompt", "")
    still.focus("#mtp-prompt")
    still.keyboard.type(" a")
    assert still.input_value("#mtp-prompt") == " a" and not still.evaluate("mtp.store.state.playing")


def test_a_node_tells_its_probabilities_on_hover_and_focus(still):
    still.focus(".track input")
    still.keyboard.press("Home")
    still.keyboard.press("ArrowRight")
    _title(still)
    still.hover(".microscope .tree .node.accepted, .microscope .tree .node.rejected")
    still.wait_for_function(
        "/draft 0\\.\\d+ · target 0\\.\\d+/.test(document.querySelector('.node-note').textContent)"
    )
    assert "proposed by head or depth 1" in still.text_content(".node-note")
    still.focus(".microscope .tree .node.root")
    still.keyboard.press("ArrowDown")
    assert "node" in still.evaluate("document.activeElement.getAttribute('class')")


def test_a_click_on_a_token_goes_to_its_step_and_the_waterfall_adds_up(still):
    still.locator(".lane:nth-child(2) .tok").nth(3).click()
    assert _title(still).startswith("Draft model · step")
    still.focus(".track input")
    still.keyboard.press("End")
    _title(still)
    values = still.evaluate(
        "[...document.querySelectorAll('.fall-value')].map((n) => "
        "parseFloat(n.textContent.replace('−', '-').replace('×', '')))"
    )
    assert abs(sum(values[:4]) - values[4]) < 0.03
    shown = float(still.locator(".lane-speed .figure").nth(1).text_content())
    assert abs(values[4] - shown) <= 0.051


def test_figures_are_drawn_when_the_reader_gets_there(still):
    assert still.locator(".js-plotly-plot").count() == 0
    still.evaluate("document.getElementById('mtp-figures').scrollIntoView()")
    still.wait_for_selector("#mtp-figure-tokens-over-time .js-plotly-plot")
    still.wait_for_selector("#mtp-figure-speedup-per-step .js-plotly-plot")
    still.wait_for_selector("#mtp-figure-acceptance-by-depth .js-plotly-plot")


def _hostile_race() -> list[Trace]:
    """Every hostile text as a committed token, a rejected draft, an alternative, a title, a prompt."""
    pieces = dict(enumerate(HOSTILE)) | {len(HOSTILE): "\u202eright to left", len(HOSTILE) + 1: "{{value}}"}
    run = make_run(
        "draft",
        "<img src=x onerror=window.hit=1>",
        prompt="<b>${window.hit=1}</b>",
        pieces=pieces,
        first=0,
        first_text=pieces[0],
        hardware="<script>window.hit=1</script>",
    )
    trace = Trace(run)
    for index, token in enumerate(pieces):
        other = (token + 1) % len(pieces)
        rows = [Row(token, 0.5, [(token, 0.5), (other, 0.2)])] * 3
        trace.steps.append(
            Step(
                index,
                index,
                other,
                [Node(token, -1, 1, 0.9, 0.9), Node(other, 0, 2, 0.1, 0.1)],
                rows,
                [0],
                token,
                [token, token],
                [pieces[token]] * 2,
                {"draft": 1.0, "verify": 2.0, "commit": 0.1, "host": 0.1},
                10.0 + 5 * index,
            )
        )
    trace.end = {"reason": "stop"}
    base = dataclasses.replace(run, strategy="ntp", title="${window.hit=1}")
    return [Trace(base, trace.steps, trace.end), trace]


def test_hostile_text_is_shown_literally_and_nothing_runs(visit):
    traces = _hostile_race()
    with serving(ScriptedResident(traces, pause=0.01), traces) as url:
        page = visit(url)
        page.wait_for_selector(".lane-exact.yes")
        assert page.evaluate(TEXTS) == [trace.text for trace in traces]
        start(page, "<b>${window.hit=1}</b><img src=x onerror=window.hit=1>")
        page.check("#mtp-ghosts")
        finish(page)
        assert page.evaluate(TEXTS) == [trace.text for trace in traces]
        page.focus(".track input")
        page.keyboard.press("Home")
        for _ in traces[0].steps:
            page.keyboard.press("ArrowRight")
            page.hover(".microscope .tree .node.bonus")
        assert page.locator(".mtp img, .mtp script, .mtp b b").count() == 0
        assert page.locator(".lane-name").nth(1).text_content() == traces[1].run.title
        assert page.evaluate("window.hit") is None and not page.complaints
