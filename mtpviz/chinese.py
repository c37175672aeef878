"""The page in Chinese."""

from mtpviz.strings import terms

CHINESE = terms("zh")
