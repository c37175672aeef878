"""Model cards of the exported folders, rendered from the training record so that they stay true to it."""

from __future__ import annotations

from collections.abc import Mapping

from mtpviz.training.corpus import DOMAINS
from mtpviz.training.presets import Preset, Shape

TITLES = {"target": "target", "draft": "draft model", "heads/mtp": "multi-token prediction heads"}

FRONT_MATTER = """---
language:
- en
- zh
library_name: transformers
pipeline_tag: text-generation
tags:
- multi-token-prediction
- speculative-decoding
---"""

LIMITS = """## Limits

A small language model for looking at decoding. It states falsehoods fluently, knows nothing that is not in
its corpus and has had no safety training. Use it to measure, not to answer questions."""

CHANGES = """The texts were changed: cleaned, cut, deduplicated and reformatted before training. No source's
authors endorse this model."""

SAMPLE_NOTE = """A small fixed sample of each domain's held-out file; loss in nats a token, top-1 = share of
tokens guessed right."""


def render_card(part: str, preset: Preset, state: Mapping, record: Mapping) -> str:
    """README.md of one exported folder: `part` is "target", "draft" or "heads/mtp".

    `state` is the checkpoint (counters, history); `record` has `hardware`, `date`, `corpus_notice` (Markdown)
    and `hashes` (sha256 of each part's weights).
    """
    shape = preset.draft if part == "draft" else preset.target
    sections = [
        FRONT_MATTER,
        f"# mtpviz {preset.name}: {TITLES[part]}\n\n{_purpose(part, shape)}",
        _architecture(part, shape),
        _training(part, preset, state, record),
        _held_out(part, state),
        LIMITS,
        f"## Corpus, licences and attribution\n\n{record['corpus_notice'].strip()}",
        _hashes(part, record["hashes"]),
    ]
    return "\n\n".join(sections) + "\n"


def corpus_notice(readme: str) -> str:
    """The licence section and the source tables of the corpus's README.md, condensed to source, origin and
    licence.
    """
    lines = readme.splitlines()
    start = next((i for i, line in enumerate(lines) if line.startswith("## Licences")), None)
    parts = []
    if start is not None:
        end = next((i for i in range(start + 1, len(lines)) if lines[i].startswith("## ")), len(lines))
        parts.append(_first_paragraph(lines[start + 1 : end]))
    rows, domain = [], ""
    for line in lines:
        if line.startswith("## "):
            domain = line[3:].strip()
        cells = [cell.strip() for cell in line.strip().strip("|").split("|")]
        if domain in DOMAINS and line.startswith("|") and len(cells) >= 4 and cells[0] not in ("src", "---"):
            origin = f"{cells[1]} @ {cells[2]}" if cells[2] else cells[1]
            rows.append(f"| {domain} | {cells[0]} | {origin} | {cells[3]} |")
    table = ["| domain | source | from | licence |", "|---|---|---|---|", *rows]
    return "\n\n".join([*parts, CHANGES, "\n".join(table)])


def _purpose(part: str, shape: Shape) -> str:
    if part == "target":
        return (
            "The bundled target of mtpviz: a small Llama, pretrained with four-token prediction (Gloeckle et "
            "al. 2404.19737). This folder is trunk and head 1, an ordinary `LlamaForCausalLM`; heads 2 to "
            f"{shape.extra_heads + 1} are in `../heads/mtp`."
        )
    if part == "draft":
        return (
            "The draft model of mtpviz's bundled target for speculative decoding (Leviathan et al. "
            "2211.17192): same tokenizer, distilled from the target while the target was trained. An "
            "ordinary `LlamaForCausalLM`."
        )
    return (
        f"Heads 2 to {shape.extra_heads + 1} of mtpviz's bundled target (Gloeckle et al. 2404.19737). "
        "`extra_heads.{i}` is one Llama layer that reads the output of the target's last layer but one and "
        "predicts token t + 2 + i through the target's final norm and unembedding."
    )


def _architecture(part: str, shape: Shape) -> str:
    heads = f"{shape.extra_heads} heads of one layer"
    layers = heads if part == "heads/mtp" else f"{shape.num_layers} layers"
    return (
        f"## Architecture\n\nLlama: width {shape.hidden_size}, {layers}, inner width "
        f"{shape.intermediate_size}, {shape.num_heads} query and {shape.num_kv_heads} key-value heads of "
        f"{shape.head_dim}, tied embedding of {shape.vocab_size} tokens, context {shape.context}, "
        f"{count_parameters(part, shape) / 1e6:.1f} M parameters, bfloat16. Byte-level BPE tokenizer; "
        "`<|endoftext|>` begins and ends a text."
    )


def count_parameters(part: str, shape: Shape) -> int:
    """Number of parameters in the exported folder."""
    d, heads, kv = shape.hidden_size, shape.num_heads * shape.head_dim, shape.num_kv_heads * shape.head_dim
    layer = 2 * d * heads + 2 * d * kv + 3 * d * shape.intermediate_size + 2 * d
    if part == "heads/mtp":
        return shape.extra_heads * layer
    return shape.num_layers * layer + shape.vocab_size * d + d


def _training(part: str, preset: Preset, state: Mapping, record: Mapping) -> str:
    counters = state["counters"]
    mix = ", ".join(f"{domain} {share:.0%}" for domain, share in preset.mix.items())
    lines = [
        f"- Tokens seen: {counters['tokens'] / 1e6:.2f} M in {counters['step']} steps, "
        f"{counters['seconds'] / 60:.0f} minutes of wall clock on {record['hardware']}; {record['date']}.",
        f"- Mix: {mix}. Windows of {preset.short_length} tokens, {preset.target.context} in the last "
        f"{preset.long_share:.0%} of the run; {preset.batch_tokens} tokens a step.",
        f"- Muon (rate {preset.muon_lr:g}) for the matrices of the layers, AdamW (rates "
        f"{preset.embedding_lr:g} and {preset.norm_lr:g}) for embedding and norms; warm-up "
        f"{preset.warmup:.0%}, linear decay to zero over the last {preset.decay:.0%}; gradient norm "
        "clipped to 1.",
        "- The embedding starts from the truncated singular value decomposition of the corpus's neighbouring "
        "pairs (Levy and Goldberg 2014).",
    ]
    if part == "draft":
        lines.append(
            "- Loss: 0.9 KL(target || draft) + 0.1 cross entropy of the data, on "
            f"{preset.draft_fraction:.0%} of the sequences of each step."
        )
        if tokens := state["history"] and state["history"][-1].get("draft_texts"):
            lines.append(f"- Then distilled from the finished target on {tokens / 1e6:.1f} M tokens of its own texts.")
    else:
        lines.append(
            f"- Loss: sum of the cross entropies of t+1 to t+{preset.target.extra_heads + 1} with equal "
            f"weights; each extra head on a random {preset.extra_fraction:.0%} of the sequences of each step."
        )
    return "## Training\n\n" + "\n".join(lines)


def _held_out(part: str, state: Mapping) -> str:
    report = (
        state["history"][-1]["held_out_draft" if part == "draft" else "held_out"] if state["history"] else {}
    )
    if not report:
        return "## Held-out loss\n\nNot measured."
    heads = len(next(iter(report.values()))["loss"])
    shown = range(1, heads) if part == "heads/mtp" else range(1)
    names = [f"t+{1 + head} {what}" for head in shown for what in ("loss", "top-1")]
    rows = [f"| domain | {' | '.join(names)} |", "|---" * (len(names) + 1) + "|"]
    for domain, values in report.items():
        cells = [
            cell
            for head in shown
            for cell in (f"{values['loss'][head]:.3f}", f"{values['accuracy'][head]:.1%}")
        ]
        rows.append(f"| {domain} | {' | '.join(cells)} |")
    return f"## Held-out loss\n\n{SAMPLE_NOTE}\n\n" + "\n".join(rows)


def _hashes(part: str, hashes: Mapping[str, str]) -> str:
    lines = [f"- {name}: `{digest}`" for name, digest in hashes.items()]
    return (
        f"## Weights\n\nsha256 of the weights of this run's parts (this folder is {part}):\n\n"
        + "\n".join(lines)
    )


def _first_paragraph(lines: list[str]) -> str:
    return "\n".join(lines).strip().split("\n\n")[0]
