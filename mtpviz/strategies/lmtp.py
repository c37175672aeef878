"""L-MTP (Liu et al. 2025): heads that leap over places, the gaps filled by looking backward (section 3.3)."""

from __future__ import annotations

from mtpviz.engine.drafter import Setting
from mtpviz.heads import lmtp
from mtpviz.strategies import _tree, _vocabulary
from mtpviz.strategies._residual import ResidualDrafter


class Lmtp(ResidualDrafter):
    """The paper drafts with stride 2 and a static tree."""

    name = "lmtp"
    title = "L-MTP"
    blurb = "heads leap ahead, earlier guesses fill the gaps"
    order = 37
    settings = {
        **_tree.SETTINGS,
        "heads": Setting(0, "how many of the stride's heads draft; 0 is all", 0, 16),
        "stride": Setting(lmtp.STRIDE, "places between the guesses of one row", 1, 8),
        "vocab": _vocabulary.SETTING,
    }
    load = staticmethod(lmtp.load)

    @property
    def stride(self) -> int:
        return self.chosen["stride"]


STRATEGY = Lmtp
