"""A lane's text stays at its end through blocks, steps back and the end of a race, unless the reader scrolls away."""

import pytest

from mtpviz.bench.feed import ScriptedResident, steady
from tests.browser.conftest import finish, serving, start

LEFT = """[...document.querySelectorAll('.lane-text')].map(
  (lane) => Math.round(lane.scrollHeight - lane.clientHeight - lane.scrollTop))"""


@pytest.fixture(scope="module")
def long():
    with serving(ScriptedResident(steady(3, 200, 2.0, 4)), steady(3, 100, 0.2, 4)) as url:
        yield url


def test_the_end_is_in_sight_at_every_step_until_the_reader_scrolls_away(long, visit):
    page = visit(long)
    start(page)
    finish(page)
    assert page.evaluate("Math.min(...[...document.querySelectorAll('.lane-text')].map((n) => n.children.length))") > 3
    for step in (200, 140, 30, 60, 199, 2, 150):
        page.evaluate(f"mtp.player.seek({step})")
        page.wait_for_timeout(150)
        assert max(page.evaluate(LEFT)) <= 2, step
    page.evaluate("document.querySelector('.lane-text').scrollTop = 0")
    page.wait_for_timeout(150)
    page.evaluate("mtp.player.seek(190)")
    page.wait_for_timeout(150)
    left = page.evaluate(LEFT)
    assert left[0] > 100 and max(left[1:]) <= 2
