"""What cards can do, by their makers' data sheets: the roofs under which a pass of a model stands."""

from __future__ import annotations

import re
from dataclasses import dataclass

from mtpviz.trace import Run


@dataclass(frozen=True)
class Card:
    """A device by its data sheet. bandwidth: of its memory, bytes/s. flops: dense bf16 products with fp32 sums,
    operations/s. memory: bytes. source: where that is written. match: words of a run's hardware name."""

    name: str
    bandwidth: float
    flops: float
    memory: float
    source: str
    match: tuple[str, ...] = ()


# Makers print tensor rates with 2:4 sparsity too; these are the dense ones, half of those.
CARDS = (
    Card("H200 SXM", 4.8e12, 989e12, 141e9, "NVIDIA H200 data sheet", ("H200",)),
    Card("H100 SXM", 3.35e12, 989e12, 80e9, "NVIDIA H100 data sheet", ("H100",)),
    Card("A100 80 GB SXM", 2.039e12, 312e12, 80e9, "NVIDIA A100 80 GB data sheet", ("A100", "80GB")),
    Card("L4", 300e9, 121e12, 24e9, "NVIDIA L4 data sheet", ("L4",)),
    Card("RTX 5090", 1.792e12, 209.5e12, 32e9, "NVIDIA RTX Blackwell architecture paper", ("RTX", "5090")),
    Card("RTX 4090", 1.008e12, 165.2e12, 24e9, "NVIDIA Ada architecture paper", ("RTX", "4090")),
    Card("EPYC 9654, 96 cores", 460.8e9, 14.7e12, 768e9,
         "AMD EPYC 9654 data sheet: 12 channels of DDR5-4800; 64 bf16 operations a cycle and core at 2.4 GHz"),
)


def card_of(run: Run) -> Card | None:
    """The card on which a run was made, where its name says so."""
    return card_in(run.hardware)


def card_in(hardware: str) -> Card | None:
    """The card that a hardware's name holds."""
    words = set(re.split(r"[\s,-]+", hardware))
    return next((card for card in CARDS if card.match and words.issuperset(card.match)), None)


def card_named(name: str) -> Card | None:
    """The card of this name, or None."""
    return next((card for card in CARDS if card.name == name), None)
