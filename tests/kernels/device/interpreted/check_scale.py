"""`bench scale` at a tiny shape: every point that fits is measured, what does not fit is told before it is taken."""

import argparse
import json

import pytest

from mtpviz.analysis.scaling import Scaling
from mtpviz.bench import scale
from mtpviz.bench.device import scale as points
from mtpviz.bench.harness import Bench
from mtpviz.engine.session import Session
from mtpviz.kernels.device import interpreting
from tests.tiny import entry


@pytest.fixture(scope="module")
def session(tmp_path_factory):
    found = entry(tmp_path_factory.mktemp("tiny"), num_hidden_layers=1, num_attention_heads=2, num_key_value_heads=1)
    return Session(found, "cuda", "fp32")


def test_points_are_measured_and_misfits_are_told(session, tmp_path, monkeypatch):
    if interpreting():
        monkeypatch.setattr(points, "ROWS", (1, 2))
        monkeypatch.setattr(points, "LENGTHS", (1,))
    monkeypatch.setattr(points, "free", lambda: points.RESERVE + 3_000_000)
    rows = [{"temperature": 0.0, "domain": domain, "strategy": "eagle", "drafted": 1.0, "prefix": [1.0],
             "conditional": [1.0]} for domain in ("chat", "tales")]
    path = tmp_path / "strategies.json"
    path.write_text(json.dumps({"tables": [{"title": "Strategies", "rows": rows}]}))
    parser, told = argparse.ArgumentParser(), []
    scale.add_arguments(parser)
    args = parser.parse_args(["--shape", "tiny", "--batches", "1,64", "--contexts", "20", "--repeats", "1",
                              "--acceptance", str(path)])
    report = scale.run(Bench(args, lambda dtype: session, told.append))
    found = Scaling.of(json.loads(json.dumps(report.document(), default=str)))
    (point,) = found.points
    assert point.batch == 1 and set(point.pass_ms) == set(points.ROWS) and min(point.pass_ms.values()) > 0
    assert set(point.draft_ms) == set(points.LENGTHS) and min(point.draft_ms.values()) > 0
    left = next(table for table in report.tables if table.title == "Points that were left out")
    assert left.rows[0]["batch"] == 64 and "GB are free" in left.rows[0]["left out"]
    speedups = next(table for table in report.tables if table.title.startswith("Speedup"))
    best, length = point.best([1.0])
    assert speedups.rows[0]["eagle"] == f"{best:.2f} ({length})" and len(report.goals) == 2
    assert any("64 sequences" not in line and "GB" in line for line in told)
    assert len(json.dumps(report.document())) < 100_000 and "left out" in report.markdown()
