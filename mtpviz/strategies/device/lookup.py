"""N-gram lookup on a device: kernels/device/lookup.py finds the match in the text that lies there."""

from __future__ import annotations

from mtpviz.engine.device.drafter import DeviceDrafter, Shape, State
from mtpviz.engine.device.program import Program
from mtpviz.engine.sampling import Sampling
from mtpviz.kernels.device.lookup import lookup
from mtpviz.strategies.device._auto import Auto
from mtpviz.strategies.lookup import MAX_NODES, Lookup
from mtpviz.trace import Step


class DeviceLookup(DeviceDrafter):
    """nodes = 0 chooses among a few lengths by how far matches have gone on right so far."""

    name, title, blurb, order, settings = Lookup.name, Lookup.title, Lookup.blurb, Lookup.order, Lookup.settings
    reads = ("match",)

    def __init__(self, session, sampling: Sampling, **settings):
        super().__init__(session, sampling, **settings)
        nodes = self.chosen["nodes"]
        self.shapes = [Shape(count, count) for count in ([nodes] if nodes else (3, 7, MAX_NODES))]
        self.auto = None if nodes else Auto(self.shapes, session.pass_cost, free=True)

    def shape(self) -> Shape:
        return self.auto.choose() if self.auto else self.shapes[0]

    def draft(self, state: State, program: Program) -> None:
        block = program.block
        lookup(state.text, state.lengths, block.tokens, block.parents, block.counts, program.results.match,
               self.chosen["ngram"], program.shape.nodes)

    def told(self, results: dict) -> None:
        if match := int(results["match"][0]):
            self.notes = {"match": match}

    def observe(self, step: Step) -> None:
        if self.auto:
            self.auto.observe(step)


STRATEGY = DeviceLookup
