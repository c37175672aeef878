"""The gallery, opening a trace file, and what can be saved, in real Chromium."""

import csv
import gzip
import io
import struct
from pathlib import Path

import pytest

from mtpviz import gallery
from mtpviz.export import read, write
from mtpviz.trace import dump, load
from tests.browser.conftest import TEXTS, serving
from tests.browser.test_page_microscope import _hostile_race as hostile_race
from tests.traces import example_race
from tests.ui.scripted import ScriptedResident


@pytest.fixture(scope="module")
def without_model():
    """A page whose model never comes."""
    with serving(ScriptedResident([], loaded=False), example_race()) as url:
        yield url


def shown(page) -> list[str]:
    return page.evaluate("mtp.store.state.race.lanes.map((lane) => lane.text)")


def test_a_recorded_race_is_opened_without_a_model(visit, without_model):
    page = visit(without_model)
    entry = gallery.index()[0]
    page.wait_for_selector(".gallery-race")
    assert page.locator(".gallery-race").count() == len(gallery.index())
    page.click(".gallery-race >> nth=0")
    page.wait_for_selector(".gallery-race[aria-current=true]")
    traces = gallery.race(entry["name"])[:8]
    assert shown(page) == [trace.text for trace in traces] and page.evaluate(TEXTS) == shown(page)
    chip = page.text_content(".source")
    assert "recorded" in chip and traces[0].run.hardware.partition(",")[0] in chip
    assert traces[0].run.hardware in page.get_attribute(".source", "data-tip")
    assert entry["command"] in page.get_attribute(".source", "data-tip")
    assert not page.complaints


@pytest.mark.parametrize("name", ["race.jsonl", "race.jsonl.gz"])
def test_a_trace_file_is_opened(visit, without_model, tmp_path, name):
    page, traces = visit(without_model), hostile_race()
    dump(traces, tmp_path / name)
    page.set_input_files("#mtp-file", tmp_path / name)
    page.wait_for_function("mtp.store.state.race.lanes[0].run.title === '${window.hit=1}'")
    assert shown(page) == [trace.text for trace in traces] and page.evaluate(TEXTS) == shown(page)
    assert "recorded" in page.text_content(".source")
    assert page.evaluate("window.hit") is None and not page.complaints


def test_another_programs_file_is_opened_and_says_what_it_does_not_tell(visit, without_model):
    page, answers = visit(without_model), Path(__file__).parents[1] / "foreign" / "vllm_completions.json"
    page.set_input_files("#mtp-file", answers)
    page.wait_for_selector(".notice:has-text('? stands for a token that is not told')")
    page.wait_for_selector(".lane-name:has-text('vLLM')")
    assert page.locator(".lane-text .tok.accepted").count() > 20 and "–" in page.text_content(".lane-speed")
    assert "vLLM server" in page.text_content(".source")
    page.click("button[lang=zh-CN]")
    page.wait_for_selector(".notice:has-text('代表未说明的词元')")
    assert not page.complaints


def test_a_file_is_dropped_on_the_page(visit, without_model, tmp_path):
    page = visit(without_model)
    dump(hostile_race(), tmp_path / "race.jsonl")
    page.evaluate(
        """(text) => {
          const data = new DataTransfer();
          data.items.add(new File([text], "race.jsonl"));
          for (const name of ["dragenter", "drop"])
            document.body.dispatchEvent(new DragEvent(name, { dataTransfer: data, bubbles: true, cancelable: true }));
        }""",
        (tmp_path / "race.jsonl").read_text(encoding="utf-8"),
    )
    page.wait_for_function("mtp.store.state.race.lanes[0].run.title === '${window.hit=1}'")
    assert page.locator(".dropping").count() == 0


def bad_files(folder):
    """name -> (bytes, a word of the sentence that it deserves)"""
    dump(example_race(), folder / "good.jsonl.gz")
    good = (folder / "good.jsonl.gz").read_bytes()
    text = gzip.decompress(good)
    return {
        "foreign.jsonl": (b'{"a": 1}\n', "not a whole mtpviz trace"),
        "picture.jsonl": (bytes(range(256)), "not a text file"),
        "cut.jsonl.gz": (good[: len(good) // 2], "damaged or cut off"),
        "truncated.jsonl": (text[: len(text) // 2], "not a whole mtpviz trace"),
        "old.jsonl": (text.replace(b'"mtpviz_trace":1', b'"mtpviz_trace":99'), "version 99"),
        "bomb.jsonl.gz": (gzip.compress(b"\n" * (65 << 20)), "unpacks to more than 64 MiB"),
        "empty.jsonl": (b"", "not a whole mtpviz trace"),
    }


def test_bad_files_are_one_sentence_each_and_the_page_goes_on(visit, without_model, tmp_path):
    page = visit(without_model)
    for name, (data, word) in bad_files(tmp_path).items():
        page.set_input_files("#mtp-file", {"name": name, "mimeType": "text/plain", "buffer": data})
        page.wait_for_selector(f".status [role=alert]:has-text('{word}')")
    with open(tmp_path / "huge.jsonl", "wb") as file:
        file.truncate(100 << 20)
    page.set_input_files("#mtp-file", tmp_path / "huge.jsonl")
    page.wait_for_selector(".status [role=alert]:has-text('larger than 16 MiB')")
    assert shown(page) == [trace.text for trace in example_race()]
    dump(hostile_race(), tmp_path / "race.jsonl")
    page.set_input_files("#mtp-file", tmp_path / "race.jsonl")
    page.wait_for_function("mtp.store.state.race.lanes[0].run.title === '${window.hit=1}'")
    assert page.text_content(".status [role=alert]") == "" and not page.complaints


@pytest.fixture
def saved(visit, without_model, tmp_path):
    """saved(button, view, size) -> the file that a click on this button of the panel gives."""
    page = visit(without_model)
    page.wait_for_selector(".lane-exact.yes")
    page.click(".masthead .menu > button")

    def save(button: str, view: str = "race", size: str = "slide"):
        page.select_option(".save select >> nth=0", view)
        page.select_option(".save select >> nth=1", size)
        with page.expect_download() as waiting:
            page.click(f".save button:text-is('{button}')")
        waiting.value.save_as(tmp_path / waiting.value.suggested_filename)
        return tmp_path / waiting.value.suggested_filename

    yield save
    assert not page.complaints


def test_every_format_is_saved(saved, tmp_path):
    traces = example_race()
    assert [trace.text for trace in load(saved("JSONL"))] == [trace.text for trace in traces]
    rows = list(csv.DictReader(io.StringIO(saved("CSV tokens").read_text(encoding="utf-8"))))
    assert "".join(row["text"] for row in rows if row["lane"] == "2") == traces[2].text
    assert saved("CSV passes").read_text(encoding="utf-8").count("\n") == 1 + sum(len(t.steps) for t in traces)
    write(traces, tmp_path / "own.html")
    assert abs(saved("HTML").stat().st_size - (tmp_path / "own.html").stat().st_size) < 5000
    assert saved("GIF").read_bytes().startswith(b"GIF89a")
    assert saved("PDF").read_bytes().startswith(b"%PDF-")
    assert [trace.text for trace in read(saved("Parquet"))] == [trace.text for trace in traces]


def test_what_is_saved_speaks_the_readers_language(visit, without_model, tmp_path):
    page = visit(without_model)
    page.click("button[lang=zh-CN]")
    page.wait_for_selector(".lane-exact.yes")
    page.click(".masthead .menu > button")
    for button, says in (("HTML", '<html lang="zh-CN">'), ("SVG", "与逐词元完全相同</text>")):
        with page.expect_download() as waiting:
            page.click(f".save button:text-is('{button}')")
        waiting.value.save_as(tmp_path / "race")
        assert says in (tmp_path / "race").read_text(encoding="utf-8")


@pytest.mark.parametrize(("size", "wide"), [("slide", 1920), ("paper", 2008)])
@pytest.mark.parametrize("view", ["race", "tree", "speedup"])
def test_each_view_is_saved_for_slides_and_papers(saved, view, size, wide):
    drawing = saved("SVG", view, size).read_text(encoding="utf-8")
    assert drawing.startswith("<svg") and "<script" not in drawing
    picture = saved("PNG", view, size).read_bytes()
    width, height = struct.unpack(">II", picture[16:24])
    assert picture.startswith(b"\x89PNG") and width == wide and (height == 1080 or size == "paper")


def test_a_server_that_forgot_the_run_is_given_it_again(saved, monkeypatch):
    monkeypatch.setattr("mtpviz.ui.library.RUN", "another")
    assert saved("SVG").stat().st_size > 1000
