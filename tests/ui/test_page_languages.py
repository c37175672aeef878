"""The page in its languages: nothing is missing in one of them, and no term is used that the glossary does not have."""

import json
import re

import pytest

from mtpviz.analysis.speedup import CHANGES
from mtpviz.chinese import CHINESE
from mtpviz.chinese.phrases import PHRASES
from mtpviz.discover import plots, strategies
from mtpviz.strings import GLOSSARY, STRINGS
from mtpviz.ui.component import WEB
from mtpviz.ui.figures import draw
from mtpviz.ui.presets import presets
from tests.traces import example_race

COURSE = {name: json.loads((WEB / "learn" / f"{name}.json").read_text(encoding="utf-8")) for name in ("en", "zh")}


def _holes(text: str) -> set[str]:
    return set(re.findall(r"\{\w+\}", text))


def test_every_sentence_has_its_translation_with_the_same_values():
    assert set(STRINGS) == {name for name in CHINESE if not name.startswith("=")}
    assert not [name for name in STRINGS if _holes(STRINGS[name]) != _holes(CHINESE[name])]


def test_what_other_rooms_say_in_english_is_translated():
    said = [text for module in plots().values() for text in (module.TITLE, module.ABOUT)] + list(CHANGES.values())
    said += [entry.blurb for entry in strategies().values()]
    said += [text for entry in presets() for text in (entry["label"], entry["about"])]
    assert not [text for text in said if text not in PHRASES]


def _numbers(figure) -> list[str]:
    """All the figure's numbers, in their order; words and the numbers in them left out."""
    text = json.dumps(figure.to_dict(), sort_keys=True, default=float)
    arrays = re.findall(r'"bdata": "[^"]*"', text)
    return arrays + re.findall(r"-?\d+(?:\.\d+)?", re.sub(r'"(?:[^"\\]|\\.)*"', "", text))


def test_figures_are_drawn_in_chinese_from_the_same_numbers():
    for english, chinese in zip(draw(example_race(), "light", "en"), draw(example_race(), "light", "zh"), strict=True):
        assert len(english.data) == len(chinese.data)
        assert _numbers(english) == _numbers(chinese)
    shown = json.dumps(
        [figure.to_dict() for figure in draw(example_race(), "light", "zh")], ensure_ascii=False, default=float
    )
    assert "草稿词元的深度" in shown and "accepted at k" not in shown


@pytest.mark.parametrize("language", ["en", "zh"])
def test_the_course_is_whole(language):
    terms = set(json.loads(GLOSSARY.read_text(encoding="utf-8")))
    for name, page in COURSE[language].items():
        if name == "lanes":
            continue
        assert page["title"] and page["notes"] and 1 <= len(page["text"]) <= 2, name
        assert set(page) == set(COURSE["en"][name])
        assert set(re.findall(r"\[\[(\w+)", " ".join(page["text"]))) <= terms
        assert _holes(" ".join(page["text"])) == _holes(" ".join(COURSE["en"][name]["text"])), name
        if language == "en":
            sentences = re.split(r"(?<=[.?!:)])\s", " ".join(page["text"]))
            assert 1 <= len(sentences) <= 9, name
        for title, address, _ in page.get("links", []):
            assert title and re.fullmatch(
                r"https://(arxiv\.org/abs/\d{4}\.\d{5}|www\.youtube\.com/watch\?v=[\w-]{11})", address
            )
        for row, own in zip(page.get("table", []), COURSE["en"][name].get("table", []), strict=True):
            assert row[1:4] == own[1:4]


def test_the_two_introductory_videos_are_linked():
    addresses = [address for _, address, _ in COURSE["en"]["reading"]["links"]]
    assert "https://www.youtube.com/watch?v=OyfiYTzMhAc" in addresses
    assert "https://www.youtube.com/watch?v=4BhZZYg2_J4" in addresses


def test_definitions_come_in_both_languages():
    for name, entry in json.loads(GLOSSARY.read_text(encoding="utf-8")).items():
        assert len(entry["en"]) == len(entry["zh"]) == 2 and all(entry["en"] + entry["zh"]), name
