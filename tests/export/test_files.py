"""CSV, Parquet and JSON Lines: they open elsewhere, and come back whole."""

import json
import tempfile
from pathlib import Path

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings

from mtpviz.errors import UserError
from mtpviz.export import parquet, read, write
from mtpviz.trace import Trace
from tests.traces import HOSTILE, example_race, make_run, make_step, races


@settings(max_examples=15, deadline=None)
@given(races())
def test_round_trips(race):
    with tempfile.TemporaryDirectory() as folder:
        for name in ("race.parquet", "race.jsonl", "race.jsonl.gz"):
            if race or name.endswith("parquet"):
                write(race, Path(folder, name))
                assert read(Path(folder, name)) == race


def test_parquet_keeps_every_digit_and_missing_phases(tmp_path):
    race = example_race()
    race[1].steps[0].time_ms.pop("host")
    write(race, tmp_path / "race.parquet")
    assert read(tmp_path / "race.parquet") == race
    table = pd.read_parquet(tmp_path / "race.parquet")
    assert len(table) == sum(len(trace.steps) for trace in race) and table.verify_ms.sum() > 0


def test_parquet_errors(tmp_path, monkeypatch):
    def sentence(path):
        with pytest.raises(UserError) as caught:
            read(path)
        assert str(caught.value).endswith(".") and "\n" not in str(caught.value)
        return str(caught.value)

    good = tmp_path / "good.parquet"
    write(example_race(), good)
    (tmp_path / "cut.parquet").write_bytes(good.read_bytes()[:-300])
    (tmp_path / "text.parquet").write_text("hello")
    pq.write_table(pa.table({"a": [1]}), tmp_path / "foreign.parquet")
    pq.write_table(pa.table({"a": [1]}).replace_schema_metadata({parquet.KEY: b"{}"}), tmp_path / "odd.parquet")
    table = pq.read_table(good)
    told = json.loads(table.schema.metadata[parquet.KEY])
    other = json.dumps(told | {"version": 9}).encode()
    pq.write_table(table.replace_schema_metadata({parquet.KEY: other}), tmp_path / "other.parquet")
    pq.write_table(table.slice(3), tmp_path / "gap.parquet")
    assert "no trace file" in sentence(tmp_path / "none.parquet")
    assert "without the key" in sentence(tmp_path / "foreign.parquet")
    assert "version 9" in sentence(tmp_path / "other.parquet")
    for name in ("cut", "text", "odd", "gap"):
        assert "not a whole mtpviz trace" in sentence(tmp_path / f"{name}.parquet")
    monkeypatch.setattr(parquet, "MAX_FILE_BYTES", 1000)
    assert "MiB" in sentence(good)


@pytest.mark.parametrize("table", ["tokens", "steps"])
def test_csv_opens_in_pandas(tmp_path, table):
    race = example_race()
    write(race, tmp_path / "race.csv", table=table)
    frame = pd.read_csv(tmp_path / "race.csv", keep_default_na=False)
    count = len(race[0].token_ids) * 3 if table == "tokens" else sum(len(trace.steps) for trace in race)
    assert len(frame) == count
    if table == "tokens":
        assert "".join(frame[frame.lane == 1].text) == race[1].text


def test_csv_keeps_hostile_text(tmp_path):
    texts = HOSTILE
    trace = Trace(make_run(), [make_step(i, text=text, clock=10.0 + i) for i, text in enumerate(texts)])
    write([trace], tmp_path / "race.csv")
    frame = pd.read_csv(tmp_path / "race.csv", keep_default_na=False, lineterminator="\n")
    assert frame.text.tolist() == texts


def test_options_and_formats(tmp_path):
    race = example_race()
    with pytest.raises(UserError, match="no table 'rows'"):
        write(race, tmp_path / "a.csv", table="rows")
    with pytest.raises(UserError, match="names no format.*parquet"):
        write(race, tmp_path / "a.docx")
    with pytest.raises(UserError, match="no export 'docx'"):
        write(race, tmp_path / "a", to="docx")
    with pytest.raises(UserError, match="no export option 'color'"):
        write(race, tmp_path / "a.csv", color="red")
    with pytest.raises(UserError, match="cannot be written"):
        write(race, tmp_path / "no folder" / "a.jsonl")
    write(race, tmp_path / "a.jsonl", theme="dark", view="tree")  # what a table has not, it passes over
