"""The page on the bundled model, whole: from Start to the badge, and the endpoint for other programs."""

import importlib.util
from pathlib import Path

import pytest

from mtpviz.ui.resident import Resident
from tests.browser.conftest import TEXTS, finish, serving, skip, start

MODEL = Path(__file__).resolve().parents[2] / "assets" / "models" / "target"


@pytest.fixture(scope="module")
def bundled():
    if importlib.util.find_spec("mtpviz.race") is None or not MODEL.is_dir():
        skip("the bundled model is not here")
    resident = Resident()
    with serving(resident, []) as url:
        if not resident.ready(
            300
        ):  # seconds where compiled code is cached; minutes where it is not and cores are busy
            pytest.fail("the bundled model did not load within five minutes")
        yield url


def test_a_live_race_on_the_bundled_model(visit, bundled):
    page = visit(bundled)
    page.wait_for_function("mtp.store.state.engine.state === 'ready'")
    page.evaluate("document.querySelector('#mtp-tokens').value = 32")
    start(page)
    finish(page)
    lanes = page.evaluate(
        "mtp.store.state.race.lanes.map((lane) => ({ name: lane.run.strategy, text: lane.text }))"
    )
    assert [lane["name"] for lane in lanes][0] == "ntp" and len(lanes) >= 3
    assert page.evaluate(TEXTS) == [lane["text"] for lane in lanes]
    assert page.locator(".lane-exact.yes").count() == len(lanes) - 1
    assert not page.complaints


def test_the_endpoint_gives_the_race_as_json(bundled):
    from gradio_client import Client

    client = Client(bundled, verbose=False)
    document = client.predict("Once upon a time", ["draft"], 16, api_name="/race")
    assert [lane["strategy"] for lane in document["lanes"]] == ["ntp", "draft"]
    assert document["lanes"][1]["exact"] is True and len(document["lanes"][0]["token_ids"]) == 16
    with pytest.raises(Exception, match="must be from 1"):
        client.predict("Once", ["draft"], 0, api_name="/race")
