"""The page in Chinese: the sentences of mtpviz/strings by the same names (`interface`, `instruments`, `accounts`),
and what other rooms say in English themselves (`phrases`), called "=" and the English text. The words inside the
figures are in `figures`, the course in assets/web/learn/zh.json.
"""

from __future__ import annotations

from mtpviz.chinese.accounts import ACCOUNTS
from mtpviz.chinese.instruments import INSTRUMENTS
from mtpviz.chinese.interface import INTERFACE
from mtpviz.chinese.phrases import PHRASES
from mtpviz.strings import terms

CHINESE = {
    **INTERFACE,
    **INSTRUMENTS,
    **ACCOUNTS,
    **terms("zh"),
    **{f"={text}": chinese for text, chinese in PHRASES.items()},
}
