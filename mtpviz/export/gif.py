"""A moving picture: the race growing at true relative speed, or the tree of every step of a lane as it grows."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
from PIL import Image

from mtpviz.errors import UserError
from mtpviz.export._fonts import need_chinese
from mtpviz.export._language import Language, language_of
from mtpviz.export._race import Race
from mtpviz.export._raster import Painter
from mtpviz.export._scene import Palette, Size, palette, size_of
from mtpviz.export._tree import tree_scene
from mtpviz.export._views import pick_lane
from mtpviz.trace import Trace

SUFFIX = ".gif"
SECONDS = 8.0  # of a replayed race, whatever its true length; the picture states the factor
FRAMES = 96
LAST_FRAME_MS = 2500
GROW_MS, STEP_MS = 220, 1000  # a tree's time on screen: for each depth that it grows, and once it is judged
MOST_STEPS = 40
TREE_TEXT = 1.4  # of a slide's type size: a moving tree is seen small
PIXELS_WIDE = {"slide": 960, "paper": 680}
COLORS = 96
CLEAR = 255  # the palette's index for "as before"; beyond COLORS, so no pixel has it


def write(traces: Sequence[Trace], path: str | Path, view: str = "race", size: str = "slide", theme: str = "light",
          lane: str | None = None, rejected: bool = False, language: str = "en") -> None:
    """Write the race or a lane's trees as an endless GIF, 960 pixels wide (a slide) or 680 (a paper column).

    All lanes of a race run on one clock, slowed or sped up by one factor, so that the whole race takes 8 s.
    """
    form, colors, spoken = size_of(size), palette(theme), language_of(language)
    if language == "zh":
        need_chinese()
    if view == "race":
        frames, waits = list(_race(traces, form, colors, spoken, rejected)), [round(1000 * SECONDS / FRAMES)] * FRAMES
    elif view == "tree":
        frames, waits = (list(part) for part in zip(*_trees(traces, form, colors, spoken, lane), strict=True))
    else:
        raise UserError(f"There is no moving picture of the {view} view; a GIF shows race or tree.")
    waits[-1] = LAST_FRAME_MS
    shared = _sample(frames).quantize(COLORS, dither=Image.Dither.NONE)
    flat = [frame.quantize(palette=shared, dither=Image.Dither.NONE) for frame in frames]
    changed = [flat[0], *(_changes(before, after) for before, after in zip(flat, flat[1:], strict=False))]
    changed[0].save(path, save_all=True, append_images=changed[1:], duration=waits, loop=0, disposal=1,
                    transparency=CLEAR, optimize=False)


def _sample(frames: Sequence[Image.Image]) -> Image.Image:
    """Some of the frames, the last among them, one below the other: all the colours that the picture needs."""
    chosen = frames[:: -max(1, len(frames) // 8)]
    tall = Image.new("RGB", (frames[0].width, frames[0].height * len(chosen)))
    for number, frame in enumerate(chosen):
        tall.paste(frame, (0, number * frame.height))
    return tall


def _changes(before: Image.Image, after: Image.Image) -> Image.Image:
    """The frame with every pixel that did not change made clear: runs of one colour, which the file packs best."""
    old, new = np.asarray(before), np.asarray(after)
    clear = Image.fromarray(np.where(old == new, np.uint8(CLEAR), new), "P")
    clear.putpalette(after.getpalette())
    return clear


def _race(traces: Sequence[Trace], form: Size, colors: Palette, spoken: Language,
          rejected: bool) -> Iterator[Image.Image]:
    """FRAMES pictures of equal steps of the clock, from the start to the end of the slowest lane."""
    end = max((trace.clock_ms for trace in traces), default=0.0)
    factor = end / (1000 * SECONDS)
    scale = PIXELS_WIDE[form.name] / form.width
    ruler = Painter(Image.new("RGB", (8, 8)), scale)
    race = Race(traces, form, colors, spoken, moment_ms=end, rejected=rejected, measure=ruler.measure,
                note=spoken.say("picture.race.replayed", x=f"{factor:.2g}"))
    canvas = Image.new("RGB", (round(form.width * scale), round(race.height * scale)), colors.paper)
    painter = Painter(canvas, scale)
    painter.paint(race.fixed)
    waiting = sorted((placed for lane in race.lanes for placed in lane.placed), key=lambda placed: placed.arrival_ms)
    for number in range(FRAMES):
        at = end * number / (FRAMES - 1)
        while waiting and (waiting[0].arrival_ms <= at or number == FRAMES - 1):
            painter.paint(waiting.pop(0).shapes)
        frame = canvas.copy()
        Painter(frame, scale).paint(race.live(at))
        yield frame


def _trees(traces: Sequence[Trace], form: Size, colors: Palette, spoken: Language,
           lane: str | None) -> Iterator[tuple[Image.Image, int]]:
    """(picture, milliseconds) of the trees of a lane's first MOST_STEPS steps: depth by depth, then the verdict."""
    number = pick_lane(traces, lane)
    steps = traces[number].steps[:MOST_STEPS]
    if not steps:
        raise UserError("This lane has no step, so it has no tree.")
    form = replace(form, text=form.text * (TREE_TEXT if form.height else 1.0))
    scenes = [(tree_scene(traces[number], step, form, colors, spoken, spoken.lanes(traces)[number], grown),
               STEP_MS if grown is None else GROW_MS)
              for step in steps for grown in (*range(1, max(step.depths, default=0) + 1), None)]
    scale = PIXELS_WIDE[form.name] / form.width
    height = round(max(scene.height for scene, _ in scenes) * scale)
    for scene, wait in scenes:
        frame = Image.new("RGB", (round(form.width * scale), height), colors.paper)
        Painter(frame, scale).paint(scene.shapes)
        yield frame, wait
