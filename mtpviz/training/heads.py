"""Training of draft heads on a frozen target: one pass of the target feeds every head that is trained beside it."""

from __future__ import annotations

import copy
import importlib
import json
import pkgutil
import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from mtpviz.engine.drafter import Setting
from mtpviz.errors import UserError
from mtpviz.heads.folder import HeadFolder
from mtpviz.heads.formats import kind_of
from mtpviz.models.catalogue import ModelEntry
from mtpviz.training import recipes as recipes_folder
from mtpviz.training.acceptance import Acceptance, acceptance
from mtpviz.training.checkpoint import save_checkpoint
from mtpviz.training.data import TokenStream
from mtpviz.training.headfolder import write_head
from mtpviz.training.optimizer import rate_scale
from mtpviz.training.recipe import Recipe
from mtpviz.training.run import Budget
from mtpviz.training.selfdistill import MIX
from mtpviz.training.teacher import Teacher

LENGTH = 512  # of a batch's windows
ROWS = {"cpu": 4, "cuda": 48}  # of a batch: 2,048 tokens a step, or what fills a GPU
LEAST = 32  # tokens that windows have
HELD_OUT_ROWS = {"cpu": 3, "cuda": 24}  # windows a domain
RANKS = 10  # candidates of a level whose accuracy a head's folder tells, for static trees
JUDGED_DEPTH = 3  # levels of the chain whose held-out tau picks the weights
WARMUP, DECAY = 0.03, 0.5
NORM_RATE = 1e-3


def recipes() -> dict[str, type[Recipe]]:
    """The recipes by name: the class that each module in training/recipes/ marks with `RECIPE`."""
    names = [entry.name for entry in pkgutil.iter_modules(recipes_folder.__path__)]
    found = [importlib.import_module(f"{recipes_folder.__name__}.{name}").RECIPE for name in names]
    return {recipe.name: recipe for recipe in found}


def pick_recipe(spec: str) -> tuple[type[Recipe], dict[str, object]]:
    """The recipe and its options of "name" or "name:option=value:..."; UserError lists what is known. Every recipe has
    the option `rate`, its peak learning rate."""
    (name, *pairs), known = spec.split(":"), recipes()
    if name not in known:
        raise UserError(f"There is no head {name!r} to train; the known ones are {', '.join(known)}.")
    possible = {**known[name].options, "rate": Setting(known[name].rate, "peak learning rate", 1e-6, 1.0)}
    options = {}
    for key, _, value in (pair.partition("=") for pair in pairs):
        if key not in possible:
            raise UserError(f"{spec!r} is no head to train; options of {name} are {', '.join(possible)}.")
        options[key] = possible[key].read(key, value)
    return known[name], options


@dataclass
class HeadRun:
    """One head on its way. best: the weights of the highest held-out tau so far. history: plain records. before: steps
    and tokens that it was trained for before this run."""

    recipe: Recipe
    optimizer: torch.optim.Optimizer
    best: dict[str, Tensor]
    best_tau: float
    history: list[dict]
    before: tuple[int, int] = (0, 0)

    def start_from(self, folder: Path, teacher: Teacher) -> None:
        """Go on from a head on disk, with a fresh optimizer. UserError for a damaged one and for another target's."""
        stored = HeadFolder(folder, teacher.weights)
        self.recipe.take_over(stored)
        stored.drop("embed_tokens.weight")
        stored.finish()
        self.best = copy.deepcopy(self.recipe.module.state_dict())
        self.history = list(stored.described.get("history", []))
        steps = self.history[-1]["step"] if self.history else 0
        self.before = steps, stored.number("trained_tokens", 0, low=0)

    def step(self, loss: Tensor, scale: float) -> None:
        """One update at `scale` times the peak rates."""
        loss.backward()
        parameters = [p for group in self.optimizer.param_groups for p in group["params"]]
        torch.nn.utils.clip_grad_norm_(parameters, 1.0)
        for group in self.optimizer.param_groups:
            group["lr"] = scale * group["peak"]
        self.optimizer.step()
        self.optimizer.zero_grad(set_to_none=True)


def new_head(recipe: Recipe, device: torch.device) -> HeadRun:
    """A head at step 0, with AdamW (0.9, 0.95) as in the papers."""
    recipe.module.to(device)
    parameters = list(recipe.module.parameters())
    groups = [{"params": [p for p in parameters if p.ndim > 1], "peak": recipe.rate},
              {"params": [p for p in parameters if p.ndim == 1], "peak": NORM_RATE}]
    optimizer = torch.optim.AdamW([group for group in groups if group["params"]], betas=(0.9, 0.95), weight_decay=0.0)
    return HeadRun(recipe, optimizer, copy.deepcopy(recipe.module.state_dict()), 0.0, [])


class HeadTraining:
    """Trains the heads `names` of a target side by side; "firp:depth=0.25" gives a recipe an option.

    texts, held_out: token arrays by domain that the target wrote (training/selfdistill.py), the latter greedily and
    from other prompts. out: folder for the heads, log.jsonl and checkpoint.pt. start: folders of heads to go on from.
    Raises UserError for an unknown head and for a folder that cannot be written.
    """

    def __init__(self, names: Iterable[str], entry: ModelEntry, texts: Mapping[str, np.ndarray],
                 held_out: Mapping[str, np.ndarray], out: Path, *, device: str = "cpu",
                 dtype: torch.dtype = torch.bfloat16, seed: int = 0, start: Iterable[Path] = ()):
        chosen = {name: pick_recipe(name) for name in names}
        torch.manual_seed(seed)
        self.teacher, self.out, self.seed = Teacher(entry, device, dtype), out, seed
        mix = {domain: share for domain, share in MIX.items() if domain in texts}
        self.stream = TokenStream(texts, mix)
        self.length = min(LENGTH, self.teacher.config.context, *(len(array) // 2 for array in texts.values()))
        if self.length < LEAST:
            raise UserError(f"The texts are too short to train on; {2 * LEAST} tokens of each domain are the least.")
        self.rows, judged = ROWS[device], HELD_OUT_ROWS[device]
        self.windows = {domain: _windows(array, self.length, judged) for domain, array in held_out.items()}
        counts = sum(np.bincount(array, minlength=self.teacher.config.vocab) for array in texts.values())
        self.heads = {}
        for name, (kind, options) in chosen.items():
            rate = options.pop("rate", kind.rate)
            recipe = kind(self.teacher, counts, **options)
            recipe.rate = rate
            self.heads[name] = new_head(recipe, self.teacher.device)
        for folder in start:
            self._start_from(folder)
        self.step = self.tokens = 0
        self.seconds = 0.0

    def run(self, budget: Budget, checkpoint_minutes: float = 4.0,
            report: Callable[[str], None] = lambda line: None,
            ends: float = float("inf")) -> dict[str, dict[str, Acceptance]] | None:
        """Train until `budget` is used, or until the monotonic clock reads `ends`, which leaves a checkpoint to go on
        from and returns None; judges the heads untrained, after one step, at every checkpoint and at the end,
        and writes those of the highest held-out tau. report: gets a line of progress now and then. What the written
        heads reach, by name and domain."""
        saved = time.monotonic()
        started = saved - self.seconds
        with self._open_log() as log:
            while (progress := budget.progress(self.seconds, self.tokens)) < 1.0 and time.monotonic() < ends:
                if self.step in (0, 1):
                    report(self._judge(log))
                losses = self._step(rate_scale(progress, WARMUP, DECAY))
                self.seconds = time.monotonic() - started
                if self.step % 10 == 0:
                    losses = {name: round(loss.item(), 4) for name, loss in losses.items()}  # waits for the device
                    left = (1 / max(progress, 1e-6) - 1) * self.seconds / 60
                    rate = self.tokens / self.seconds
                    _write(log, {"step": self.step, "tokens": self.tokens, "loss": losses,
                                 "tokens_per_s": round(rate), "minutes_left": round(left, 1)})
                    told = ", ".join(f"{name} {loss:.3f}" for name, loss in losses.items())
                    report(f"step {self.step}, {self.tokens:,} tokens, {rate:.0f} tokens/s, {left:.1f} minutes left; "
                           f"loss {told}")
                if time.monotonic() - saved > 60 * checkpoint_minutes:
                    report(self._judge(log))
                    save_checkpoint(self.out, self.state_dict())
                    saved = time.monotonic()
            report(self._judge(log))
        save_checkpoint(self.out, self.state_dict())
        return self.write() if progress >= 1.0 else None

    def write(self) -> dict[str, dict[str, Acceptance]]:
        """Write every head with its best weights and what they reach, which is returned by name and domain."""
        for head in self.heads.values():
            head.recipe.module.load_state_dict(head.best)
        heads = {name: head.recipe for name, head in self.heads.items()}
        judged = acceptance(heads, self.teacher, self.windows, RANKS)
        for name, head in self.heads.items():
            folder = self.out / name.replace(":", "-")
            write_head(folder, head.recipe, self.teacher, judged[name], head.history, head.before[1] + self.tokens)
        return judged

    def _start_from(self, folder: Path) -> None:
        kind = kind_of(folder)
        heads = [head for head in self.heads.values() if head.recipe.name == kind]
        for head in heads:
            head.start_from(folder, self.teacher)
        if not heads:
            raise UserError(f"{folder} holds {f'a head of {kind}' if kind else 'no draft head'}; a head of "
                            f"{' or '.join(head.recipe.name for head in self.heads.values())} could be gone on from.")

    def _open_log(self):
        try:
            self.out.mkdir(parents=True, exist_ok=True)
            return open(self.out / "log.jsonl", "a", encoding="utf-8")
        except OSError as error:
            raise UserError(f"Cannot write to {self.out}: {error.strerror}.") from None

    def _step(self, scale: float) -> dict[str, Tensor]:
        generator = torch.Generator().manual_seed(self.seed * 1_000_003 + self.step)
        batch = self.teacher.batch(self.stream.batch(self.rows, self.length, 0))
        losses = {}
        for name, head in self.heads.items():
            with torch.autocast(self.teacher.device.type, self.teacher.dtype,
                                enabled=self.teacher.dtype != torch.float32):
                loss = head.recipe.loss(self.teacher, batch, generator)
            head.step(loss, scale)
            losses[name] = loss.detach()
        self.step += 1
        self.tokens += self.rows * self.length
        return losses

    def _judge(self, log) -> str:
        """Judge every head and remember the best; in words, what they reach."""
        judged = acceptance({name: head.recipe for name, head in self.heads.items()}, self.teacher, self.windows)
        for name, head in self.heads.items():
            tau = judged[name]["all"].tau(JUDGED_DEPTH)
            steps, tokens = head.before
            head.history.append({"step": steps + self.step, "tokens": tokens + self.tokens, "tau": round(tau, 4)})
            _write(log, {"head": name, **head.history[-1],
                         "by_domain": {domain: round(found.tau(JUDGED_DEPTH), 3)
                                       for domain, found in judged[name].items()}})
            if tau > head.best_tau:
                head.best, head.best_tau = copy.deepcopy(head.recipe.module.state_dict()), tau
        return f"held-out tau of a chain of {JUDGED_DEPTH}: " + ", ".join(
            f"{name} {head.history[-1]['tau']:.3f}" for name, head in self.heads.items())

    def state_dict(self) -> dict:
        """Plain data and tensors; `load_state_dict` of an equal training continues from here."""
        return {"preset": ",".join(self.heads), "stream": self.stream.state,
                "counters": {"step": self.step, "tokens": self.tokens, "seconds": self.seconds, "seed": self.seed},
                "heads": {name: {"module": head.recipe.module.state_dict(), "optimizer": head.optimizer.state_dict(),
                                 "best": head.best, "best_tau": head.best_tau, "history": head.history,
                                 "before": head.before}
                          for name, head in self.heads.items()}}

    def load_state_dict(self, state: dict) -> None:
        """Restore what `state_dict` gave."""
        self.stream.state = state["stream"]
        for name, value in state["counters"].items():
            setattr(self, name, value)
        for name, kept in state["heads"].items():
            head = self.heads[name]
            head.recipe.module.load_state_dict(kept["module"])
            head.optimizer.load_state_dict(kept["optimizer"])
            head.best, head.best_tau, head.history = kept["best"], kept["best_tau"], kept["history"]
            head.before = tuple(kept["before"])


def _windows(array: np.ndarray, length: int, most: int) -> Tensor:
    """The first `most` windows of a held-out text; UserError where it is too short to judge any head on."""
    if len(array) < LEAST:
        raise UserError(f"A held-out text has {len(array)} tokens; heads are judged on {LEAST} at least.")
    rows = max(1, min(most, len(array) // length))
    return torch.from_numpy(array[: rows * length].astype(np.int64)).view(rows, -1)


def _write(log, record: dict) -> None:
    log.write(json.dumps({"time": time.strftime("%H:%M:%S"), **record}) + "\n")
    log.flush()
