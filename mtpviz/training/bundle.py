"""Everything that is bundled, from the corpus to the model folders, in calls of a few minutes each.

A plan of parts, each of which ends with files in one folder, `state`: a call goes on where the last one stopped and
ends in time, so that a machine that is lent by the quarter of an hour can do all of it.

    state/cache      token arrays of the corpus           state/target     pretraining's checkpoint and log
    state/held-out   greedy texts from unseen openings    state/texts      texts that the heads learn from
    state/draft      the draft's checkpoint and log       state/heads      the heads' checkpoint, log and curves
    state/models     what is bundled: target, draft, heads/*, vocabulary
"""

from __future__ import annotations

import shutil
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import torch
from tokenizers import Tokenizer

from mtpviz.models.catalogue import ModelEntry
from mtpviz.training.answers import write_answers
from mtpviz.training.checkpoint import NAME, load_checkpoint
from mtpviz.training.corpus import DOMAINS
from mtpviz.training.data import HELD_OUT_LENGTH, HELD_OUT_ROWS, TokenStream, held_out_windows, load_all
from mtpviz.training.distill import distill_step
from mtpviz.training.export import export_run
from mtpviz.training.heads import HeadTraining, recipes
from mtpviz.training.presets import Preset
from mtpviz.training.pretrain import compile_layers, pretrain_step, train
from mtpviz.training.run import Budget, Run, new_run
from mtpviz.training.selfdistill import GREEDY_SHARE, MIX, read_texts
from mtpviz.training.spectral import start_embedding
from mtpviz.training.teacher import Teacher
from mtpviz.training.tokenizer import END_OF_TEXT
from mtpviz.training.vocabulary import forced_ids, write_maps


@dataclass
class Plan:
    """What is to be made, and by when this call must be over. target, draft, heads: the budgets of their trainings.
    texts, held_out: tokens that the target writes. record: see export.export_run. ends: by the monotonic clock."""

    preset: Preset
    tokenizer: Tokenizer
    corpus: Path
    state: Path
    target: Budget
    draft: Budget
    heads: Budget
    texts: int
    held_out: int
    record: Mapping[str, str]
    device: str
    dtype: torch.dtype
    compiled: bool
    ends: float
    report: Callable[[str], None]
    arrays: dict[str, dict[str, np.ndarray]] = field(default_factory=dict)

    def go(self) -> bool:
        """Carry on with what is not done; whether all of it is."""
        parts = {"target": self._target, "texts": self._texts, "draft": self._draft, "heads": self._heads,
                 "vocabulary": self._vocabulary}
        for name, part in parts.items():
            started = time.monotonic()
            done = part()
            took = time.monotonic() - started
            self.report(f"{name}: {'done' if done else 'to be continued'}, {took:.0f} s of this call")
            if not done:
                return False
        return True

    @property
    def models(self) -> Path:
        """The folder of what is bundled."""
        return self.state / "models"

    def tokens(self, split: str) -> dict[str, np.ndarray]:
        """The corpus' token arrays by domain."""
        if split not in self.arrays:
            self.arrays[split] = load_all(self.corpus, self.state / "cache", self.tokenizer, DOMAINS, split)
        return self.arrays[split]

    def _target(self) -> bool:
        if (self.models / "target").is_dir():
            return True
        arrays = {name: self.tokens("train")[name] for name in self.preset.mix}
        run = new_run(self.preset, TokenStream(arrays, self.preset.mix), device=self.device, dtype=self.dtype)
        if not self._resumed(run, "target"):
            for model in (run.target, run.draft):
                start_embedding(model, arrays, self.preset.mix)
        if not self._train(run, pretrain_step, self.target, "target"):
            return False
        self._export(run.state_dict())
        return True

    def _texts(self) -> bool:
        wanted = (("held-out", "val", self.held_out, 1.0), ("texts", "train", self.texts, GREEDY_SHARE))
        sizes = [sum(file.stat().st_size for file in (self.state / name).glob("*.bin")) // 2 for name, *_ in wanted]
        if all(size >= tokens for size, (_, _, tokens, _) in zip(sizes, wanted, strict=True)):
            return True
        teacher = Teacher(self._entry(), self.device, self.dtype)
        stop = self.tokenizer.token_to_id(END_OF_TEXT)
        return all(write_answers(teacher, self.tokens(split), stop, split, self.state / name, tokens,
                                 greedy_share=greedy, ends=self.ends, report=self.report)
                   for name, split, tokens, greedy in wanted)

    def _draft(self) -> bool:
        """The draft learnt the corpus beside the target; here it learns what the finished target writes."""
        if (self.state / "draft" / "done").is_file():
            return True
        joint = load_checkpoint(self.state / "target", self.preset.name)
        run = new_run(self.preset, TokenStream(read_texts(self.state / "texts"), MIX), device=self.device,
                      dtype=self.dtype)
        run.draft.load_state_dict(joint["draft"])
        self._resumed(run, "draft")
        run.target.load_state_dict(joint["target"])
        run.target.requires_grad_(False)
        before = joint["history"][-1]["held_out_draft"]
        if not self._train(run, distill_step, self.draft, "draft"):
            return False
        joint["draft"] = run.draft.state_dict()
        joint["history"][-1] |= {"held_out_draft": run.history[-1]["held_out_draft"], "held_out_draft_before": before,
                                 "draft_texts": run.tokens}
        self._export(joint)
        (self.state / "draft" / "done").touch()
        return True

    def _heads(self) -> bool:
        out = self.state / "heads"
        if all((self.models / "heads" / name).is_dir() for name in recipes()):
            return True
        training = HeadTraining(recipes(), self._entry(), read_texts(self.state / "texts"),
                                read_texts(self.state / "held-out"), out, device=self.device, dtype=self.dtype)
        if (out / NAME).is_file():
            training.load_state_dict(load_checkpoint(out, ",".join(recipes())))
        judged = training.run(self.heads, 0.5, self.report, self.ends)
        if judged is None:
            return False
        for name in judged:
            shutil.copytree(out / name, self.models / "heads" / name, dirs_exist_ok=True)
        for name, found in judged.items():
            self.report(f"{name}: held-out tau of a chain of 3 {found['all'].tau(3):.3f}")
        return True

    def _vocabulary(self) -> bool:
        out = self.models / "vocabulary"
        if not out.is_dir():
            out.mkdir()
            write_maps(read_texts(self.state / "texts"), read_texts(self.state / "held-out"),
                       self.tokenizer.get_vocab_size(), forced_ids(self.tokenizer), out, "the target's own texts")
        return True

    def _entry(self) -> ModelEntry:
        return ModelEntry(f"mtpviz-{self.preset.name}", self.models / "target")

    def _resumed(self, run: Run, part: str) -> bool:
        """Whether the run goes on from a checkpoint of its part."""
        if not (self.state / part / NAME).is_file():
            return False
        run.load_state_dict(load_checkpoint(self.state / part, self.preset.name))
        self.report(f"{part}: goes on at step {run.step}, after {run.tokens:,} tokens")
        return True

    def _train(self, run: Run, step: Callable, budget: Budget, part: str) -> bool:
        if self.compiled:
            compile_layers(run, self.report)
        length = min(HELD_OUT_LENGTH, self.preset.target.context)
        windows = held_out_windows(self.corpus, self.state / "cache", self.tokenizer, rows=HELD_OUT_ROWS,
                                   length=length, extra=run.target.num_heads)
        (self.state / part).mkdir(parents=True, exist_ok=True)
        return train(run, step, budget, self.state / part, validation=windows, ends=self.ends, report=self.report)

    def _export(self, state: dict) -> None:
        export_run(state, self.tokenizer, self.models, dict(self.record))
