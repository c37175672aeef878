"""SVG, GIF and PNG: well-formed, whole, and token text shown literally."""

import re
import xml.etree.ElementTree as ET

import pytest
from hypothesis import HealthCheck, given, settings
from PIL import Image

from mtpviz.errors import UserError
from mtpviz.export import _browser, _fonts, _raster, read, svg, write
from mtpviz.export._glyphs import about_width, label, visible
from mtpviz.export._scene import Text, palette
from mtpviz.export._tree import BONUS, ROOT, arrange
from mtpviz.export._views import VIEWS, scene, views
from mtpviz.trace import Node, Trace, dump
from tests.traces import HOSTILE, example_race, make_run, make_step, races

NAME = "{http://www.w3.org/2000/svg}"


def parsed(race, **options) -> ET.Element:
    return ET.fromstring(svg.markup(scene(race, **options)))


def token_texts(root: ET.Element) -> str:
    return "".join(e.text or "" for e in root.iter(f"{NAME}text") if e.get("class") == "token")


@pytest.mark.parametrize("size", ["slide", "paper"])
@pytest.mark.parametrize("view", VIEWS)
def test_views_are_well_formed_and_self_contained(view, size):
    for theme in ("light", "dark"):
        text = svg.markup(scene(example_race(), view=view, size=size, theme=theme))
        root = ET.fromstring(text)
        assert {e.tag.removeprefix(NAME) for e in root.iter()} <= {"svg", "title", "rect", "line", "path", "circle",
                                                                   "text"}
        assert text.count("http") == 1  # the namespace is the only address
        assert root.find(f"{NAME}title").text
    assert root.get("width") == ("1920" if size == "slide" else "85mm")


def test_the_race_shows_every_token_that_had_arrived():
    race = example_race()
    end = min(trace.clock_ms for trace in race)
    expected = "".join(trace.run.first_text + "".join("".join(s.texts) for s in trace.steps if s.clock_ms <= end)
                       for trace in race)
    shown = token_texts(parsed(race)).removeprefix("accepted draftbonustarget alone")
    assert shown.replace(" ", "") == expected.replace(" ", "")


def test_a_race_too_long_says_how_much_is_missing():
    race = example_race()
    race[2].steps = [make_step(i, text=" word" * 9, clock=10.0 + i) for i in range(600)]
    texts = [e.text for e in parsed(race[2:], size="paper").iter(f"{NAME}text")]
    assert any(re.fullmatch(r"… \d+ more tokens", text or "") for text in texts)


def test_hostile_text_is_literal():
    steps = [make_step(i, parents=(-1,), accepted=(0,), text=text, clock=10.0 + i) for i, text in enumerate(HOSTILE)]
    trace = Trace(make_run(title="<b>&</b>", prompt="</svg><script>", pieces=dict(enumerate(HOSTILE))), steps)
    root = parsed([trace])
    shown = token_texts(root)
    for text in HOSTILE:
        assert visible(text).strip(" ") in shown
    assert "<script>" in "".join(e.text or "" for e in root.iter(f"{NAME}text"))
    for number in range(len(HOSTILE)):
        steps[number].nodes[0].token = number
        assert label(HOSTILE[number]) in token_texts(parsed([trace], view="tree", step=number))


@settings(max_examples=12, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(races())
def test_random_races_are_well_formed(race):
    for view in VIEWS:
        if view == "tree" and not any(trace.steps for trace in race[:1]):
            continue
        lane = None if view != "tree" else race[0].run.strategy
        parsed(race, view=view, size="paper", lane=lane)


def test_a_big_tree_is_folded_and_loses_no_node():
    parents = [-1] * 10 + [i for i in range(10) for _ in range(10)] + [10] * 20
    step = make_step(0, parents=parents, accepted=(3, 40))
    step.nodes = [Node(n.token, n.parent, 1, 0.9 / (1 + i % 10), None) for i, n in enumerate(step.nodes)]
    spots, hidden = arrange(step, 9)
    assert {ROOT, BONUS, 3, 40} <= set(spots)
    assert len(spots) - 2 + sum(hidden.values()) == len(step.nodes)
    assert len(set(spots.values())) == len(spots) and max(spot.row for spot in spots.values()) < 9
    assert [spots[i].row for i in (ROOT, 3, 40, BONUS)] == [0, 0, 0, 0]


@pytest.mark.parametrize("view", views())
def test_a_picture_speaks_the_language_asked_for(view):
    race = example_race()
    names = re.compile("|".join(["MTP", "EAGLE-3", "Llama-3.1-8B", r"NVIDIA H\d00", *(
        re.escape(visible(str(part))) for part in (race[0].run.prompt, race[0].run.hardware, race[0].run.model["name"],
                                                   race[0].run.dtype))]))
    for size in ("slide", "paper"):
        shapes = scene(race, view=view, size=size, language="zh").shapes
        words = [names.sub("", shape.text) for shape in shapes if isinstance(shape, Text) and not shape.token]
        assert any("\u4e00" <= letter <= "\u9fff" for letter in "".join(words))
        assert not [text for text in words if re.search("[A-Za-z]{3}", text) and not text.endswith("…")], words
    assert parsed(race, view=view, language="zh").get("lang") == "zh-CN" != parsed(race, view=view).get("lang")


def test_a_tree_says_what_is_known_of_its_step():
    step = make_step(0, parents=(-1, 0), accepted=(0, 1))
    race = [Trace(make_run(), [step, make_step(1, clock=20.0)])]
    assert "2 drafted, 2 accepted, 1 bonus: 3 tokens for one pass" in scene(race, view="tree", step=0).title
    assert "nothing drafted: one token for one pass" in scene(race, view="tree", step=1).title
    step.notes["untold"] = "drafts"
    assert "3 tokens for one pass; the server does not tell" in scene(race, view="tree", step=0).title


def test_two_lanes_of_one_title_keep_their_numbers():
    race = example_race()
    assert "草稿模型 (2)" in "".join(parsed([*race, race[1]], language="zh").itertext())
    with pytest.raises(UserError, match="no language 'fr'; the known ones are en, zh"):
        scene(race, language="fr")


@pytest.mark.parametrize("form", ["gif", "png", "pdf"])
def test_without_a_chinese_font_a_sentence_and_no_boxes(tmp_path, monkeypatch, form):
    monkeypatch.setattr(_fonts, "chinese", lambda bold=False: None)
    monkeypatch.setattr(_browser, "browser", lambda: "a browser")
    monkeypatch.setattr(_browser.sys, "platform", "linux")
    with pytest.raises(UserError, match="needs a font with Chinese letters"):
        write(example_race(), tmp_path / f"a.{form}", language="zh")
    write(example_race(), tmp_path / "a.svg", language="zh")  # whose fonts are its reader's


@pytest.mark.skipif(_fonts.chinese() is None, reason="no font with Chinese letters")
def test_a_moving_picture_has_its_chinese_letters(tmp_path):
    write(example_race()[:1], tmp_path / "zh.gif", language="zh")
    for bold in (False, True):
        assert any(_raster._has(font, "词") for font in _fonts.fonts(20, bold))


def test_which_lane_and_step():
    race = example_race()
    assert "EAGLE-3, step 3" in scene(race, view="tree", lane="eagle", step=3).title
    assert "Draft model" in scene(race, view="tree").title
    for options, words in [(dict(lane="medusa"), "no lane 'medusa'; the lanes are Next-token"), (dict(step=999),
                                                                                                 "no step 999"),
                           (dict(view="pie"), "no view 'pie'"), (dict(size="a4"), "no size 'a4'"), (dict(theme="x"),
                                                                                                    "no theme")]:
        with pytest.raises(UserError, match=words):
            scene(race, **{"view": "tree", **options})
    with pytest.raises(UserError, match="no lane to draw"):
        scene([], view="tree")
    with pytest.raises(UserError, match="no step"):
        scene([Trace(make_run())], view="tree")


def test_visible_text():
    assert visible("a\x00\x1f\x7f\n\u2028\ud800\ufffe") == "a\u2400\u241f\u2421↵↵\ufffd\ufffd"
    assert label("  ") == "␣␣" and label("") == "∅" and label(" a") == "a" and label("x" * 40).endswith("…")
    assert about_width("中文", 10) == pytest.approx(21) and about_width("e\u0301", 10) == about_width("e", 10)


def test_gif(tmp_path):
    race = example_race()
    write(race, tmp_path / "race.gif")
    write(race, tmp_path / "tree.gif", view="tree", lane="eagle", theme="dark")
    with Image.open(tmp_path / "race.gif") as film:
        assert film.size == (960, 540) and 60 < film.n_frames <= 96
        first = film.convert("RGB").copy()
        film.seek(film.n_frames - 1)
        assert film.convert("RGB").tobytes() != first.tobytes()
    with Image.open(tmp_path / "tree.gif") as film:
        # each step's tree grows by a depth a frame, then comes the verdict, in the colours that mean it
        steps = race[2].steps[:40]
        assert film.n_frames == sum(1 + max(step.depths, default=0) for step in steps)
        waits, verdict = [], next(i for i, step in enumerate(steps) if step.accepted)
        for number in range(sum(1 + max(step.depths, default=0) for step in steps[: verdict + 1])):
            film.seek(number)
            waits.append(film.info["duration"])
        assert waits[0] < waits[-1]
        green = tuple(int(palette("dark").accepted[i : i + 2], 16) for i in (1, 3, 5))
        near = [sum(abs(a - b) for a, b in zip(color, green, strict=True))
                for _, color in film.convert("RGB").getcolors(1 << 20)]
        assert min(near) < 24
    assert (tmp_path / "race.gif").stat().st_size < 600_000


HOSTILE_RACE = [Trace(make_run(), [make_step(0, text=text, clock=6.0) for text in HOSTILE])]


@pytest.mark.parametrize("race", [[], [Trace(make_run())], HOSTILE_RACE], ids=["nothing", "no step", "hostile"])
def test_gif_of_odd_races(tmp_path, race):
    write(race, tmp_path / "race.gif", size="paper")
    assert (tmp_path / "race.gif").read_bytes()[:3] == b"GIF"


def test_gif_has_no_speedup_view(tmp_path):
    with pytest.raises(UserError, match="shows race or tree"):
        write(example_race(), tmp_path / "a.gif", view="speedup")


def test_png_and_pdf_without_a_browser(tmp_path, monkeypatch):
    monkeypatch.setattr(_browser, "BROWSERS", ("no-such-browser",))
    for form in ("png", "pdf"):
        with pytest.raises(UserError, match=f"A {form.upper()} needs Chromium or Chrome"):
            write(example_race(), tmp_path / f"a.{form}")


@pytest.mark.skipif(_browser.browser() is None, reason="no browser")
def test_png(tmp_path):
    write(example_race(), tmp_path / "a.png", view="speedup", size="paper")
    with Image.open(tmp_path / "a.png") as image:
        assert abs(image.width - 2008) <= 4 and len(image.convert("RGB").getcolors(1 << 24)) > 8


@pytest.mark.skipif(_browser.browser() is None, reason="no browser")
@pytest.mark.parametrize(("view", "size", "wide"), [("race", "slide", 960.0), ("tree", "paper", 240.9)])
def test_pdf_is_one_page_of_the_size_asked_for(tmp_path, view, size, wide):
    write(example_race(), tmp_path / "a.pdf", view=view, size=size)
    data = (tmp_path / "a.pdf").read_bytes()
    box = re.search(rb"/MediaBox \[0 0 ([\d.]+) ([\d.]+)\]", data)
    assert data.startswith(b"%PDF-") and len(re.findall(rb"/Type /Page\b", data)) == 1
    assert abs(float(box[1]) - wide) < 1 and (size == "paper" or abs(float(box[2]) - 540) < 1)
    assert b"/FontFile" in data and b"/Subtype /Image" not in data  # letters and lines, no pixels


def test_command_line(tmp_path, capsys):
    import argparse

    from mtpviz.export import command
    parser = argparse.ArgumentParser()
    command.add_arguments(parser)
    source = tmp_path / "race.jsonl.gz"
    dump(example_race(), source)
    for words, name in [([], "race-race.svg"), (["--to", "csv"], "race.csv"), (["--to", "parquet"], "race.parquet"),
                        (["--to", "svg", "--view", "tree", "--lane", "eagle", "--step", "2", "--size", "paper"],
                         "race-tree.svg"),
                        (["--out", str(tmp_path / "my.jsonl")], "my.jsonl")]:
        assert command.run(parser.parse_args([str(source), *words])) == 0
        assert capsys.readouterr().out.strip() == str(tmp_path / name) and (tmp_path / name).exists()
    assert len(read(tmp_path / "race.parquet")) == 3
    with pytest.raises(UserError, match="no trace file"):
        command.run(parser.parse_args([str(tmp_path / "none.jsonl")]))


def test_rejected_drafts_are_shown_on_demand():
    race = example_race()
    assert "line-through" not in svg.markup(scene(race))
    root = parsed(race, rejected=True)
    struck = [e.text for e in root.iter(f"{NAME}text") if e.get("text-decoration")]
    assert struck[0] == "rejected draft" and len(struck) > 10
    assert token_texts(root).replace(" ", "") == token_texts(parsed(race)).replace(" ", "")
