"""What a visitor asks for: read from what the browser or a client sent, and held against the limits."""

from __future__ import annotations

import math
import re
import secrets
from collections.abc import Mapping
from dataclasses import dataclass

from mtpviz.limits import LIMITS
from mtpviz.strings import Refusal
from mtpviz.ui.runs import MAX_ID

NUMBERS = {"temperature": 0.0, "top_p": 1.0, "min_p": 0.0}
WHOLE = {"max_new_tokens": 96, "top_k": 0, "seed": 0}


@dataclass(frozen=True)
class Order:
    """One race as asked for. run: the id that the browser drew for it."""

    run: str
    prompt: str
    strategies: tuple[str, ...]
    max_new_tokens: int
    temperature: float
    top_k: int
    top_p: float
    min_p: float
    seed: int

    @property
    def sampling(self) -> dict:
        """The sampling settings by the names that `Sampling` has for them."""
        return {name: getattr(self, name) for name in ("temperature", "top_k", "top_p", "min_p", "seed")}


def read_order(data: Mapping) -> Order:
    """An Order from JSON. Raises Refusal, a sentence for whatever is missing, no number, or over a
    limit.
    """
    prompt = data.get("prompt")
    if not isinstance(prompt, str) or not prompt.strip():
        raise Refusal("order.empty")
    if len(prompt) > LIMITS.prompt_chars:
        raise Refusal("order.long", n=f"{len(prompt):,}", limit=f"{LIMITS.prompt_chars:,}")
    strategies = data.get("strategies") or []
    if not isinstance(strategies, list) or not all(isinstance(name, str) for name in strategies):
        raise Refusal("order.strategies")
    if len(strategies) > LIMITS.lanes:
        raise Refusal("order.lanes", n=len(strategies), limit=LIMITS.lanes)
    numbers = {name: _number(data.get(name), default, name) for name, default in NUMBERS.items()}
    whole = {name: _whole(data.get(name), default, name) for name, default in WHOLE.items()}
    if not 1 <= whole["max_new_tokens"] <= LIMITS.new_tokens:
        raise Refusal("order.tokens", n=whole["max_new_tokens"], limit=LIMITS.new_tokens)
    run = data.get("run")
    if not isinstance(run, str) or not re.fullmatch(rf"[A-Za-z0-9_-]{{8,{MAX_ID}}}", run):
        run = secrets.token_urlsafe(12)
    return Order(run=run, prompt=prompt, strategies=tuple(strategies), **numbers, **whole)


def _number(value: object, default: float, name: str) -> float:
    if value is None:
        return default
    try:
        number = float(value)  # type: ignore[arg-type]
    except (TypeError, ValueError):
        number = math.nan
    if not math.isfinite(number):
        raise Refusal(f"order.number.{name}", default=f"{default:g}")
    return number


def _whole(value: object, default: int, name: str) -> int:
    number = _number(value, default, name)
    if number != int(number):
        raise Refusal(f"order.whole.{name}", n=f"{number:g}")
    return int(number)
