"""FIRP-style drafts on a device: a partial pass of k pseudo rows through the target's own upper layers.

Their keys and values lie behind the committed ones until the verify pass writes over them.
"""

from __future__ import annotations

import torch

from mtpviz.engine.device.drafter import State
from mtpviz.engine.device.program import chain_block
from mtpviz.engine.sampling import Sampling
from mtpviz.kernels.device.gather import gather_last
from mtpviz.kernels.device.linear import Workspace, linear
from mtpviz.strategies import firp
from mtpviz.strategies.device._tree import Parallel, offers
from mtpviz.strategies.firp import Firp


class DeviceFirp(Parallel):
    """State i stands at the place of the i-th token after the anchor, and guesses the one behind it."""

    name, title, blurb, order, settings = Firp.name, Firp.title, Firp.blurb, Firp.order, Firp.settings

    def __init__(self, session, sampling: Sampling, **settings):
        super().__init__(session, sampling, **settings)
        self.maps, self.weight, self.bias = session.part("firp head on the device", _load)
        self.head, self.taps = self.maps.card, (self.maps.layer,)
        self.states = self.deepest = firp.count(self.maps, self.chosen["states"])
        self.shapes_of(self.states)

    def attach(self, state: State, prompt: list[int]) -> None:
        super().attach(state, prompt)
        batch, hidden, device, dtype = state.batch, state.target.config.hidden, state.device, state.target.dtype
        self.unembedding = self.score(state.target.head, "target head", prompt, batch * self.states)
        self.anchor = torch.zeros((batch, hidden), dtype=dtype, device=device)
        self.block = chain_block(device, batch, self.states, torch.full_like(state.root, self.states))
        self.workspace = Workspace(device, batch, [(self.states * hidden, hidden)])
        self.ids, self.probs = offers(device, batch, self.states, self.width)
        self.levels = [(self.ids[:, i], self.probs[:, i]) for i in range(self.states)]

    def take(self, state: State, taps: torch.Tensor, normed: torch.Tensor) -> None:
        gather_last(taps[0], state.path, state.kept, self.anchor)

    def guess(self, state: State) -> None:
        width = self.states * self.anchor.shape[1]
        stream = state.target.buffers(state.batch).stream[: state.batch * self.states]
        linear(self.anchor, self.weight[:width], stream.view(state.batch, width), self.workspace, self.bias[:width])
        normed = state.target.run(state.cache, self.block, embedded=True, layer=self.maps.layer)
        self.unembedding.best(normed, self.ids, self.probs)


def _load(session):
    """The maps as they were read, and all of them as one weight (states * hidden, hidden) and one bias."""
    maps = firp.read(session)
    both = [torch.cat([weight.weight for weight, _ in maps.maps]),
            torch.cat([torch.from_numpy(bias) for _, bias in maps.maps])]
    return maps, *session.gpu.weights("FIRP maps", session.target.dtype, both)


STRATEGY = DeviceFirp
