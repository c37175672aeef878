"""One step's draft tree as a picture: who was proposed, who was accepted, what the target wanted instead.

Depth runs to the right, siblings stand by draft probability, the accepted path lies straight on top. Of a column with
more nodes than fit the accepted one and the most probable are kept, and "+n" says how many a node hides below it.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass

from mtpviz.export._glyphs import about_width, label, visible
from mtpviz.export._language import Language
from mtpviz.export._scene import Box, Dot, Line, Palette, Scene, Shape, Size, Text
from mtpviz.trace import Step, Trace

ROOT, BONUS = -1, -2


@dataclass(frozen=True)
class Spot:
    """Where a node stands: its depth (the root's is 0) and its row."""

    depth: int
    row: int


def arrange(step: Step, most_rows: int) -> tuple[dict[int, Spot], dict[int, int]]:
    """Spots of the nodes shown (ROOT and BONUS included), and how many descendants each shown node hides.

    Each depth is a column that holds at most `most_rows` nodes: the accepted path, the bonus, and the nodes with the
    highest draft probability of their whole path. Columns keep the order of the parents, so no two edges cross.
    """
    end = step.accepted[-1] if step.accepted else ROOT
    columns: dict[int, list[int]] = {}
    for index, depth in enumerate(step.depths):
        columns.setdefault(depth, []).append(index)
    columns.setdefault(len(step.accepted) + 1, []).append(BONUS)
    spots, hidden = {ROOT: Spot(0, 0)}, {}
    for depth in sorted(columns):
        column = [index for index in columns[depth] if _parent(step, index, end) in spots]
        column = sorted(column, key=lambda index: -_priority(step, index))[:most_rows]
        column.sort(key=lambda index: (spots[_parent(step, index, end)].row, -_priority(step, index), index))
        free = 0
        for place, index in enumerate(column):
            row = max(free, min(spots[_parent(step, index, end)].row, most_rows - len(column) + place))
            spots[index], free = Spot(depth, row), row + 1
    for index in range(len(step.nodes)):
        if index not in spots:
            parent = index
            while parent not in spots:
                parent = step.nodes[parent].parent
            hidden[parent] = hidden.get(parent, 0) + 1
    return spots, hidden


def _parent(step: Step, index: int, end: int) -> int:
    return end if index == BONUS else step.nodes[index].parent


def _priority(step: Step, index: int) -> float:
    """What a column keeps first: the path that was taken, then the likeliest drafts."""
    if index == BONUS or index in step.accepted:
        return 2.0
    value = 1.0
    while index >= 0:
        prob = step.nodes[index].draft_prob
        value *= 0.5 if prob is None else prob
        index = step.nodes[index].parent
    return value


def tree_scene(trace: Trace, step: Step, size: Size, colors: Palette, spoken: Language, name: str,
               grown: int | None = None) -> Scene:
    """The tree of one step, with probabilities of the draft under each node and the target's under its bonus.

    name: of the lane. grown: the tree while it is drafted, as deep as that and before the target has judged it; None:
    all of it.
    """
    text = size.text
    top = size.margin + (6.0 if size.height else 4.6) * text
    room = (size.height - top - size.margin - 2.4 * text) if size.height else 30 * text
    widest = max(Counter(step.depths).values(), default=1) + 1
    pitch = max(2.2 * text, min(3.6 * text, room / widest))
    spots, hidden = arrange(step, max(1, int(room / pitch)))
    deepest = max(spot.depth for spot in spots.values())
    lowest = max(spot.row for spot in spots.values())
    column = min((size.width - 2 * size.margin) / (deepest + 1), 9.5 * text)
    pill = column * 0.72
    type_size = min(text, pill / 4.2, pitch / 3.1)
    height = size.height or top + (lowest + 1) * pitch + 2.6 * text
    told = _count(step, spoken)
    shapes = _heading(size, colors, spoken.say("picture.tree.title", title=visible(name), n=step.index),
                      told if grown is None else _drafting(step, spoken, grown))
    if grown is not None:
        spots = {index: spot for index, spot in spots.items() if index != BONUS and spot.depth <= grown}

    def middle(index: int) -> tuple[float, float]:
        return size.margin + spots[index].depth * column + pill / 2, top + spots[index].row * pitch + 0.8 * type_size

    edges, pills = [], []
    for index in spots:
        x, y = middle(index)
        kind = _kind(step, index) if grown is None else "root" if index == ROOT else "drafted"
        if index != ROOT:
            parent = (step.accepted[-1] if step.accepted else ROOT) if index == BONUS else step.nodes[index].parent
            edges.append(_edge(kind, middle(parent), (x, y), pill, type_size, colors))
        pills += _pill(trace, step, index, kind, x, y, pill, type_size, colors)
        if index in hidden:
            pills.append(Text(x + pill / 2, y - 0.95 * type_size, f"+{hidden[index]}", 0.72 * type_size, colors.muted,
                              anchor="end"))
    shapes += sorted(edges, key=lambda edge: not edge.dashed)  # the path lies over the rejected branches
    title = spoken.say("picture.tree.caption", title=visible(name), n=step.index, summary=told)
    return Scene(size.width, height, colors.paper, title, [*shapes, *pills, *_legend(size, height, colors, spoken)],
                 size.millimetres, spoken.tag)


def _kind(step: Step, index: int) -> str:
    if index == ROOT:
        return "root"
    if index == BONUS:
        return "bonus" if step.nodes else "target"
    return "accepted" if index in step.accepted else "rejected"


def _edge(kind: str, start: tuple, end: tuple, pill: float, text: float, colors: Palette) -> Line:
    stroke = {"accepted": colors.accepted, "bonus": colors.bonus, "target": colors.ink}.get(kind, colors.muted)
    thick = text * {"accepted": 0.16, "bonus": 0.1, "target": 0.1}.get(kind, 0.05)
    return Line(start[0] + pill / 2, start[1], end[0] - pill / 2, end[1], stroke, thick, kind == "rejected",
                start[1] != end[1])


def _pill(trace: Trace, step: Step, index: int, kind: str, x: float, y: float, pill: float, text: float,
          colors: Palette) -> list[Shape]:
    fill, stroke = {"root": (colors.root_tint, colors.muted), "accepted": (colors.accepted_tint, colors.accepted),
                    "bonus": (colors.bonus_tint, colors.bonus), "target": (None, colors.ink)}.get(kind, (None,
                                                                                                         colors.muted))
    tall = 1.7 * text
    token = step.root if index == ROOT else step.bonus if index == BONUS else step.nodes[index].token
    shown = label(trace.run.pieces.get(token, f"#{token}"))
    room = pill - 0.7 * text
    fit = min(about_width(shown, text), room)
    ink = colors.muted if kind == "rejected" else colors.ink
    shapes: list[Shape] = [
        Box(x - pill / 2, y - tall / 2, pill, tall, fill, stroke, text * 0.07, tall / 2, kind == "rejected"),
        Text(x, y + 0.34 * text, shown, text, ink, anchor="middle", fit=fit, struck=kind == "rejected", token=True)]
    if kind == "bonus":
        shapes.append(Dot(x + pill / 2 - 0.55 * text, y - 0.45 * text, 0.13 * text, stroke))
    prob = None
    if index >= 0:
        prob = step.nodes[index].draft_prob
    elif index == BONUS:
        prob = step.rows[step.accepted[-1] + 1 if step.accepted else 0].prob
    if prob is not None:
        shapes.append(Text(x, y + tall / 2 + 0.85 * text, f"{prob:.2f}", 0.72 * text, colors.muted, anchor="middle"))
    return shapes


def _drafting(step: Step, spoken: Language, grown: int) -> str:
    return spoken.say("picture.tree.drafting", n=sum(depth <= grown for depth in step.depths), of=len(step.nodes))


def _count(step: Step, spoken: Language) -> str:
    total = len(step.accepted) + 1
    tokens = spoken.say("step.tokens" if total > 1 else "step.tokens.one", n=total)
    if not step.told:
        return spoken.say("step.untold", tokens=tokens)
    if not step.nodes:
        return spoken.say("step.plain")
    return spoken.say("step.summary", drafted=len(step.nodes), accepted=len(step.accepted), tokens=tokens)


def _heading(size: Size, colors: Palette, title: str, words: str) -> list[Shape]:
    text = size.text
    large = 1.5 * text if size.height else 1.1 * text
    return [Text(size.margin, size.margin + large, title, large, colors.ink, bold=True),
            Text(size.margin, size.margin + large + 1.45 * text, words, 0.9 * text, colors.muted)]


def _legend(size: Size, height: float, colors: Palette, spoken: Language) -> list[Shape]:
    """What the marks mean, at the bottom."""
    text = 0.78 * size.text
    y = height - size.margin
    shapes: list[Shape] = []
    x = size.margin
    marks = (("legend.accepted", colors.accepted, 0.16, False), ("legend.rejected", colors.muted, 0.06, True),
             ("picture.tree.bonus", colors.bonus, 0.1, False))
    for name, stroke, thick, dashed in marks:
        words = spoken.say(name)
        shapes += [Line(x, y - 0.32 * text, x + 1.8 * text, y - 0.32 * text, stroke, thick * size.text, dashed),
                   Text(x + 2.2 * text, y, words, text, colors.muted)]
        x += 2.2 * text + about_width(words, text) + 1.6 * text
    if size.height:
        note = spoken.say("picture.tree.numbers")
        shapes.append(Text(size.width - size.margin, y, note, text, colors.muted, anchor="end"))
    return shapes
