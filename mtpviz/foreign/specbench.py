"""Spec-Bench's answer files (Xia et al. 2024, evaluation/eval.py): a JSON line for each question with, for each choice,
"turns" (texts), "new_tokens" and "wall_time" (seconds) of each turn, and "accept_lengths": the tokens that each pass
wrote, the target's own one included. EAGLE's and Medusa's benchmarks write the same form; without "accept_lengths" no
passes are told.
"""

from __future__ import annotations

import datetime
import math

from mtpviz.foreign._lane import Pass, Token, lane, whole
from mtpviz.trace import Run, Trace

NAME = "a Spec-Bench answer file"
MANY = 24
TOKENS = ("Spec-Bench's file tells how many tokens each pass wrote, but neither which nor how many were drafted: "
          "? stands for a token, and rejected drafts cannot be shown.")
TIMES = "It tells the time of a whole answer, prompt and all: its passes share it evenly."


def read(records: list[dict]) -> list[Trace] | None:
    """A lane for the first question of each category, all its turns one after another. None where these are no such
    answers."""
    if not all("question_id" in record and "choices" in record for record in records):
        return None
    answers = [(record, record["choices"][0]) for record in records]
    if not all("accept_lengths" in choice for _, choice in answers):
        raise ValueError("it has no accept_lengths, so no passes are told")
    first: dict[str, tuple[dict, dict]] = {}
    for record, choice in answers:
        first.setdefault(str(record.get("category", "")), (record, choice))
    said = [TOKENS, TIMES, _whole_file([choice for _, choice in answers], len(first))]
    return [_lane(record, choice, category, said) for category, (record, choice) in list(first.items())[:MANY]]


def _whole_file(choices: list[dict], categories: int) -> str:
    """The benchmark's own two figures, over every question of the file."""
    lengths = [length for choice in choices for length in _lengths(choice)]
    rates = [sum(choice["new_tokens"]) / _seconds(choice) for choice in choices]
    tau = sum(lengths) / max(1, len(lengths))
    return (f"The file holds {len(choices)} questions in {categories} categories, and the first of each is shown. "
            f"Over all of them: {tau:.2f} tokens per pass, {sum(rates) / len(rates):.1f} tokens/s.")


def _lane(record: dict, choice: dict, category: str, said: list[str]) -> Trace:
    lengths, stamp = _lengths(choice), record.get("tstamp")
    date = datetime.datetime.fromtimestamp(float(stamp), datetime.UTC).isoformat(timespec="seconds") if stamp else ""
    run = Run(strategy="specbench", title=f"{category} {record['question_id']}".strip(), settings={}, head=None,
              model={"name": str(record.get("model_id", "")), "hash": "", "parameters": 0}, prompt="",
              prompt_tokens=[], sampling={}, seed=0, max_new_tokens=max(1, sum(lengths)), device="",
              hardware="Spec-Bench", dtype="", threads=0, versions={}, date=date, recorded=True, peer=True)
    return lane(run, [Pass(length - 1, None) for length in lengths if length], [Token()] * sum(lengths),
                1000 * _seconds(choice), {"reason": "stop", "untold": said})


def _lengths(choice: dict) -> list[int]:
    return [whole(length, "an accepted length") for length in choice["accept_lengths"]]


def _seconds(choice: dict) -> float:
    seconds = float(sum(choice["wall_time"]))
    if not math.isfinite(seconds) or seconds <= 0:
        raise ValueError(f"the wall time of an answer is {seconds}")
    return seconds
