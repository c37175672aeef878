"""FastMTP (Cai et al. 2025): one multi-token prediction module, its weights shared over depths, applied recursively."""

from __future__ import annotations

from mtpviz.heads import fastmtp
from mtpviz.strategies._features import FeatureDrafter


class FastMtp(FeatureDrafter):
    """The paper drafts a chain of K = 3 with a language's vocabulary: tree=chain:depth=3."""

    name = "fastmtp"
    title = "FastMTP"
    blurb = "one shared module guesses again and again"
    order = 40
    load = staticmethod(fastmtp.load)


STRATEGY = FastMtp
