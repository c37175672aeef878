"""EAGLE-3 (Li et al. 2025): fused features of three layers in, and training that unrolls the draft's own steps."""

from __future__ import annotations

from mtpviz.heads import eagle3
from mtpviz.strategies._features import FeatureDrafter


class Eagle3(FeatureDrafter):
    """Its vocabulary was fixed by training; a language's map only takes from it."""

    name = "eagle3"
    title = "EAGLE-3"
    blurb = "one layer drafts from low, middle and high features"
    order = 60
    load = staticmethod(eagle3.load)


STRATEGY = Eagle3
