"""Multi-token prediction: the target's own extra heads draft in the verify pass (Gloeckle et al. 2024, section 3.2).

The heads read what the verify pass left at the last accepted row, so a draft costs one layer and one row of the
unembedding per head. They do not know each other's choice: the candidates of a level are the same below every parent.
"""

from __future__ import annotations

import time
from dataclasses import replace

import numpy as np

from mtpviz.engine.budget import Budget
from mtpviz.engine.drafter import Drafter, Features, Setting
from mtpviz.engine.grow import AUTO_WIDTH, Pool, auto, chain, dynamic, promised
from mtpviz.engine.sampling import Sampling, top_probs
from mtpviz.engine.tree import TokenTree
from mtpviz.errors import UserError
from mtpviz.heads import mtp
from mtpviz.models.cpu import MAX_ROWS, CpuModel
from mtpviz.models.weights import Weights
from mtpviz.strategies import _vocabulary
from mtpviz.strategies._vocabulary import Head
from mtpviz.trace import Step

MAX_NODES = 48
_KEPT = "mtp heads"  # name of the heads among a session's parts


class Mtp(Drafter):
    """Every head is a layer with a cache of its own over all committed positions."""

    name = "mtp"
    title = "MTP heads"
    blurb = "the model's own extra heads guess ahead"
    order = 30
    reads_features = True
    settings = {
        "tree": Setting("auto", "shape of the draft", choices=("auto", "chain", "dynamic")),
        "heads": Setting(0, "how many of the heads draft; 0 is all", 0, 16),
        "width": Setting(3, "of the dynamic tree: children of a node", 1, 16),
        "nodes": Setting(15, "of the dynamic tree: nodes kept", 1, MAX_NODES),
        "vocab": _vocabulary.SETTING,
    }

    def __init__(self, session, sampling: Sampling, **settings):
        super().__init__(session, sampling, **settings)
        models, self.head = session.part(_KEPT, _load)
        self.taps = (session.config.layers - 1,)
        wanted = self.chosen["heads"] or len(models)
        if wanted > len(models):
            raise UserError(f"The model has {len(models)} extra heads, so {wanted} cannot draft.")
        self.models = models[:wanted]
        slots = session.context + MAX_ROWS
        self.caches = [model.new_cache(slots) for model in self.models]
        self.pending = np.zeros((0, session.config.hidden), np.float32)  # trunk rows that no head has seen
        self.budget = Budget(session.pass_cost)

    def prefill(self, tokens: np.ndarray, features: Features) -> None:
        target, unembedding = self.session.target, self.session.weights.head
        self.unembedding = Head(self.session, target, unembedding, "target head", self.chosen["vocab"], tokens)
        self.chosen |= {"vocab": self.unembedding.name, "vocab_size": self.unembedding.size}
        self.pending = features.taps[0]

    def commit(self, tokens: np.ndarray, accepted: list[int], features: Features) -> None:
        self.pending = features.taps[0].copy()

    def draft(self, root: int, position: int, depth: int) -> TokenTree:
        start = time.perf_counter()
        shape = self.chosen["tree"]
        branches = {"auto": AUTO_WIDTH, "chain": 1, "dynamic": self.chosen["width"]}[shape]
        normed = np.stack([self._last_row(model, cache) for model, cache in zip(self.models, self.caches, strict=True)])
        logits = self.session.target.unembed(normed, self.unembedding.panels, self.unembedding.size)
        levels = []
        for row in logits:
            tokens, probs = top_probs(row, branches)
            levels.append((self.unembedding.to_ids(tokens), probs))
        self.budget.observe_draft(1000 * (time.perf_counter() - start))
        depth = min(depth, len(levels))
        pool = Pool(lambda pool, nodes: [levels[pool.depths[node]] for node in nodes])
        if depth < 1:
            return TokenTree()
        if shape == "chain":
            return pool.tree(chain(pool, levels[0], depth))
        if shape == "dynamic":
            return pool.tree(dynamic(pool, levels[0], depth, self.chosen["width"], self.chosen["nodes"]))
        return pool.tree(auto(pool, levels[0], depth, MAX_NODES, self.budget, free=True))

    def _last_row(self, model: CpuModel, cache) -> np.ndarray:
        """Take the pending trunk rows into one head's cache; its normed output at the last of them, fp32 (hidden,)."""
        for first in range(0, len(self.pending), MAX_ROWS):
            rows = self.pending[first : first + MAX_ROWS]
            count = np.arange(len(rows))
            model.stream[: len(rows), : rows.shape[1]] = rows
            out = model.run(cache, len(rows), count - 1, cache.length + count, 0, head_rows=0)
            model.keep(cache, count)
        return out.normed[-1].copy()

    def observe(self, step: Step) -> None:
        self.budget.observe(len(step.accepted) + 1, sum(step.time_ms.values()), promised(step), len(step.accepted))


def _load(session) -> tuple[list[CpuModel], dict]:
    """The heads of a session's target as one-layer models that share its unembedding, and what they are."""
    folder = session.entry.heads.get("mtp")
    if folder is None:
        raise UserError(f"The model {session.entry.name} has no multi-token prediction heads; choose another strategy.")
    target, heads = session.target, mtp.load(folder, session.config, session.weights)
    config = replace(session.config, layers=1)
    models = []
    for layer in heads.layers:
        weights = Weights(session.weights.embed, [layer], session.weights.norm, session.weights.head)
        models.append(CpuModel(config, weights, target.dtype, head=target.packed.head))
        session.adopt(models[-1])
    return models, {"name": "mtp", "hash": heads.hash, "parameters": heads.parameters}


STRATEGY = Mtp
