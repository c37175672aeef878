"""Every figure of mtpviz/plots drawn without a browser: in one picture, within its frame, its words in it."""

import html
import re
import xml.etree.ElementTree as tree

import pytest
from hypothesis import given, settings

from mtpviz.discover import plots
from mtpviz.export import write
from mtpviz.export._figure import draw, plain_scene
from mtpviz.export._scene import Box, Dot, Path, palette
from mtpviz.export.svg import markup
from tests.traces import example_race, races

FIGURES = list(plots())


@pytest.mark.parametrize("name", FIGURES)
@pytest.mark.parametrize("size", ["slide", "paper"])
def test_each_figure_is_a_picture_whose_marks_lie_within_it(tmp_path, name, size):
    write(example_race(), tmp_path / "figure.svg", view=name, size=size)
    root = tree.parse(tmp_path / "figure.svg").getroot()
    wide, high = (float(value) for value in root.get("viewBox").split()[2:])
    said = " ".join(root.itertext())
    assert plots()[name].TITLE in said
    for node in root.iter("{http://www.w3.org/2000/svg}rect"):
        x, y, w, h = (float(node.get(key) or 0) for key in ("x", "y", "width", "height"))
        assert -1 <= x and x + w <= wide + 1 and -1 <= y and y + h <= high + 1
    for node in root.iter("{http://www.w3.org/2000/svg}polyline"):
        for x, y in re.findall(r"(-?[\d.]+),(-?[\d.]+)", node.get("points")):
            assert -1 <= float(x) <= wide + 1 and -1 <= float(y) <= high + 1


def test_bars_are_as_long_as_their_values():
    figure = plots()["accepted_length"].figure(example_race(), "light")
    drawn = draw(figure.to_plotly_json(), 620, 360, palette("light"))
    for trace in figure.data:
        color = trace.marker.color
        bars = [shape for shape in drawn if isinstance(shape, Box) and shape.fill == color][:-1]  # the last: the legend
        heights = [bar.height / share for bar, share in zip(bars, trace.y, strict=True) if share > 0]
        assert max(heights) - min(heights) < 1e-6 * max(heights)


def test_a_stair_has_a_corner_for_every_pass():
    race = example_race()
    figure = plots()["tokens_over_time"].figure(race, "light")
    drawn = draw(figure.to_plotly_json(), 620, 360, palette("light"))
    longest = max((shape for shape in drawn if isinstance(shape, Path)), key=lambda path: len(path.points))
    assert len(longest.points) == 2 * (len(race[0].steps) + 1) + 1
    assert [y for _, y in longest.points] == sorted((y for _, y in longest.points), reverse=True)


@given(races(min_lanes=1, max_lanes=3, max_steps=3))
@settings(max_examples=4, deadline=None)
def test_any_race_can_be_drawn_and_its_titles_stay_text(race):
    for name in FIGURES:
        text = markup(plain_scene(plots()[name].figure(race, "dark").to_plotly_json(), 620, palette("dark"), name))
        tree.fromstring(text)
        assert "<b>" not in text and "nan" not in re.sub(r">[^<]*<", "><", text).lower()
        assert html.unescape(text)


def test_markers_differ_by_form():
    from mtpviz.export._marks import point

    forms = {str(point(symbol, 0, 0, 5, "#000")) for symbol in
             ("circle", "diamond", "square", "triangle-up", "cross", "x", "pentagon", "star")}
    assert len(forms) == 8 and isinstance(point("circle", 0, 0, 5, "#000"), Dot)
