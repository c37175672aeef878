"""Next-token prediction: the empty tree. The baseline that every speedup is against."""

from __future__ import annotations

from mtpviz.engine.drafter import Drafter


class NextToken(Drafter):
    name = "ntp"
    title = "Next-token"
    blurb = "one pass, one token"
    order = 0


STRATEGY = NextToken
