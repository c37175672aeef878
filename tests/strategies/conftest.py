"""Fixtures of the strategies' tests."""

import json
from dataclasses import replace

import numpy as np
import pytest

from mtpviz.engine.session import Session


@pytest.fixture(scope="module")
def mapped(session, tmp_path_factory):
    """The session with vocabulary maps of a third of the tokens, and what they keep by language."""
    folder, vocab, kept = tmp_path_factory.mktemp("maps"), session.config.vocab, {}
    for seed, language in enumerate(("en", "zh", "code")):
        kept[language] = np.random.default_rng(seed).permutation(vocab)[: vocab // 3].tolist()
        (folder / f"{language}.json").write_text(json.dumps({"vocab": vocab, "ids": kept[language]}))
    return Session(replace(session.entry, vocabulary=folder), dtype=session.dtype_name, threads=1), kept
