"""Presets of pretraining: the shapes of the target and its draft model, and how a run spends its tokens."""

from __future__ import annotations

from dataclasses import dataclass, field

from mtpviz.errors import UserError

# Share of each domain in the tokens of a run. A run of a few million tokens leans on the predictable domains,
# so that the small model is fluent somewhere; a run of several passes over the corpus follows the corpus.
FEW_TOKENS_MIX = {"tales": 0.22, "stories": 0.16, "chat": 0.20, "python": 0.28, "zh": 0.14}
CORPUS_MIX = {"tales": 0.08, "stories": 0.25, "chat": 0.22, "python": 0.25, "zh": 0.20}


@dataclass(frozen=True)
class Shape:
    """Sizes of a Llama decoder; `extra_heads` counts the one-layer heads for t+2, t+3, ... beside the last
    layer.
    """

    hidden_size: int
    num_layers: int
    intermediate_size: int
    num_heads: int
    num_kv_heads: int
    head_dim: int = 64
    extra_heads: int = 0
    vocab_size: int = 16_384
    context: int = 1024
    rope_theta: float = 10_000.0
    rms_norm_eps: float = 1e-5


@dataclass(frozen=True)
class Preset:
    """One training recipe.

    `batch_tokens` is one optimizer step, `micro_tokens` one forward and backward pass. `extra_fraction` and
    `draft_fraction` are the shares of the sequences of each pass on which an extra head, or the draft model,
    is trained. The last `long_share` of the run reads windows of `target.context` tokens, the rest
    `short_length`. Learning rates are those of the stable phase; `warmup` and `decay` are shares of the run.
    """

    name: str
    target: Shape
    draft: Shape
    mix: dict[str, float] = field(default_factory=lambda: dict(CORPUS_MIX))
    batch_tokens: int = 65_536
    micro_tokens: int = 32_768
    short_length: int = 512
    long_share: float = 0.15
    extra_fraction: float = 1.0
    draft_fraction: float = 0.5
    muon_lr: float = 0.02
    embedding_lr: float = 0.01
    norm_lr: float = 1e-3
    weight_decay: float = 0.05
    warmup: float = 0.02
    decay: float = 0.35


SMALL_DRAFT = Shape(hidden_size=128, num_layers=2, intermediate_size=352, num_heads=2, num_kv_heads=2)

PRESETS = {
    preset.name: preset
    for preset in (
        # For a CPU: what two cores can train in an hour.
        Preset(
            "mini",
            Shape(256, 16, 704, num_heads=4, num_kv_heads=2, extra_heads=3),
            SMALL_DRAFT,
            mix=FEW_TOKENS_MIX,
            batch_tokens=2048,
            micro_tokens=2048,
            short_length=256,
            extra_fraction=0.25,
        ),
        # For one data-centre GPU: 200-300 M tokens in ten minutes or two times ten. Of the two, base20 is the one to
        # bundle: timed with random weights in the CPU engine (bf16, 256 positions), a draft layer with a fifth of the
        # head is 2.4 to 3.0 % of its pass, of base12's 3.4 to 4.6 %, and both decode over 260 tokens/s.
        Preset("base12", Shape(384, 12, 1024, num_heads=6, num_kv_heads=2, extra_heads=3), SMALL_DRAFT),
        Preset("base20", Shape(320, 20, 896, num_heads=5, num_kv_heads=1, extra_heads=3), SMALL_DRAFT),
        # For tests: seconds on one core.
        Preset(
            "tiny",
            Shape(
                32, 3, 64, num_heads=4, num_kv_heads=2, head_dim=8, extra_heads=3, vocab_size=512, context=64
            ),
            Shape(16, 1, 32, num_heads=2, num_kv_heads=1, head_dim=8, vocab_size=512, context=64),
            batch_tokens=256,
            micro_tokens=128,
            short_length=32,
        ),
    )
}


def find_preset(name: str) -> Preset:
    """The preset called `name`; raises UserError naming the known ones."""
    if name not in PRESETS:
        raise UserError(f"Unknown preset {name!r}; known are {', '.join(PRESETS)}.")
    return PRESETS[name]
