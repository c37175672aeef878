"""Every strategy, tree and setting gives next-token prediction's text to the token, greedy and under the match rule."""

import json
import shutil
from dataclasses import replace

import numpy as np
import pytest

from mtpviz.discover import strategies
from mtpviz.engine.loop import Decoder
from mtpviz.engine.sampling import Sampling
from mtpviz.engine.session import Session
from mtpviz.race import Race, make_drafter
from tests.models.sentences import sentence

RECURRENT, PARALLEL = ("draft", "fastmtp", "eagle", "eagle3"), ("mtp", "medusa", "lmtp", "firp")
TREES = ("auto", "chain:depth=1", "chain:depth=6", "dynamic:depth=3:width=3:nodes=10",
         "dynamic:depth=5:width=8:nodes=48", "opt:nodes=12", "static:nodes=7")
LEVELS = ("auto", "chain", "dynamic:width=3:nodes=20", "opt:nodes=12", "static:nodes=7")
# The accuracies of the draft model and the target's own heads have not been measured on the tiny target.
UNMEASURED = ("draft", "mtp")
SPECS = ["lookup", "lookup:ngram=2:nodes=6",
         *(f"{name}:tree={tree}" for names, trees in ((RECURRENT, TREES), (PARALLEL, LEVELS)) for name in names
           for tree in trees if not (name in UNMEASURED and tree.startswith("static"))),
         "mtp:tree=chain:heads=1", "medusa:tree=chain:heads=2", "lmtp:stride=3", "lmtp:stride=2:heads=1",
         "firp:states=1"]
PROMPTS = ["the fox and the hare", "def f(x): return", "狐狸 the river"]
USUAL = Sampling(temperature=0.7, top_p=0.9, top_k=20, seed=11)


def run(session, specs, prompt, sampling, tokens=64):
    race = Race(session, specs, prompt, sampling, tokens)
    for _ in race:
        pass
    return race


def test_every_strategy_is_tried_here():
    assert set(strategies()) == {"ntp"} | {spec.partition(":")[0] for spec in SPECS}


@pytest.mark.parametrize("prompt", PROMPTS)
def test_greedy_is_token_identical(session, prompt):
    race = run(session, SPECS, prompt, Sampling())
    for lane, trace in enumerate(race.traces):
        assert trace.token_ids == race.traces[0].token_ids, trace.run.settings
        assert race.exact(lane) and len(trace.token_ids) == 64
        assert trace.text == session.tokenizer.decode(trace.token_ids)


@pytest.mark.parametrize("sampling", [Sampling(temperature=1.0, seed=3), USUAL])
def test_sampling_under_the_match_rule_is_token_identical(session, sampling):
    race = run(session, SPECS, PROMPTS[0], sampling)
    for trace in race.traces:
        assert trace.token_ids == race.traces[0].token_ids, trace.run.settings


@pytest.mark.parametrize("sampling", [Sampling(), USUAL])
@pytest.mark.parametrize("prompt, language", zip(PROMPTS, ("en", "code", "zh"), strict=True))
def test_a_compressed_head_drafts_kept_tokens_only_and_loses_nothing(mapped, prompt, language, sampling):
    session, kept = mapped
    specs = [f"{name}:tree=chain:vocab={choice}" for name in RECURRENT + PARALLEL for choice in ("auto", "en", "full")]
    race = run(session, specs, prompt, sampling)
    for trace in race.traces:
        assert trace.token_ids == race.traces[0].token_ids, trace.run.settings
    for spec, trace in zip(specs, race.traces[1:], strict=True):
        name = {"auto": language}.get(choice := spec.rpartition("=")[2], choice)
        assert trace.run.settings["vocab"] == name
        if name != "full":
            drafted = {node.token for step in trace.steps for node in step.nodes}
            assert drafted and drafted <= set(kept[name]), spec


@pytest.mark.parametrize("spec", [*RECURRENT, *PARALLEL])
def test_drafts_are_accepted_and_rejected(session, spec):
    """Without this the tests above could pass on strategies that never draft, or never fail."""
    race = run(session, [f"{spec}:tree=chain"], PROMPTS[0], Sampling(), 200)
    steps = race.traces[1].steps
    accepted = sum(len(step.accepted) for step in steps)
    assert 0.02 < accepted / sum(len(step.nodes) for step in steps) < 0.95
    assert any(len(step.accepted) > 1 for step in steps)


def test_draft_cache_is_what_a_fresh_prefill_makes_of_it(session):
    """After every step, the draft model's cache gives the logits of a cache that is built from scratch."""
    for spec in ("draft:tree=chain:depth=4", "draft:tree=dynamic:depth=3:width=3:nodes=8"):
        drafter = make_drafter(spec, session, Sampling())
        decoder = Decoder(session, drafter, PROMPTS[0], Sampling(), 40)
        decoder.prefill()
        while not decoder.done:
            decoder.step()
            known = decoder.trace.run.prompt_tokens + decoder.trace.token_ids
            seen = np.array(known[: drafter.cache.length], np.int64)
            fresh = drafter.model.new_cache(len(seen) + 80)
            for first in range(0, len(seen), 64):
                rows = np.arange(len(seen[first : first + 64]))
                drafter.model.forward(fresh, seen[first : first + 64], rows - 1, first + rows, head_rows=0)
                drafter.model.keep(fresh, rows)
            probe = (np.array([5]), np.array([-1]), np.array([len(seen)]))
            expected = drafter.model.forward(fresh, *probe).logits.copy()
            assert (drafter.model.forward(drafter.cache, *probe).logits == expected).all()
            assert len(seen) + len(drafter.pending) == decoder.lane.cache.length


def test_a_sampled_chain_is_the_seeds(session):
    spec = "draft:propose=sample:depth=3"
    first, again = (run(session, [spec], PROMPTS[0], Sampling(temperature=1.0, seed=5)) for _ in range(2))
    assert first.traces[1].token_ids == again.traces[1].token_ids
    other = run(session, [spec], PROMPTS[0], Sampling(temperature=1.0, seed=6))
    assert first.traces[1].token_ids != other.traces[1].token_ids
    for trace in first.traces[1:]:
        assert (trace.run.settings["tree"], trace.run.settings["vocab"]) == ("chain", "full")
    assert "draws a chain" in sentence(make_drafter, "draft:propose=sample:tree=opt", session, Sampling(1.0))


def test_mtp_heads_see_every_committed_position_once(session):
    """After every draft, a head's cache is what a fresh pass over the trunk's rows makes of it."""
    drafter = make_drafter("mtp:tree=chain", session, Sampling())
    decoder = Decoder(session, drafter, PROMPTS[0], Sampling(), 30)
    decoder.prefill()
    trunk = list(drafter.pending)
    while not decoder.done:
        decoder.step()
        trunk.append(drafter.pending[-1])
        waiting = sum(map(len, drafter.pending))
        assert all(cache.length + waiting == decoder.lane.cache.length for cache in drafter.caches)
    rows = np.concatenate(trunk)[: drafter.caches[0].length]
    model, fresh = drafter.models[0], drafter.models[0].new_cache(400)
    for first in range(0, len(rows), 64):
        part = rows[first : first + 64]
        count = np.arange(len(part))
        model.stream[: len(part), : part.shape[1]] = part
        model.run(fresh, len(part), count - 1, first + count, 0, head_rows=0)
        model.keep(fresh, count)
    blocks = fresh.length // 16
    assert blocks and (fresh.keys[:, :, :blocks] == drafter.caches[0].keys[:, :, :blocks]).all()
    assert (fresh.values[:, :, : fresh.length] == drafter.caches[0].values[:, :, : fresh.length]).all()


def test_heads_of_another_target_are_told(session, tmp_path):
    shutil.copytree(session.entry.heads["mtp"], tmp_path / "mtp")
    described = json.loads((tmp_path / "mtp" / "config.json").read_text())
    (tmp_path / "mtp" / "config.json").write_text(json.dumps(described | {"target_hash": "0" * 64}))
    other = Session(replace(session.entry, heads={"mtp": tmp_path / "mtp"}), threads=1)
    assert "another target" in sentence(make_drafter, "mtp", other, Sampling())
    none = Session(replace(session.entry, heads={}), threads=1)
    assert "no multi-token prediction heads" in sentence(make_drafter, "mtp", none, Sampling())
    assert "3 extra heads" in sentence(make_drafter, "mtp:heads=5", session, Sampling())


def test_a_leap_tells_which_head_proposed_it(session):
    race = run(session, ["lmtp:tree=chain:stride=2", "medusa:tree=chain"], PROMPTS[0], Sampling())
    leaps, heads = ([[node.source for node in step.nodes] for step in trace.steps] for trace in race.traces[1:])
    assert all(sources == [1, 1, 2, 2, 3, 3, 4, 4][: len(sources)] for sources in leaps) and max(map(len, leaps)) > 4
    assert all(sources == list(range(1, len(sources) + 1)) for sources in heads)
