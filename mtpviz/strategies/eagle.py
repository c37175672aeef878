"""EAGLE and EAGLE-2 (Li et al. 2024): autoregression on the target's features, one level above its tokens.

The same weights; EAGLE drafts a static tree (tree=static), EAGLE-2 one that follows the draft's confidence
(tree=dynamic).
"""

from __future__ import annotations

from mtpviz.heads import eagle
from mtpviz.strategies._features import FeatureDrafter


class Eagle(FeatureDrafter):
    """Features after the target's final norm in, an estimate of the next one out."""

    name = "eagle"
    title = "EAGLE"
    blurb = "one layer guesses the model's next features"
    order = 50
    load = staticmethod(eagle.load)


STRATEGY = Eagle
