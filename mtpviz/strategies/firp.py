"""FIRP-style drafts: pseudo hidden states of the next tokens, carried through the target's own upper layers.

A draft is a partial pass of k rows through layers l.. on top of the committed cache; what it writes there the verify
pass writes over. See heads/firp.py for what is known of the method.

Drafting inside the verify pass would put k pseudo rows under every node, and only those of one node are used. Timed on
two CPU cores with the bundled maps (k = 4, 4 of 16 layers above them) a step so made would take 0.89 of the time where
nothing was drafted, as long where one node was, and 1.06, 1.14, 1.22 and 1.34 times as long at 2, 3, 4 and 7 nodes;
`auto` drafts five on the text that pays most. So there is no such mode.
"""

from __future__ import annotations

import numpy as np

from mtpviz.engine.drafter import Features, Setting
from mtpviz.engine.sampling import Sampling
from mtpviz.errors import UserError
from mtpviz.heads import firp
from mtpviz.strategies import _tree, _vocabulary
from mtpviz.strategies._tree import Parallel
from mtpviz.strategies._vocabulary import Head


class Firp(Parallel):
    """State i stands at the place of the i-th token after the anchor, and guesses the one behind it."""

    name = "firp"
    title = "FIRP-style"
    blurb = "pseudo hidden states run through the upper layers"
    order = 70
    reads_features = True
    settings = {
        **_tree.SETTINGS,
        "states": Setting(0, "how many pseudo states draft; 0 is all", 0, 16),
        "vocab": _vocabulary.SETTING,
    }

    def __init__(self, session, sampling: Sampling, **settings):
        super().__init__(session, sampling, **settings)
        self.maps = session.part("firp head", read)
        self.head, self.taps = self.maps.card, (self.maps.layer,)
        self.states = count(self.maps, self.chosen["states"])

    def join(self, cache) -> None:
        self.cache = cache

    def prefill(self, tokens: np.ndarray, features: Features) -> None:
        target, unembedding = self.session.target, self.session.weights.head
        self.unembedding = Head(self.session, target, unembedding, "target head", self.chosen["vocab"], tokens)
        self.chosen |= {"vocab": self.unembedding.name, "vocab_size": self.unembedding.size}
        self.commit(tokens, [], features)

    def commit(self, tokens: np.ndarray, accepted: list[int], features: Features) -> None:
        self.anchor = features.taps[0][-1].copy()

    def begin(self, root: int, position: int) -> np.ndarray:
        target, states = self.session.target, np.arange(self.states)
        target.stream[: self.states, : len(self.anchor)] = self.maps(self.anchor, self.states)
        out = target.run(self.cache, self.states, states - 1, position + states, self.maps.layer, head_rows=0)
        return target.unembed(out.normed.copy(), self.unembedding.panels, self.unembedding.size)


def read(session) -> firp.FirpMaps:
    """The maps that came with the session's target; UserError where there are none."""
    folder = session.entry.heads.get("firp")
    if folder is None:
        raise UserError(f"The model {session.entry.name} has no FIRP maps; choose another strategy.")
    return firp.load(folder, session.config, session.weights)


def count(maps: firp.FirpMaps, wanted: int) -> int:
    """How many pseudo states draft, 0 being all; UserError where there are fewer."""
    if wanted > len(maps.maps):
        raise UserError(f"The model has maps for {len(maps.maps)} pseudo states, so {wanted} cannot draft.")
    return wanted or len(maps.maps)


STRATEGY = Firp
