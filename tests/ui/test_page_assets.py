"""What the page is made of: presets, sentences, scripts."""

import json
import re

from mtpviz.limits import LIMITS
from mtpviz.strings import STRINGS, say
from mtpviz.ui.component import ON_LOAD, TEMPLATE, WEB, head, styles
from mtpviz.ui.presets import presets

SCRIPTS = {path: path.read_text(encoding="utf-8") for path in sorted((WEB / "js").rglob("*.js"))}


def test_presets_are_whole():
    found = presets()
    assert [entry["label"] for entry in found] == ["story", "chat", "Python", "中文", "repeating", "math"]
    for entry in found:
        assert entry["about"] and entry["prompts"]
        assert 1 <= entry.get("tokens", 1) <= LIMITS.new_tokens
        assert all(0 < len(prompt) <= LIMITS.prompt_chars for prompt in entry["prompts"])
    assert all(re.fullmatch(r"User: .+\nAssistant:", prompt) for prompt in found[1]["prompts"])
    assert all(re.fullmatch(r"用户：.+\n助手：", prompt) for prompt in found[3]["prompts"])


def test_every_sentence_that_a_script_says_exists():
    for path, text in SCRIPTS.items():
        for name in re.findall(r'(?:say|term)\((?:[^"`]*?, )?"([a-z_.]+)"', text):
            assert name in STRINGS, (path.name, name)


def test_sentences_take_their_values_literally():
    assert say("lanes.chip", n="{n}") == "{n} lanes"


def test_model_text_can_only_arrive_as_text():
    for path, text in SCRIPTS.items():
        for word in (
            "innerHTML",
            "outerHTML",
            "insertAdjacentHTML",
            "eval(",
            "new Function",
            "document.write",
            "DOMParser",
        ):
            assert word not in text, (path.name, word)
    assert "${" not in TEMPLATE and "{{" not in TEMPLATE and "{{" not in ON_LOAD


def test_the_page_needs_nothing_from_elsewhere():
    everything = head({"presets": presets()}) + styles()
    course = json.loads((WEB / "learn" / "en.json").read_text(encoding="utf-8"))
    reading = {address for _, address, _ in course["reading"]["links"]}  # what the reader may go to, by a click
    addresses = set(re.findall(r"https?://[^\s\"'`)]+", everything)) - reading
    assert addresses <= {"http://www.w3.org/2000/svg"}
    assert "@import" not in everything and "url(//" not in everything


def test_settings_cannot_end_the_script_element():
    assert "</script><b>" not in head({"presets": [{"label": "</script><b>"}]})


def test_files_stay_small():
    for path in [*SCRIPTS, *sorted((WEB / "css").glob("*.css"))]:
        assert len(path.read_text(encoding="utf-8").splitlines()) < 300, path.name
