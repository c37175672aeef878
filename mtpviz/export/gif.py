"""A moving picture: the race growing at true relative speed, or the tree of every step of a lane."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
from PIL import Image

from mtpviz.analysis.lanes import lane_names
from mtpviz.errors import UserError
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
STEP_MS = 700  # a tree's time on screen
MOST_STEPS = 80
PIXELS_WIDE = {"slide": 960, "paper": 680}
COLORS = 96
CLEAR = 255  # the palette's index for "as before"; beyond COLORS, so no pixel has it


def write(traces: Sequence[Trace], path: str | Path, view: str = "race", size: str = "slide", theme: str = "light",
          lane: str | None = None, rejected: bool = False) -> None:
    """Write the race or a lane's trees as an endless GIF, 960 pixels wide (a slide) or 680 (a paper column).

    All lanes of a race run on one clock, slowed or sped up by one factor, so that the whole race takes 8 s.
    """
    form, colors = size_of(size), palette(theme)
    if view == "race":
        frames, waits = list(_race(traces, form, colors, rejected)), [round(1000 * SECONDS / FRAMES)] * FRAMES
    elif view == "tree":
        frames = list(_trees(traces, form, colors, lane))
        waits = [STEP_MS] * len(frames)
    else:
        raise UserError(f"There is no moving picture of the {view} view; a GIF shows race or tree.")
    waits[-1] = LAST_FRAME_MS
    shared = frames[-1].quantize(COLORS, dither=Image.Dither.NONE)
    flat = [frame.quantize(palette=shared, dither=Image.Dither.NONE) for frame in frames]
    changed = [flat[0], *(_changes(before, after) for before, after in zip(flat, flat[1:], strict=False))]
    changed[0].save(path, save_all=True, append_images=changed[1:], duration=waits, loop=0, disposal=1,
                    transparency=CLEAR, optimize=False)


def _changes(before: Image.Image, after: Image.Image) -> Image.Image:
    """The frame with every pixel that did not change made clear: runs of one colour, which the file packs best."""
    old, new = np.asarray(before), np.asarray(after)
    clear = Image.fromarray(np.where(old == new, np.uint8(CLEAR), new), "P")
    clear.putpalette(after.getpalette())
    return clear


def _race(traces: Sequence[Trace], form: Size, colors: Palette, rejected: bool) -> Iterator[Image.Image]:
    """FRAMES pictures of equal steps of the clock, from the start to the end of the slowest lane."""
    end = max((trace.clock_ms for trace in traces), default=0.0)
    factor = end / (1000 * SECONDS)
    scale = PIXELS_WIDE[form.name] / form.width
    ruler = Painter(Image.new("RGB", (8, 8)), scale)
    race = Race(traces, form, colors, moment_ms=end, rejected=rejected, measure=ruler.measure,
                note=f"replayed at {factor:.2g}× of the true speed")
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


def _trees(traces: Sequence[Trace], form: Size, colors: Palette, lane: str | None) -> Iterator[Image.Image]:
    """The tree of each step of a lane, up to MOST_STEPS, in pictures of one size."""
    number = pick_lane(traces, lane)
    steps = traces[number].steps[:MOST_STEPS]
    if not steps:
        raise UserError("This lane has no step, so it has no tree.")
    scenes = [tree_scene(traces[number], step, form, colors, lane_names(traces)[number]) for step in steps]
    scale = PIXELS_WIDE[form.name] / form.width
    height = round(max(scene.height for scene in scenes) * scale)
    for scene in scenes:
        frame = Image.new("RGB", (round(form.width * scale), height), colors.paper)
        Painter(frame, scale).paint(scene.shapes)
        yield frame
