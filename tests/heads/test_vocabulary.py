"""Language maps: chosen by the prompt, strict when read, and no more than a cut of the draft's choices."""

import json
from dataclasses import replace

import numpy as np
import pytest

from mtpviz.engine.sampling import Sampling
from mtpviz.engine.session import Session
from mtpviz.heads.vocabulary import language_of, load_map
from mtpviz.race import Race, make_drafter
from mtpviz.training.vocabulary import rank, write_maps
from tests.models.sentences import sentence


@pytest.mark.parametrize("text, language", [
    ("Once upon a time there was a fox.", "en"), ("从前有一只狐狸，住在河边。", "zh"),
    ("用户：什么是 GPU？\n助手：", "zh"),
    ("def add(a, b):\n    return a", "code"), ("import os\n", "code"), ("@cache\ndef f(x):", "code"), ("", "en"),
    ("The class was full. If it rains, we return home.", "en"), ("He said 你好 to all the others.", "en")])
def test_language_of_a_prompt(text, language):
    assert language_of(text) == language


def test_rank_puts_forced_ids_first_and_equals_in_order():
    assert rank(np.array([5, 0, 9, 9, 1]), [1, 4]).tolist() == [1, 4, 2, 3, 0]


def test_maps_are_written_with_their_coverage_and_read_back(tmp_path):
    random = np.random.default_rng(0)
    domains = ("tales", "stories", "chat", "python", "zh")
    train = {domain: random.zipf(1.5, 5000) % 400 for domain in domains}
    written = write_maps(train, train, 400, [0, 7], tmp_path, "random numbers")
    assert 0 < written["en"]["coverage"]["0.05"] < written["en"]["coverage"]["0.5"] <= 1
    ids = load_map(tmp_path, "en", 400)
    assert len(ids) == round(0.21 * 400) and (np.diff(ids) > 0).all() and {0, 7} <= set(ids.tolist())
    assert load_map(tmp_path, "fr", 400) is None and load_map(None, "en", 400) is None
    assert "400 tokens" in sentence(load_map, tmp_path, "en", 300)
    (tmp_path / "en.json").write_text(json.dumps({"vocab": 400, "ids": [3, 400]}))
    assert "vocabulary map" in sentence(load_map, tmp_path, "en", 400)
    (tmp_path / "en.json").write_text("[")
    assert "list of token ids" in sentence(load_map, tmp_path, "en", 400)


@pytest.fixture
def mapped(session, tmp_path):
    """The tiny session with an English map of a third of its tokens."""
    vocab = session.config.vocab
    ids = np.random.default_rng(1).permutation(vocab)[: vocab // 3].tolist()
    (tmp_path / "en.json").write_text(json.dumps({"vocab": vocab, "ids": ids}))
    return Session(replace(session.entry, vocabulary=tmp_path), dtype=session.dtype_name, threads=1), set(ids)


@pytest.mark.parametrize("sampling", [Sampling(), Sampling(temperature=0.8, seed=2)])
def test_a_compressed_head_drafts_kept_tokens_only_and_loses_nothing(mapped, sampling):
    session, kept = mapped
    race = Race(session, ["draft", "draft:vocab=full", "mtp:tree=chain", "draft:tree=dynamic:depth=3:vocab=en"],
                "the fox and the hare", sampling, 48)
    for _ in race:
        pass
    assert len({tuple(trace.token_ids) for trace in race.traces}) == 1
    _, compressed, full, heads, tree = race.traces
    for trace in (compressed, heads, tree):
        assert trace.run.settings["vocab"] == "en" and trace.run.settings["vocab_size"] == len(kept)
        assert {node.token for step in trace.steps for node in step.nodes} <= kept
    assert full.run.settings["vocab"] == "full"


def test_a_missing_map_is_told_when_it_was_asked_for(session):
    race = Race(session, ["draft:vocab=zh"], "the fox", Sampling(), 5)
    assert "no vocabulary map 'zh'" in sentence(list, race)
    assert not session.lock.locked()
    assert make_drafter("draft", session, Sampling()).chosen["vocab"] == "auto"
