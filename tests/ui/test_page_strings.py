"""No sentence without a speaker: what nothing says any more is taken out."""

import re

from mtpviz.strings import STRINGS
from mtpviz.ui.component import WEB

# Families whose last part is put together as the page runs: say(`exact.${name}`).
FAMILIES = (
    "chip.", "exact.", "gallery.", "keys.", "nav.", "node.", "order.", "phase.", "picture.speedup.", "record.",
    "sampling.", "save.", "scope.", "speedup.", "term.", "theme.", "vocabulary.", "whatif.", "why.",
)


def test_every_sentence_is_said_somewhere():
    python = [path for room in ("ui", "export") for path in (WEB.parents[1] / "mtpviz" / room).glob("*.py")]
    said = "".join(path.read_text(encoding="utf-8") for path in [*WEB.rglob("*.js"), *python])
    names = set(re.findall(r"[\"'`]([a-z_]+(?:\.[a-z_]+)*)[\"'`]", said))
    assert not [name for name in STRINGS if name not in names and not name.startswith(FAMILIES)]
