"""Medusa (Cai et al. 2024): heads on the frozen target's last hidden state, each guessing one more place ahead.

accept=typical offers the paper's typical acceptance (section 2.3.1) where tokens are sampled. It is not lossless.
"""

from __future__ import annotations

from mtpviz.engine.drafter import Setting
from mtpviz.engine.sampling import Sampling
from mtpviz.heads import medusa
from mtpviz.strategies import _tree, _vocabulary
from mtpviz.strategies._residual import ResidualDrafter


class Medusa(ResidualDrafter):
    """The paper's tree is static, built from measured accuracies: tree=static."""

    name = "medusa"
    title = "Medusa"
    blurb = "small heads on the last layer guess ahead"
    order = 35
    settings = {
        **_tree.SETTINGS,
        "heads": Setting(0, "how many of the heads draft; 0 is all", 0, 16),
        "accept": Setting("lossless", "what is accepted when sampling: the target's own draws, or what is typical",
                          choices=("lossless", "typical")),
        "vocab": _vocabulary.SETTING,
    }
    load = staticmethod(medusa.load)

    def __init__(self, session, sampling: Sampling, **settings):
        super().__init__(session, sampling, **settings)
        if self.chosen["accept"] == "typical":
            self.rule = "typical"


STRATEGY = Medusa
