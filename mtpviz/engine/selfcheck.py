"""The self-check of design contract one on this machine: a node's logits are the same bits in every pass.

By construction no sum depends on the other rows of a pass nor on the slots of the ancestors (kernels/linear.py,
kernels/attention.py). A compiler or a CPU could still break that, so it is checked: every node of a block against
the plain pass over its path, one row at a time. A few seconds at most; `doctor` prints the result.
"""

from __future__ import annotations

import time

import numpy as np

from mtpviz.models.cpu import MAX_ROWS, Cache, CpuModel

_SIZES = (1, 2, 3, 4, 5, 7, 8, 9, 13, 16, 17, 24, 31, 32, 33, 48, 63, 64)


def invariance(model: CpuModel, seed: int = 0) -> dict:
    """Compare logits bitwise on random tokens.

    rows: chains of 1 to 64 rows. layouts: random trees of 1 to 64 rows, whose ancestors lie in scattered slots, also
    drafted level by level. compaction: after a scattered path was committed, the cache itself and a tree on top.
    invariant: all three. nodes: how many nodes were compared; differing: how many of them differed. seconds: it took.
    """
    check = _Check(model, np.random.default_rng(seed))
    start = time.perf_counter()
    found = {"rows": check.chains(), "layouts": check.trees(), "compaction": check.compaction()}
    return found | {"invariant": all(found.values()), "nodes": check.nodes, "differing": check.differing,
                    "seconds": time.perf_counter() - start}


class _Check:
    def __init__(self, model: CpuModel, random: np.random.Generator):
        self.model, self.random = model, random
        self.most = min(MAX_ROWS, model.config.context // 4)
        self.prefix = min(77, model.config.context - 3 * self.most)  # crosses blocks of keys and ends inside one
        self.nodes = self.differing = 0
        self.prompt = self._tokens(self.prefix)

    def chains(self) -> bool:
        """Whether the first n rows of a chain give the bits of n plain passes, for n = 1 to 64."""
        tokens, parents = self._tokens(self.most), np.arange(-1, self.most - 1)
        return self._blocks(self._committed(), tokens, parents)

    def trees(self) -> bool:
        """Whether random trees do, in one pass and in one pass a level."""
        tokens, parents = self._tokens(self.most), self._random_parents(self.most)
        cache = self._committed()
        same = self._blocks(cache, tokens, parents)
        plain = self._plain(self._committed(), tokens, parents)
        return self._levels(cache, tokens, parents, plain) and same

    def compaction(self) -> bool:
        """Whether a cache that has committed a scattered path is the cache that was fed plainly, to the bit."""
        tokens, parents = self._tokens(self.most), self._random_parents(self.most)
        depths = _depths(parents)
        path = _path(parents, int(depths.argmax()))
        cache = self._committed()
        self._forward(cache, tokens, parents)
        self.model.keep(cache, path)
        plain = self._committed()
        for token in tokens[path]:
            self._forward(plain, np.array([token]), np.array([-1]))
            self.model.keep(plain, np.array([0]))
        same = cache.length == plain.length and _equal_caches(cache, plain)
        tokens, parents = self._tokens(self.most), self._random_parents(self.most)
        return self._blocks(cache, tokens, parents, self._plain(plain, tokens, parents), sizes=(self.most,)) and same

    def _blocks(self, cache: Cache, tokens, parents, plain=None, sizes=_SIZES) -> bool:
        """Whether the first n rows of a block give the plain passes' bits, for each of `sizes`."""
        plain = self._plain(self._committed(), tokens, parents) if plain is None else plain
        results = [self._compare(self._forward(cache, tokens[:rows], parents[:rows]), plain[:rows])
                   for rows in sizes if rows <= self.most]
        last = self._forward(cache, tokens, parents, head_rows=1)
        return all([*results, self._compare(last, plain[-1:])])

    def _levels(self, cache: Cache, tokens, parents, plain: np.ndarray) -> bool:
        """The block drafted level by level: each pass takes the rows of one depth, which hang on earlier passes'."""
        order = np.argsort(_depths(parents), kind="stable")
        place = {int(old): new for new, old in enumerate(order)} | {-1: -1}
        block = np.array([place[int(parents[old])] for old in order])
        depths, done, same = _depths(block), 0, True
        while done < len(order):
            upto = int(np.searchsorted(depths, depths[done], side="right"))
            out = self.model.forward(cache, tokens[order[done:upto]], block[:upto],
                                     cache.length + depths[done:upto])
            same = self._compare(out.logits, plain[order[done:upto]]) and same
            done = upto
        return same

    def _plain(self, cache: Cache, tokens, parents) -> np.ndarray:
        """Logits of every node from passes of one row over its path; the cache's length is put back."""
        base, depths = cache.length, _depths(parents)
        children: dict[int, list[int]] = {}
        for node, parent in enumerate(parents.tolist()):
            children.setdefault(parent, []).append(node)
        logits = np.empty((len(tokens), self.model.config.vocab), np.float32)
        stack = children[-1][::-1]
        while stack:  # depth first: a node's ancestors are then what lies in the slots below its own
            node = stack.pop()
            cache.length = base + int(depths[node])
            logits[node] = self._forward(cache, tokens[node : node + 1], np.array([-1]))[0]
            stack += children.get(node, [])[::-1]
        cache.length = base
        return logits

    def _committed(self) -> Cache:
        """A cache that holds the prompt."""
        cache = self.model.new_cache(self.prefix + 2 * self.most)
        for first in range(0, self.prefix, MAX_ROWS):
            chunk = self.prompt[first : first + MAX_ROWS]
            self._forward(cache, chunk, np.arange(-1, len(chunk) - 1), head_rows=0)
            self.model.keep(cache, np.arange(len(chunk)))
        return cache

    def _forward(self, cache: Cache, tokens, parents, head_rows: int | None = None) -> np.ndarray:
        return self.model.forward(cache, tokens, parents, cache.length + _depths(parents), head_rows=head_rows).logits

    def _compare(self, found: np.ndarray, plain: np.ndarray) -> bool:
        differ = (found.view(np.uint32) != plain.view(np.uint32)).any(1)
        self.nodes += len(differ)
        self.differing += int(differ.sum())
        return not differ.any()

    def _tokens(self, count: int) -> np.ndarray:
        return self.random.integers(0, self.model.config.vocab, count)

    def _random_parents(self, count: int) -> np.ndarray:
        """A tree that is both deep and wide: half of the nodes hang on one of the four before them."""
        low = [max(-1, i - 4) if self.random.random() < 0.5 else -1 for i in range(count)]
        return np.array([self.random.integers(at, i) for i, at in enumerate(low)])


def _depths(parents: np.ndarray) -> np.ndarray:
    """Levels below the last committed token, from 0."""
    depths = np.zeros(len(parents), np.int64)
    for i, parent in enumerate(parents):
        depths[i] = 0 if parent < 0 else depths[parent] + 1
    return depths


def _path(parents: np.ndarray, node: int) -> np.ndarray:
    nodes = []
    while node >= 0:
        nodes.append(node)
        node = int(parents[node])
    return np.array(nodes[::-1])


def _equal_caches(a: Cache, b: Cache) -> bool:
    """Whether the committed keys and values are the same bits."""
    return all(np.array_equal(x.view(np.uint32), y.view(np.uint32))
               for x, y in zip(a.committed(), b.committed(), strict=True))
