"""Moved to mtpviz/strings.py, where an exported page finds them too."""

from mtpviz.strings import STRINGS, say  # noqa: F401
