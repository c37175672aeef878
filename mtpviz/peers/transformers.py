"""transformers' own `generate` as lanes: plain, assisted by the draft model, and with prompt lookup.

Its loop runs in a thread of its own and stops at each token that it hands to its streamer until it is told to go on, so
that a race can take its steps in turn with others'. The clock of a step runs from that moment to the next hand-over.
What it drafted is taken from its candidate generator, what the target thought of it from its forward pass. What it
drafts for its pass over the prompt is not offered, so that this pass ends with the first token, and the first step pays
for the draft model's own pass over the prompt, as everywhere here.
"""

from __future__ import annotations

import functools
import queue
import threading
import time
import weakref
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np
import torch

from mtpviz.engine.drafter import Drafter
from mtpviz.engine.lane import Lane, Outcome, nodes_of
from mtpviz.engine.sampling import Sampling, softmax, top_probs
from mtpviz.engine.tree import TokenTree
from mtpviz.engine.verify import Verdict
from mtpviz.errors import UserError
from mtpviz.trace import Node, Row

if TYPE_CHECKING:
    from pathlib import Path

    from mtpviz.engine.session import Session

LOOKUP_TOKENS = 10  # transformers' own example
ALTERNATIVES = 5
PATIENCE_S = 300.0  # a pass that takes longer is taken for lost


class Peer(Drafter):
    """A lane of transformers. options: what `generate` is told beyond the length. Greedy only: its random numbers are
    not keyed by position, so that sampled lanes could not be compared."""

    peer = True

    def __init__(self, session: Session, sampling: Sampling, **settings: object):
        super().__init__(session, sampling, **settings)
        if not sampling.greedy:
            raise UserError(f"{self.title} races at temperature 0 only; leave its lane out of a sampled race.")
        self.model = _load(session.entry.folder, session.dtype_name, session.device)

    def options(self) -> dict:
        """Options of `generate`."""
        return {}

    def lane(self, tokens: list[int], limit: int, record: bool) -> Lane:
        """Its own lane, in place of the session's."""
        return GenerateLane(self, tokens, limit)


class Generate(Peer):
    """Plain greedy decoding with a KV cache."""

    name, title, blurb, order = "hf_generate", "transformers generate", "another engine: one token a pass", 100


class Assisted(Peer):
    """Assisted generation: a draft model's chain, whose length transformers adapts."""

    name, title, blurb, order = "hf_assisted", "transformers assisted", "another engine, with the draft model", 101

    def __init__(self, session: Session, sampling: Sampling, **settings: object):
        if session.entry.draft_folder is None:
            raise UserError(f"The model {session.entry.name} has no draft model beside it, so {self.title} cannot run.")
        super().__init__(session, sampling, **settings)

    def options(self) -> dict:
        """The draft model."""
        draft = self.session.entry.draft_folder
        return {"assistant_model": _load(draft, self.session.dtype_name, self.session.device)}


class Lookup(Peer):
    """Prompt lookup decoding (Saxena 2023)."""

    name, title, blurb, order = "hf_lookup", "transformers lookup", "another engine, with n-grams of the text", 102

    def options(self) -> dict:
        """The length of what is looked up."""
        return {"prompt_lookup_num_tokens": LOOKUP_TOKENS}


PEERS = (Generate, Assisted, Lookup)


class GenerateLane:
    """One call of `generate`, cut at its hand-overs (engine/lane.py)."""

    def __init__(self, peer: Peer, tokens: list[int], limit: int):
        self.peer, self.tokens, self.limit = peer, tokens, limit
        self.threads = peer.session.threads
        self.channel = _Channel(peer.session.device)
        self.position, self.root = len(tokens), -1
        weakref.finalize(self, self.channel.stop)  # a lane that nobody holds any more ends its thread

    def prefill(self) -> tuple[int, float]:
        """Start the thread and let it come to its first token."""
        ids = torch.tensor([self.tokens], device=self.peer.session.device)
        arguments = (self.peer.model, ids, self.channel, self.threads, _config(self.peer.session, self.limit),
                     self.peer.options())
        threading.Thread(target=_generate, args=arguments, name=self.peer.name, daemon=True).start()
        with _threads(self.threads):
            heard = self.channel.next()
        self.root, self.debt_s = heard.tokens[0], heard.draft_s
        return self.root, 1000 * (heard.took_s - heard.draft_s)

    def ready(self) -> None:
        """Nothing is left to do: the draft model has read the prompt."""

    def step(self, left: int) -> Outcome:
        """Let it go on to its next hand-over."""
        with _threads(self.threads):
            heard = self.channel.next()
        position, root, self.drafts = self.position, self.root, heard.drafts
        accepted, bonus = list(range(len(heard.tokens) - 1)), heard.tokens[-1]
        self.tree = TokenTree.chain(heard.drafts, heard.probs)
        self.logits = heard.logits
        self.position, self.root = position + len(heard.tokens), bonus
        rest = max(0.0, 1000 * (heard.took_s - heard.draft_s - heard.verify_s))
        draft, verify = 1000 * (heard.draft_s + self.debt_s), 1000 * heard.verify_s
        self.debt_s = 0.0
        return Outcome(position, root, self.tree, Verdict(accepted, bonus, {}),
                       {"draft": draft, "verify": verify, "commit": 0.0, "host": rest})

    def describe(self, record: bool) -> tuple[list[Node], list[Row]]:
        """The chain, and what the target thought at each of its rows."""
        nodes, rows = nodes_of(self.tree), []
        for index, logits in enumerate(self.logits):
            row = Row(int(logits.argmax()))
            if record:
                tokens, probs = top_probs(logits, ALTERNATIVES)
                dist = softmax(logits)
                row.top = [(int(token), float(prob)) for token, prob in zip(tokens, probs, strict=True)]
                row.prob = float(dist[row.token])
                if index < len(nodes):
                    nodes[index].target_prob = float(dist[nodes[index].token])
            rows.append(row)
        return nodes, rows

    def spent(self, seconds: float) -> None:
        """The thread waits meanwhile; nothing to note."""


@dataclass
class _Heard:
    """What one pass of `generate` gave. drafts, probs: the chain offered; logits: fp32 (drafts + 1, vocab)."""

    tokens: list[int]
    drafts: list[int] = field(default_factory=list)
    probs: list[float] | None = None
    logits: np.ndarray | None = None
    draft_s: float = 0.0
    verify_s: float = 0.0
    took_s: float = 0.0


class _Stopped(Exception):
    """Raised within `generate` when its lane is given up."""


class _Channel:
    """The hand-over between a race and the thread of `generate`: also the streamer, and what listens to its passes."""

    def __init__(self, device: str):
        self.device = device
        self.turns: queue.SimpleQueue = queue.SimpleQueue()  # True: go on; False: stop
        self.heard: queue.SimpleQueue = queue.SimpleQueue()  # _Heard, or the exception that ended the thread
        self.prompt, self.first, self.active = True, True, False
        self.now = _Heard([])

    def next(self) -> _Heard:
        """Let the thread go on to its next hand-over."""
        self.turns.put(True)
        try:
            heard = self.heard.get(timeout=PATIENCE_S)
        except queue.Empty:
            raise UserError(f"transformers' generate has not answered for {PATIENCE_S:.0f} s; leave its lane out.") \
                from None
        if isinstance(heard, BaseException):
            raise UserError("transformers' generate broke off; its lane cannot go on.") from heard
        return heard

    def stop(self) -> None:
        """End the thread at its next hand-over."""
        self.turns.put(False)

    def wait(self) -> None:
        """In the thread: wait for the turn."""
        self.active = False
        if not self.turns.get():
            raise _Stopped
        self.active, self.now, self.start = True, _Heard([]), time.perf_counter()

    def put(self, tokens: torch.Tensor) -> None:
        """Called by `generate` with the prompt, then with the tokens of each pass."""
        if self.prompt:
            self.prompt = False
            return
        self.now.took_s = time.perf_counter() - self.start
        self.now.tokens = tokens.flatten().tolist()
        last = self.now.logits[0, -len(self.now.drafts) - 1 :]
        self.now.logits = last.float().cpu().numpy()
        self.first = False
        self.heard.put(self.now)
        self.wait()

    def end(self) -> None:
        """Called by `generate` at its end."""

    def drafting(self, generator):
        """The candidate generator, its drafts and their time taken down."""
        draft = generator.get_candidates

        def get_candidates(ids, **more):
            start = time.perf_counter()
            found, logits = draft(ids, **more)
            self.now.draft_s += time.perf_counter() - start
            if self.first:
                return ids, None
            self.now.drafts = found[0, ids.shape[1] :].tolist()
            if logits is not None and self.now.drafts:
                probs = logits[0].float().softmax(-1)
                self.now.probs = [float(probs[i, token]) for i, token in enumerate(self.now.drafts)]
            return found, logits

        generator.get_candidates = get_candidates
        return generator


def _generate(model, ids, channel: _Channel, threads: int, config, options: dict) -> None:
    """The thread: one call of `generate`, from the first turn to the end."""
    hooks, original = [], model._get_candidate_generator

    def listen(*arguments, **more):
        model._get_candidate_generator = original
        return channel.drafting(original(*arguments, **more))

    def before(*_):
        channel.began = time.perf_counter()

    def after(_, __, out):
        if channel.active:
            channel.now.verify_s += time.perf_counter() - channel.began
            channel.now.logits = out.logits

    try:
        channel.wait()
        torch.set_num_threads(threads)
        model._get_candidate_generator = listen  # nobody else runs during this lane's turn
        hooks = [model.register_forward_pre_hook(before), model.register_forward_hook(after)]
        with torch.inference_mode():
            model.generate(ids, generation_config=config, attention_mask=torch.ones_like(ids), streamer=channel,
                           **options)
    except _Stopped:
        pass
    except BaseException as error:
        channel.heard.put(error)
    finally:
        model._get_candidate_generator = original
        for hook in hooks:
            hook.remove()


def _config(session: Session, new_tokens: int):
    from transformers import GenerationConfig

    return GenerationConfig(max_new_tokens=new_tokens, do_sample=False, use_cache=True, pad_token_id=0,
                            eos_token_id=sorted(session.stop_ids) or None)


class _threads:
    """torch's threads set for a while, then set back."""

    def __init__(self, count: int):
        self.count = max(1, count)

    def __enter__(self):
        self.before = torch.get_num_threads()
        torch.set_num_threads(self.count)

    def __exit__(self, *_):
        torch.set_num_threads(self.before)


@functools.lru_cache(maxsize=4)
def _load(folder: Path, dtype: str, device: str):
    """A model in transformers, from its folder and from nowhere else; kept, since races follow one another."""
    import transformers

    from mtpviz.engine.session import DTYPES

    transformers.logging.set_verbosity_error()
    transformers.utils.logging.disable_progress_bar()
    model = transformers.AutoModelForCausalLM.from_pretrained(folder, dtype=DTYPES[dtype], local_files_only=True,
                                                              trust_remote_code=False)
    return model.eval().to(device)
