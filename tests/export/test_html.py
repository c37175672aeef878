"""The exported file: whole, safe to open, and in need of nothing."""

import json
import re

import pytest

from mtpviz.chinese import CHINESE
from mtpviz.errors import UserError
from mtpviz.export import write
from mtpviz.trace import Trace, lines, loads
from tests.traces import HOSTILE, example_race, make_run, make_step

DATA = re.compile(r'<script type="application/json" id="mtp-race">(.*?)</script>', re.DOTALL)
NAMESPACES = {"http://www.w3.org/2000/svg"}  # a name, which nothing fetches


def hostile_race() -> list[Trace]:
    steps = [make_step(i, text=text, clock=10.0 + i) for i, text in enumerate(HOSTILE)]
    return [Trace(make_run(title="</script><b>", prompt="</title><script>1</script>"), steps, {"reason": "stop"})]


@pytest.mark.parametrize("race", [example_race(), hostile_race()], ids=["example", "hostile"])
def test_the_traces_come_back_out_of_the_file(tmp_path, race):
    write(race, tmp_path / "race.html")
    header, _, body = DATA.search((tmp_path / "race.html").read_text(encoding="utf-8"))[1].partition("\n")
    assert json.loads(header)["kind"] == "race"
    back = loads(body.encode())
    assert [line for trace in back for line in lines(trace)] == [line for trace in race for line in lines(trace)]


def test_no_address_and_no_markup_of_the_model(tmp_path):
    write(hostile_race(), tmp_path / "race.html")
    text = (tmp_path / "race.html").read_text(encoding="utf-8")
    assert set(re.findall(r"(?:https?:)?//[a-z][\w.-]+\.[a-z]{2,}[^\s\"'<)]*", text)) <= NAMESPACES
    assert "</title><script>1" not in text and "</script><b>" not in text and "<img src=x" not in text
    assert "default-src 'none'" in text and "\u2028" not in text


def test_the_file_is_small(tmp_path):
    write(example_race(), tmp_path / "race.html")
    assert (tmp_path / "race.html").stat().st_size < 600_000


def test_nothing_to_show_is_a_sentence(tmp_path):
    with pytest.raises(UserError, match="no lane"):
        write([], tmp_path / "race.html")


def test_the_file_speaks_the_language_asked_for(tmp_path):
    write(example_race(), tmp_path / "race.html", language="zh")
    text = (tmp_path / "race.html").read_text(encoding="utf-8")
    assert '<html lang="zh-CN">' in text and CHINESE["figures.title"] in text and "草稿词元的深度" in text
    boot = json.loads(re.search(r"strings: (\{.*?\}), settings", text)[1])
    assert boot["lead.what"] == CHINESE["lead.what"] and boot["=Draft model"] == CHINESE["=Draft model"]
    with pytest.raises(UserError, match="no language 'fr'; the known ones are en, zh"):
        write(example_race(), tmp_path / "race.html", language="fr")
