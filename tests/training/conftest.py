"""A corpus small enough to train on in a test, written by rule."""

from __future__ import annotations

import json
import lzma
import random

import pytest
import torch

from mtpviz.training.corpus import DOMAINS
from mtpviz.training.tokenizer import save_tokenizer, train_on_texts

WORDS = {
    "tales": "the little fox walked into a green wood and found an old lamp".split(),
    "stories": "once upon time there lived king who had three daughters and one".split(),
    "chat": "User: how do I count files ? Assistant: run ls and pipe it to wc".split(),
    "python": ["def", "f(x):", "\n    return", "x", "+", "12", "\n\n        if", "x:", "\n"],
    "zh": list("今天天气很好我们一起去公园看花然后回家吃饭"),
}


def document(domain: str, seed: int) -> str:
    """One document of a domain, the same for the same seed."""
    draw = random.Random(f"{domain}{seed}")
    joint = "" if domain == "zh" else " "
    return joint.join(draw.choice(WORDS[domain]) for _ in range(60))


@pytest.fixture(autouse=True)
def one_thread():
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


@pytest.fixture(scope="session")
def corpus(tmp_path_factory):
    folder = tmp_path_factory.mktemp("corpus")
    for domain in DOMAINS:
        for split, seeds in (("train", range(60)), ("val", range(1000, 1020))):
            with lzma.open(folder / f"{domain}_{split}.jsonl.xz", "wt", encoding="utf-8") as lines:
                for seed in seeds:
                    lines.write(json.dumps({"text": document(domain, seed), "src": "rule"}) + "\n")
    (folder / "README.md").write_text(
        "# Corpus\n\n## Licences in short\nEvery source is free.\n\n## tales\n\n"
        "| src | from | snapshot | licence | train docs |\n|---|---|---|---|---|\n"
        "| rule | written here | abc123 | CC-BY 4.0 | 60 |\n",
        encoding="utf-8",
    )
    return folder


@pytest.fixture(scope="session")
def tokenizer(corpus):
    return train_on_texts((document(domain, seed) for domain in DOMAINS for seed in range(60)), 512)


@pytest.fixture(scope="session")
def tokenizer_folder(tokenizer, tmp_path_factory):
    folder = tmp_path_factory.mktemp("tokenizer")
    save_tokenizer(tokenizer, folder)
    return folder
