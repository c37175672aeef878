"""The larger views: the microscope at full size, speedup with its what-if; and one token marked in all of them."""

import pytest

from tests.traces import example_race

FRAMES = "new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)))"


@pytest.fixture
def still(visit, scripted):
    page = visit(scripted[0])
    page.wait_for_selector(".lane-exact.yes")
    return page


def show(page, view: str, step: int = 7):
    """Bring a view before the reader, at a step of the third lane."""
    page.evaluate(f"mtp.store.set({{ lane: 2 }}); mtp.player.seek({step}); mtp.go('{view}')")
    page.wait_for_function(f"document.querySelector('.view.{view}').getBoundingClientRect().top < 400")
    page.wait_for_timeout(150)
    page.evaluate(FRAMES)


def test_the_microscope_shows_the_whole_step(still):
    show(still, "scope")
    step, index = example_race()[2].steps[6], 6
    assert still.locator(".scope .tree .node.accepted").count() == len(step.accepted)
    assert still.locator(".scope .tree .node").count() == len(step.nodes) + 2  # the root and the bonus
    assert f"step {index + 1} of" in still.text_content(".scope-line")
    told = still.text_content(".scope .kv > .muted")
    assert f"{len(step.nodes) + 1} slots" in told and f"{len(step.nodes) - len(step.accepted)} freed" in told
    assert still.locator(".slots-after .slot.kept, .slots-after .slot.moved").count() == len(step.accepted) + 1
    assert still.locator(".wants-list li").count() == len(step.accepted) + 1
    values = still.locator(".oracle-bars b").all_text_contents()
    assert values[0] == str(len(step.nodes) + 1) and values[2] == str(len(step.emitted))
    still.check("#mtp-oracle")
    still.evaluate(FRAMES)
    chain = len(step.nodes) - len(step.accepted) - 1
    assert still.locator(".scope .tree .node.oracle").count() == min(14, chain)
    assert not still.complaints


def test_a_node_pointed_at_is_marked_in_every_part(still):
    show(still, "scope")
    still.hover(".scope .tree .node.accepted")
    still.wait_for_selector(".scope .tree .node.same")
    assert still.locator(".slots rect.same").count() == 2  # before and after the commit
    assert still.locator(".wants-list li.asked").count() == 1
    assert still.locator(".mask-cross").first.is_visible()
    word = still.text_content(".scope .tree .node.same .word")
    marked = still.locator(".tok.same").all_text_contents()
    assert len(marked) >= 2 and {text.strip() for text in marked} == {word}
    still.locator(".scope-flow .tok.accepted").last.hover()
    still.evaluate(FRAMES)
    assert still.locator(".tok.same").count() >= 2
    still.mouse.move(2, 2)
    still.wait_for_function("!document.querySelector('.tok.same')")


def test_arrow_keys_and_the_own_scrubber_move_the_microscope(still):
    show(still, "scope")
    still.focus(".step-keys input")
    for key, step in (("ArrowRight", 8), ("ArrowLeft", 7), ("Home", 0)):
        still.keyboard.press(key)
        still.evaluate(FRAMES)
        assert still.evaluate("mtp.player.count()") == step
    still.locator(".lane-tab").nth(0).click()
    still.evaluate("mtp.player.seek(3)")
    still.wait_for_function("document.querySelector('.scope-line').textContent.includes('step 3 of')")
    assert still.locator(".scope .tree .node.plain").count() == 1


def test_speedup_tells_why_and_predicts(still):
    show(still, "speedup")
    still.wait_for_selector(".why-line.helps:has-text('What would help most')")
    assert "break-even" in still.text_content(".even")
    assert "Distinct 4-grams" in still.text_content(".why-line.distinct")
    assert "measured" in still.text_content(".whatif-present")
    here = still.text_content(".whatif-big")
    still.select_option("#mtp-whatif-card", "L4")
    still.select_option("#mtp-whatif-model", "Llama-3.1-8B")
    still.wait_for_function(f"document.querySelector('.whatif-big').textContent !== {here!r}")
    assert "NVIDIA L4 data sheet" in still.text_content(".whatif-notes")
    still.locator(".view.speedup .lane-tab").nth(0).click()
    still.wait_for_selector(".why-line.ceiling:has-text('baseline')")
    assert not still.complaints


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_the_larger_views_fit_a_phone(visit, scripted, theme):
    page = visit(scripted[0], width=390, theme=theme)
    page.wait_for_selector(".lane-exact.yes")
    for view in ("scope", "speedup", "vocabulary"):
        show(page, view)
        assert page.evaluate("document.documentElement.scrollWidth") <= 390


def test_a_live_race_too_fast_to_read_is_slowed_by_a_factor_that_is_told(visit, scripted):
    page = visit(scripted[0], still=False)
    page.fill("#mtp-prompt", "Once upon a time")
    page.click("#mtp-start")
    page.wait_for_selector(".status .line:has-text('of its true speed')")
    assert page.evaluate("mtp.store.state.playing && mtp.store.state.rate < 1")
    page.wait_for_function("!mtp.store.state.running")
    assert page.evaluate("mtp.store.state.time < mtp.store.state.race.end")
    assert "on the lanes' own clocks" in page.text_content(".status .line")
    page.focus(".track input")
    page.keyboard.press("End")
    page.wait_for_function("mtp.store.state.race.lanes.every((lane) => mtp.store.state.time >= lane.end - 60)")
    assert not page.evaluate("mtp.store.state.playing") and not page.complaints


def test_a_point_of_a_figure_is_its_step_in_the_lanes(still):
    still.evaluate("mtp.go('figures')")
    points = still.locator("#mtp-figure-speedup-per-step .js-plotly-plot .point")
    points.first.wait_for()
    points.nth(5).scroll_into_view_if_needed()
    box = points.nth(5).bounding_box()
    for nudge in (2, 0):
        still.mouse.move(box["x"] + box["width"] / 2 + nudge, box["y"] + box["height"] / 2)
        still.wait_for_timeout(120)
    still.wait_for_function("mtp.store.state.hover?.step === 5")
    still.mouse.down()
    still.mouse.up()
    still.wait_for_function("mtp.player.count() === 6")
