"""Token text as a picture can show it, and about how wide it will be.

Model text holds anything: control characters, NUL, right-to-left runs, emoji. XML 1.0 forbids most control
characters and a picture cannot show them, so each becomes its Unicode control picture; everything else stays what it
is.
"""

from __future__ import annotations

import unicodedata

_NARROW, _MEDIUM, _WIDE = set("iljt.,:;'|!()[]{}fIr`\u2019\u2018"), set(" -/\\\"*\u201c\u201d"), set("mwMW@%\u2014")


def visible(text: str) -> str:
    """The text with control characters as control pictures and what XML cannot hold as U+FFFD."""
    return "".join(_shown(char) for char in text)


def _shown(char: str) -> str:
    code = ord(char)
    if char == "\n":
        return "↵"
    if code < 0x20:
        return chr(0x2400 + code)
    if code == 0x7F:
        return "␡"
    if 0x80 <= code < 0xA0 or 0xD800 <= code <= 0xDFFF or code & 0xFFFE == 0xFFFE or 0xFDD0 <= code <= 0xFDEF:
        return "\ufffd"
    return "↵" if code in (0x2028, 0x2029) else char


def label(text: str, longest: int = 14) -> str:
    """A token's text as a label: without the space around it, "␣" where nothing else is left, cut at `longest`."""
    shown = visible(text.strip(" ")) or ("␣" * min(len(text), longest) or "∅")
    return shown if len(shown) <= longest else shown[: longest - 1] + "…"


def about_width(text: str, size: float, bold: bool = False) -> float:
    """Width of a text in a system sans serif, from mean widths of character classes; within about 10 % for words."""
    return size * sum(_em(char) for char in text) * (1.06 if bold else 1.0)


def _em(char: str) -> float:
    if char in _NARROW:
        return 0.31
    if char in _MEDIUM:
        return 0.34
    if char in _WIDE:
        return 0.88
    if unicodedata.combining(char) or unicodedata.category(char) in ("Cf", "Mn", "Me"):
        return 0.0
    if unicodedata.east_asian_width(char) in ("W", "F") or ord(char) > 0x1F000:
        return 1.05
    return 0.68 if char.isupper() else 0.57
