"""The device's lane: sequences, their caches and a program for each shape of step; the host only follows.

Step t + 1 is launched before the results of step t are read, so the device never waits for the host's bookkeeping; a
shape that depends on results therefore uses those of step t for step t + 2. What was launched beyond the end of a
sequence changes nothing: `limits` stop it on the device.
"""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import torch

from mtpviz.engine.device.drafter import DeviceDrafter, Shape, State
from mtpviz.engine.device.graph import captured
from mtpviz.engine.device.memory import padded
from mtpviz.engine.device.program import Choice, Program, chain_block
from mtpviz.engine.device.results import MARKS
from mtpviz.engine.lane import Outcome, nodes_of
from mtpviz.engine.sampling import Sampling
from mtpviz.engine.tree import TokenTree
from mtpviz.engine.verify import Verdict
from mtpviz.kernels.device import interpreting
from mtpviz.kernels.device.commit import advance
from mtpviz.kernels.device.feed import feed
from mtpviz.kernels.device.gather import gather_last
from mtpviz.models.cpu import MAX_ROWS
from mtpviz.trace import Node, Row

if TYPE_CHECKING:
    from mtpviz.engine.session import Session


@dataclass
class _Flight:
    """A step under way: its shape, the host's arrays that its results arrive in, and how to know that they have."""

    shape: Shape
    arrays: dict[str, np.ndarray]
    done: torch.cuda.Event | None


class DeviceLane:
    """Sequences under one strategy, each at its own length. prompts: their tokens; limits: new tokens of each at most.

    graphs: whether steps are captured; without, the same launches run one by one and give the same bits.
    """

    def __init__(self, session: Session, drafter: DeviceDrafter, sampling: Sampling, prompts: list[list[int]],
                 limits: list[int], record: bool = True, graphs: bool = True):
        self.drafter, self.sampling, self.prompts, self.record, self.graphs = drafter, sampling, prompts, record, graphs
        self.target, self.clock = session.target, session.gpu.clock
        batch, device = len(prompts), self.target.device
        ends = [len(prompt) + limit - 1 for prompt, limit in zip(prompts, limits, strict=True)]
        deepest = max(shape.levels for shape in drafter.shapes)
        self.cache = self.target.new_cache(padded(max(ends) + deepest + MAX_ROWS), batch)

        def ints(values: list, dtype: torch.dtype = torch.int32) -> torch.Tensor:
            return torch.tensor(values, dtype=dtype, device=device)

        text = torch.zeros((batch, session.context + 2 * MAX_ROWS), dtype=torch.int32, device=device)
        for line, prompt in zip(text, prompts, strict=True):
            line[: len(prompt)] = ints(prompt)
        self.state = State(
            target=self.target, cache=self.cache, text=text, lengths=self.cache.lengths, limits=ints(ends),
            root=ints([0] * batch), seeds=ints([sampling.seed] * batch, torch.int64),
            order=ints([list(range(MAX_ROWS))] * batch))
        rows = max(shape.rows for shape in drafter.shapes)
        self.choice = Choice(self.state, sampling, batch * rows)
        self.programs: dict[Shape, Program] = {}
        self._flight: _Flight | None = None
        self._busy = 0.0  # seconds that the host has worked since it launched the step under way
        self.position = np.array([len(prompt) for prompt in prompts])

    def prefill(self) -> tuple[int, float]:
        """Run the prompts, MAX_ROWS rows of each at a time; the first sequence's first token."""
        start = time.perf_counter()
        self.drafter.attach(self.state, self.prompts[0])
        state, batch = self.state, self.state.batch
        lengths = torch.tensor([len(prompt) for prompt in self.prompts], dtype=torch.int32, device=state.device)
        counts = torch.zeros_like(state.root)
        longest = max(map(len, self.prompts))
        block = chain_block(state.device, batch, min(MAX_ROWS, longest), counts)
        last = torch.zeros_like(self.target.buffers(batch).normed[:batch])
        chosen = torch.zeros_like(state.root)

        def chunk() -> None:
            feed(state.text, state.lengths, lengths, block.tokens, block.parents, counts, False)
            normed = self.target.run(self.cache, block, taps=self.drafter.taps)
            gather_last(normed, state.order, counts, last)
            after = state.lengths + counts
            self.choice(last, (after - 1)[:, None], chosen)
            known = state.text.gather(1, after[:, None].long())[:, 0]  # what follows, where the prompt goes on
            follows = torch.where(after < lengths, known, chosen)
            advance(block.tokens, state.order, counts, follows, state.lengths, state.text, state.root)
            state.path, state.kept, state.chain = state.order, counts, block
            taps = self.target.buffers(batch).taps[: len(self.drafter.taps), : len(normed)]
            self.drafter.prefill(state, taps, normed)

        for _ in range(0, longest, MAX_ROWS):
            chunk()
        self.roots = state.root.tolist()
        return self.roots[0], 1000 * (time.perf_counter() - start)

    def ready(self) -> None:
        """Compile and capture the first step and launch it."""
        self._flight = self._launch()

    def advance(self) -> tuple[Shape, dict[str, np.ndarray]]:
        """Launch the next step, wait for the one under way, and give its results: the host's arrays by name."""
        flight, self._flight = self._flight, self._launch()
        start = time.perf_counter()
        if flight.done is not None:
            flight.done.synchronize()
        self.waited = time.perf_counter() - start
        return flight.shape, flight.arrays

    def _launch(self) -> _Flight:
        shape = self.drafter.shape()
        program = self.programs.get(shape) or self._program(shape)
        program.run()
        arrays = program.mailbox.send()
        done = None
        if not interpreting():
            done = torch.cuda.Event()
            done.record()
        return _Flight(shape, arrays, done)

    def _program(self, shape: Shape) -> Program:
        program = Program(shape, self.state, self.cache, self.drafter, self.choice, self.record, self.clock)
        if self.graphs:
            limits = self.state.limits.clone()
            self.state.limits.zero_()  # a step of sequences that are over changes nothing
            program.run = captured(program.launches)
            self.state.limits.copy_(limits)
        self.programs[shape] = program
        return program

    def step(self, left: int) -> Outcome:
        """The next step of the first sequence. left: the device has its own limits."""
        shape, arrays = self.advance()
        count, kept = int(arrays["counts"][0]), int(arrays["kept"][0])
        tokens, parents = arrays["tokens"][0, :count].astype(np.int64), arrays["parents"][0, :count].astype(np.int64)
        depths = np.zeros(count, np.int64)
        for row in range(1, count):
            depths[row] = depths[parents[row]] + 1
        probs = arrays["probs"][0, 1:count].copy()
        tree = TokenTree(tokens[1:], parents[1:] - 1, self.drafter.sources(depths[1:]), probs)
        path = arrays["path"][0, :kept].tolist()
        wanted = dict(enumerate(arrays["wanted"][0, :count].tolist()))
        verdict = Verdict([row - 1 for row in path[1:]], int(arrays["bonus"][0]), wanted)
        self._last = tree, verdict, arrays
        self.drafter.told(arrays)
        position = int(self.position[0])
        self.position[0] += kept
        return Outcome(position, int(tokens[0]), tree, verdict, self._times(arrays["stamps"]))

    def _times(self, stamps: np.ndarray) -> dict[str, float]:
        """Milliseconds of the phases. host: the device's gap before the step, as far as the host worked in it."""
        since = (stamps - stamps[MARKS.index("start")]) / 1e6  # subtracted as integers: floats are too coarse for dates
        at = dict(zip(MARKS, since.tolist(), strict=True))
        gap, busy = -at["before"], 1000 * self._busy
        self._busy = 0.0
        return {"draft": at["drafted"], "verify": at["verified"] - at["drafted"],
                "commit": at["committed"] - at["verified"], "host": max(0.0, min(gap, busy))}

    def describe(self, record: bool) -> tuple[list[Node], list[Row]]:
        """Of the last step, by what the device told."""
        tree, verdict, arrays = self._last
        nodes, rows = nodes_of(tree), [Row(verdict.wanted[row]) for row in range(len(tree) + 1)]
        if record and self.record:
            own = arrays["top_probs"][0, :, 0] if self.sampling.greedy else arrays["own"][0]
            for index, row in enumerate(rows):
                row.prob = float(own[index])
                row.top = list(zip(arrays["top"][0, index].tolist(), arrays["top_probs"][0, index].tolist(),
                                   strict=True))
            for node, weight in zip(nodes, arrays["weights"][0, 1 : len(rows)].tolist(), strict=True):
                node.target_prob = weight
        return nodes, rows

    def spent(self, seconds: float) -> None:
        """The host's work since the step under way was launched."""
        self._busy += seconds
