"""Prices that `bench scale` measured: read, interpolated, taken by the what-if where there are any, and drawn."""

import json
from dataclasses import replace

import pytest

from mtpviz import discover
from mtpviz.analysis import passes, scaling, whatif
from mtpviz.analysis.scaling import Point, Scaling, measured, reach_of
from mtpviz.analysis.whatif import Choice
from mtpviz.ui.recorded import first_race

CARD, MODEL = "H200 SXM", "Llama-3.1-8B"


def document(model: str = MODEL, hardware: str = "NVIDIA H200, 151 GB, sm_90") -> dict:
    """Passes of 4 + 0.01 batch rows + 0.001 batch context / 512 ms, drafts of 0.2 a level."""
    points = [{"batch": batch, "context": context,
               "pass_ms": {str(rows): 4 + 0.01 * batch * rows + 0.001 * batch * context / 512 for rows in (1, 2, 4, 8)},
               "draft_ms": {str(length): 0.2 * length for length in (1, 3, 7)}}
              for batch in (1, 4, 64) for context in (512, 2048) if batch * context <= 64 * 512]
    return {"suite": "scale", "environment": {"hardware": hardware, "date": "2026-11-25T10:00:00+00:00"},
            "scale": {"model": model, "points": points}}


@pytest.fixture
def report(tmp_path, monkeypatch):
    """The only report that there is."""
    (tmp_path / "scale-h200.json").write_text(json.dumps(document()))
    found = scaling.reports(tmp_path)
    monkeypatch.setattr(scaling, "reports", lambda: found)
    return found[0]


def test_prices_lie_on_straight_lines_and_end_where_nothing_was_measured(report):
    assert report.pass_ms(1, 1, 512) == pytest.approx(4.011)
    assert report.pass_ms(2, 3, 1280) == pytest.approx(4 + 0.06 + 0.002 * 2.5)
    assert report.pass_ms(1, 1, 10) == report.pass_ms(1, 1, 512)
    for batch, rows, context in ((65, 1, 512), (64, 1, 2048), (1, 9, 512), (1, 1, 2049)):
        assert report.pass_ms(batch, rows, context) is None
    assert measured(CARD, MODEL) is report and measured("L4", MODEL) is None and measured(CARD, "") is None


def test_the_best_chain_is_the_one_that_pays_and_none_where_none_does():
    point = Point(1, 512, {1: 4.0, 2: 4.0, 4: 4.0}, {1: 1.0, 3: 6.0})
    assert point.best([0.9, 0.8, 0.7]) == (pytest.approx(1.9 * 4 / 5), 1)
    assert replace(point, draft_ms={1: 1.0, 3: 1.2}).best([0.9, 0.8, 0.7]) == (pytest.approx(3.4 * 4 / 5.2), 3)
    assert point.best([0.1]) == (1.0, 0) and point.best([]) == (1.0, 0)


def test_acceptance_is_a_chain_s_where_one_was_measured_and_careful_elsewhere():
    rows = [{"strategy": "eagle", "drafted": 0.5, "prefix": [0.8, 0.4]},
            {"strategy": "mtp", "drafted": 0.5, "prefix": [0.9]},
            {"strategy": "mtp:tree=chain", "drafted": 1.0, "prefix": [0.6, 0.2]},
            {"strategy": "mtp:tree=chain", "drafted": 1.0, "prefix": [0.4]}, {"strategy": "ntp", "drafted": 0,
                                                                               "prefix": []}]
    found = reach_of(rows)
    assert found == {"eagle": [0.4, 0.2], "mtp": pytest.approx([0.5, 0.1])}


def test_the_what_if_takes_measured_prices_and_says_so(report):
    race = first_race()
    told = next(found for trace in race if (found := whatif.lane(trace, race)))
    found = whatif.predict(told, Choice(CARD, MODEL, 4, 3, 3))
    plain, verify = (report.pass_ms(4, rows, told.context) for rows in (1, 4))
    around = 1 + told.around / told.table[0][1]
    assert found.bound == "curves" and found.plain_ms == pytest.approx(plain * around)
    assert found.verify == pytest.approx(verify / found.plain_ms)
    beyond = [Choice(CARD, MODEL, 128, 3, 3), Choice(CARD, "Qwen3-0.6B", 4, 3, 3), Choice("L4", MODEL, 4, 3, 3)]
    assert all(whatif.predict(told, choice).bound in ("memory", "compute", "launches") for choice in beyond)


@pytest.mark.parametrize("with_report", [True, False])
def test_the_figure_says_whether_it_was_measured(with_report, tmp_path, monkeypatch):
    (tmp_path / "scale-x.json").write_text(json.dumps(document()))
    found = scaling.reports(tmp_path) if with_report else ()
    monkeypatch.setattr(scaling, "reports", lambda: found)
    race = first_race()
    drawn = discover.plots()["scaling"].figure(race)
    words = " ".join(note.text for note in drawn.layout.annotations)
    assert ("measured on NVIDIA H200" in words) == with_report and ("data sheet" in words) != with_report
    assert len(drawn.data) == 2 * sum(whatif.lane(trace, race) is not None for trace in race)


def test_reports_in_the_repository_can_be_read():
    assert all(isinstance(one, Scaling) and one.model in passes.MODELS and one.points for one in scaling.reports())

