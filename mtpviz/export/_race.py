"""The race as a picture: lanes side by side on one clock, with what each had written by a moment.

A still picture shows the moment when the fastest lane finished, so that the others' text and bars are as far behind as
they were; the numbers beside them are those of the whole run.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from mtpviz.analysis.lanes import BASELINE, baseline
from mtpviz.analysis.summary import lane_summary
from mtpviz.export._flow import LEADING, Measure, Placed, flow, sample
from mtpviz.export._glyphs import about_width, visible
from mtpviz.export._language import Language
from mtpviz.export._scene import Box, Line, Palette, Scene, Shape, Size, Text
from mtpviz.trace import Run, Trace


def _chrome(height: float, text: float) -> float:
    """What a lane's height holds beside its text: the bar and the space around, which a low lane has less of."""
    return (2.3 if height > 6.6 * text else 1.7) * text


@dataclass
class Lane:
    """A lane's place on the page (its top, height, text column) and its tokens. summary: of the whole run."""

    name: str
    trace: Trace
    summary: dict
    top: float
    height: float
    left: float
    width: float
    placed: list[Placed]
    goal: int

    def low(self, text: float) -> float:
        """How far three lines beside a low lane's bar must move together to stand above the rule below, 1: not."""
        return max(0.5, min(1.0, (self.height - 0.7 * text) / (2.6 * text)))

    def tokens_at(self, at_ms: float) -> int:
        """Tokens that had arrived by a moment, the prefill's included."""
        run = self.trace.run
        first = int(run.begun and run.prefill_ms <= at_ms)
        return first + sum(len(step.emitted) for step in self.trace.steps if step.clock_ms <= at_ms)


class Race:
    """Lays a race out once; `fixed` never changes, `live(at)` does, and each lane's tokens come as their time comes.

    moment_ms: up to when tokens are set; by default until the fastest lane's end. measure: width of a text at a type
    size. rejected: whether the best rejected draft of each pass stands in the text. note: what the bottom line says of
    the time.
    """

    def __init__(self, traces: Sequence[Trace], size: Size, colors: Palette, spoken: Language, *,
                 moment_ms: float | None = None, measure: Measure = about_width, rejected: bool = False,
                 note: str | None = None):
        self.size, self.colors, self.spoken, self.measure = size, colors, spoken, measure
        self.rejected, self.note = rejected, note
        self.traces, self.base = list(traces), baseline(traces)
        self.moment = min((t.clock_ms for t in traces), default=0.0) if moment_ms is None else moment_ms
        self.head = 2.1 * size.text if size.height else 0.0  # type size of the prompt line
        self.lanes = self._lanes()
        self.height = size.height or self._bottom() + 1.6 * size.text
        self.fixed = self._fixed()

    def scene(self) -> Scene:
        """The still picture."""
        shapes = [*self.fixed, *self.live(self.moment, whole=True)]
        for lane in self.lanes:
            shapes += [shape for placed in lane.placed for shape in placed.shapes]
        return Scene(self.size.width, self.height, self.colors.paper, self.caption(), shapes, self.size.millimetres,
                     self.spoken.tag)

    def caption(self) -> str:
        """The picture in words, for a reader who cannot see it."""
        told = [f"{lane.name}: {_times(lane.summary['speedup'])}, {lane.summary['tokens_per_s']:.0f} "
                + self.spoken.say("lane.tokens") for lane in self.lanes]
        return visible("; ".join(told) or self.spoken.say("picture.race.empty"))

    def _lanes(self) -> list[Lane]:
        size, count = self.size, len(self.traces)
        names, goal = self.spoken.lanes(self.traces), max((len(trace.token_ids) for trace in self.traces), default=1)
        top = size.margin + (self.head * 2.7 if size.height else 4.4 * size.text)
        lanes: list[Lane] = []
        text = size.text
        if size.height:
            height = (size.height - top - size.margin - 1.6 * text) / max(count, 1)
            left = size.margin + 13.0 * text
            width = size.width - size.margin - left
            text = self._fitting(width, height - _chrome(height, text))
        for trace, name in zip(self.traces, names, strict=True):
            summary = lane_summary(trace, baseline(self.traces, trace))
            if not size.height:
                left, width, height = size.margin, size.width - 2 * size.margin, 0.0
            start = top + (1.25 * size.text if size.height else 4.2 * size.text)
            lines = max(1, int((height - _chrome(height, size.text)) / (text * LEADING))) if size.height else 9
            placed, _ = flow(trace, self.colors, self.measure, left, start, width, text, lines, self.rejected,
                             self.spoken, self.moment)
            if not size.height:
                end = max((item.baseline for item in placed), default=start)
                height = end - top + 2.0 * size.text
            lanes.append(Lane(visible(name), trace, summary, top, height, left, width, placed, goal))
            top += height
        return lanes

    def _fitting(self, width: float, height: float) -> float:
        """The largest type size from 125 % down to 60 % at which every lane's text finds room."""
        size = self.size.text * 1.25
        while size > self.size.text * 0.6:
            lines = max(1, int(height / (size * LEADING)))
            if all(flow(trace, self.colors, self.measure, 0, 0, width, size, lines, self.rejected, self.spoken,
                        self.moment)[1] == 0 for trace in self.traces):
                break
            size -= 1
        return size

    def _bottom(self) -> float:
        return self.lanes[-1].top + self.lanes[-1].height if self.lanes else self.size.margin + 6 * self.size.text

    def _fixed(self) -> list[Shape]:
        size, colors, text = self.size, self.colors, self.size.text
        shapes: list[Shape] = []
        if self.traces:
            run = self.traces[0].run
            room = (size.width - 2 * size.margin) * (0.8 if size.height else 1.0)
            prompt = self.head * 0.72 or text * 1.1
            words = _cut(visible(run.prompt), 1.14 * prompt, room, self.measure)  # bold letters are so much wider
            shapes.append(Text(size.margin, size.margin + prompt, words, prompt, colors.ink, bold=True))
            shapes.append(Text(size.margin, size.margin + prompt + 1.5 * text * (1 if size.height else 0.95),
                               _cut(_origin(run, self.spoken), text * 0.78, room, self.measure), text * 0.78,
                               colors.muted))
        else:
            shapes.append(Text(size.margin, size.margin + 2 * text, self.spoken.say("picture.race.empty"), text,
                               colors.muted))
        rule = (0.95 if self.lanes and self.lanes[0].height > 5 * text else 0.6) * text
        for lane in self.lanes:
            if lane is not self.lanes[0]:
                shapes.append(Line(size.margin, lane.top - rule, size.width - size.margin, lane.top - rule,
                                   colors.hairline, max(text * 0.05, 0.4)))
            shapes += self._lane_head(lane)
        return shapes + self._legend()

    def _lane_head(self, lane: Lane) -> list[Shape]:
        """The lane's name and what makes its number trustworthy."""
        size, colors, text = self.size, self.colors, self.size.text
        roomy = lane.height > 6.6 * text
        verdict, fill = _verdict(lane, colors, self.spoken, short=bool(size.height) and not roomy)
        if not size.height:
            return [Text(size.margin, lane.top + text, lane.name, text * 1.05, colors.ink, bold=True),
                    Text(size.margin, lane.top + 3.55 * text, verdict, text * 0.82, fill)]
        x, y = (size.margin, lane.top + 5.35 * text) if roomy else (
            size.margin + 5.6 * text, lane.top + 2.5 * text * lane.low(text))
        large, first = text * (1.0 if roomy else 0.85), text * (0.85 if roomy else 0.55 * lane.low(text))
        name = _cut(lane.name, large, (12.4 if roomy else 6.2) * text, self.measure)
        return [Text(x, lane.top + first, name, large, colors.ink, bold=True),
                Text(x, y, verdict, text * (0.78 if roomy else 0.68), fill)]

    def live(self, at_ms: float, whole: bool = False) -> list[Shape]:
        """Bars and numbers at a moment; with `whole` the numbers are those of the whole run."""
        size, colors, text = self.size, self.colors, self.size.text
        shapes: list[Shape] = []
        for lane in self.lanes:
            speed, rate, tau = self._numbers(lane, at_ms, whole)
            stats = f"{rate:.0f} {self.spoken.say('lane.tokens')}   τ {tau:.2f}"
            bar = lane.top if size.height else lane.top + 1.75 * text
            tall = 0.38 * text
            done = lane.width * min(1.0, lane.tokens_at(at_ms) / max(lane.goal, 1))
            shapes += [Box(lane.left, bar, lane.width, tall, colors.track, radius=tall / 2),
                       Box(lane.left, bar, max(done, tall), tall, colors.ink, radius=tall / 2)]
            if not size.height:
                shapes += [Text(size.width - size.margin, lane.top + text, speed, text * 1.5, colors.ink, bold=True,
                                anchor="end"),
                           Text(size.width - size.margin, lane.top + 3.55 * text, stats, text * 0.82, colors.ink,
                                anchor="end")]
            elif lane.height > 6.6 * text:
                shapes += [Text(size.margin, lane.top + 3.0 * text, speed, text * 2.2, colors.ink, bold=True),
                           Text(size.margin, lane.top + 4.25 * text, stats, text * 0.85, colors.ink)]
            else:
                room = lane.left - size.margin - 6.0 * text
                small = text * min(0.72, 0.72 * room / self.measure(stats, 0.76 * text))
                shapes += [Text(size.margin, lane.top + 1.6 * text, speed, text * 1.55, colors.ink, bold=True),
                           Text(size.margin + 5.6 * text, lane.top + 1.55 * text * lane.low(text), stats, small,
                                colors.ink)]
        y = size.margin + (self.head * 0.72 or text * 1.1)
        if size.height:
            shapes.append(Text(size.width - size.margin, y, f"{at_ms / 1000:.2f} s", self.head * 0.72, colors.ink,
                               bold=True,
                               anchor="end"))
        return shapes

    def _numbers(self, lane: Lane, at_ms: float, whole: bool) -> tuple[str, float, float]:
        summary = lane.summary
        if whole or at_ms >= lane.trace.clock_ms:
            return _times(summary["speedup"]), summary["tokens_per_s"], summary["tau"] or 0.0
        steps = [step for step in lane.trace.steps if step.clock_ms <= at_ms]
        if not steps:
            return "–", 0.0, 0.0
        took = steps[-1].clock_ms - lane.trace.run.prefill_ms
        rate = 1000.0 * sum(len(step.emitted) for step in steps) / took if took > 0 else 0.0
        plain = summary["tokens_per_s"] / summary["speedup"] if summary["speedup"] else None
        if lane.trace is self.base:  # the baseline is 1 by definition, whatever its pace at the moment
            plain = rate
        return (_times(rate / plain if plain else None), rate, sum(len(s.accepted) + 1 for s in steps) / len(steps))

    def _legend(self) -> list[Shape]:
        size, colors = self.size, self.colors
        text = size.text * 0.72
        x, y = size.margin, self.height - (size.margin * 0.55 if size.height else size.margin)
        shapes: list[Shape] = []
        kinds = {"accepted": "legend.accepted", "bonus": "legend.bonus", "rejected": "legend.rejected",
                 "target": "picture.target"}
        for kind, words in kinds.items():
            if kind != "rejected" or self.rejected:
                placed = sample(kind, self.spoken.say(words), colors, self.measure, x, y - text, text)
                shapes += placed.shapes
                x = placed.right + 1.4 * text
        if not self.traces or not size.height:
            return shapes
        note = self.note or self.spoken.say("picture.race.moment", s=f"{self.moment / 1000:.2f}")
        return [*shapes, Text(size.width - size.margin, y, note, text, colors.muted, anchor="end")]


def _times(value: float | None) -> str:
    return "–" if value is None else f"{value:.2f}×" if value < 10 else f"{value:.1f}×"


def _verdict(lane: Lane, colors: Palette, spoken: Language, short: bool) -> tuple[str, str]:
    """Whether the lane's text is the baseline's, in words and in the colour that says so."""
    summary = lane.summary
    loops = f"  {spoken.say('picture.loops')}" if summary["loops"] else ""
    if lane.trace.run.strategy == BASELINE and not lane.trace.run.peer:
        return spoken.say("exact.baseline") + loops, colors.accepted
    if summary["exact"]:
        return f"✓ {spoken.say('picture.same' if short else 'exact.yes')}{loops}", colors.accepted
    if summary["exact"] is False:
        name = "exact.no" if summary["lossless"] else "exact.lossy"
        return f"✗ {spoken.say(name, n=summary['first_divergence'])}{loops}", colors.rejected
    return spoken.say("exact.unchecked") + loops, colors.muted


def _origin(run: Run, spoken: Language) -> str:
    made = spoken.say("picture.recorded", date=run.date[:10]) if run.recorded else run.date[:10]
    parts = [run.model.get("name"), run.dtype, run.hardware or run.device, made]
    return visible("  ·  ".join(str(part) for part in parts if part))


def _cut(text: str, size: float, room: float, measure: Measure) -> str:
    if measure(text, size) <= room:
        return text
    while text and measure(text + "…", size) > room:
        text = text[:-1]
    return text + "…"
