"""The draft heads on the device: their trees and texts are the CPU's, what they keep is what a fresh prefill makes."""

import json
import shutil
from dataclasses import replace

import pytest
import torch
from check_device import (  # noqa: F401
    DRAWN,
    GREEDY,
    PROMPT,
    batch_is_its_prompts,
    decode,
    equal_the_cpu,
    sessions,
    small_tiles,
)

from mtpviz.engine.device import lane as lane_module
from mtpviz.engine.device.drafter import Shape
from mtpviz.engine.device.lane import DeviceLane
from mtpviz.engine.device.memory import caches, footprint
from mtpviz.engine.session import Session
from mtpviz.errors import UserError
from mtpviz.race import make_drafter


@pytest.mark.parametrize(("spec", "sampling"), [
    ("medusa:tree=static:nodes=9", GREEDY), ("medusa:tree=dynamic:width=2:nodes=6:vocab=zh", DRAWN),
    ("medusa:accept=typical:tree=dynamic:width=3:nodes=9", DRAWN), ("lmtp:tree=chain:heads=2", GREEDY),
    ("lmtp:tree=dynamic:stride=3:heads=1:width=2:nodes=6:vocab=zh", DRAWN), ("firp:tree=chain", GREEDY),
    ("firp:tree=static:states=2:nodes=5:vocab=zh", DRAWN), ("eagle:tree=chain:depth=3", GREEDY),
    ("eagle:tree=dynamic:depth=3:width=2:nodes=5", DRAWN), ("eagle3:tree=static:nodes=5", GREEDY),
    ("eagle3:tree=chain:depth=2:vocab=zh", DRAWN), ("fastmtp:tree=chain:depth=2:vocab=zh", GREEDY),
    ("fastmtp:tree=dynamic:depth=2:width=3:nodes=7", DRAWN)])
def test_tokens_trees_and_records_equal_the_cpu_s(sessions, spec, sampling):  # noqa: F811
    equal_the_cpu(sessions, spec, sampling, 12 if "typical" in spec else 8, True)


def test_an_eagle3_head_that_norms_its_feature_before_the_residual(sessions, tmp_path):  # noqa: F811
    folder = shutil.copytree(sessions[0].entry.heads["eagle3"], tmp_path / "eagle3")
    described = json.loads((folder / "config.json").read_text())
    (folder / "config.json").write_text(json.dumps(described | {"norm_before_residual": True}))
    found = replace(sessions[0].entry, heads={"eagle3": folder})
    opened = [Session(found, one.device, "fp32", one.threads or None) for one in sessions]
    for session, one in zip(opened, sessions, strict=True):
        session._pass_costs, session._read_gb_s = one._pass_costs, one._read_gb_s
    equal_the_cpu(opened, "eagle3:tree=chain:depth=2", GREEDY, 8, True)


@pytest.mark.parametrize("spec", ["eagle3:tree=dynamic:depth=2:width=2:nodes=3", "lmtp:tree=chain:heads=2"])
def test_a_batch_is_its_prompts_one_by_one(sessions, spec):  # noqa: F811
    batch_is_its_prompts(sessions, spec)


@pytest.mark.parametrize("spec", ["mtp:tree=auto:heads=1", "eagle3:tree=auto:depth=2"])
def test_rows_that_waited_and_steps_that_were_captured_leave_nothing_behind(sessions, spec, monkeypatch):  # noqa: F811
    """Steps that draft nothing between ones that do, each program run in vain first, as its capture does: the text is
    next-token prediction's, and the head's cache that of a prefill over it, in several passes."""
    monkeypatch.setattr(lane_module, "MAX_ROWS", 20)
    session, words, new = sessions[1], PROMPT + " to the river and the sea" * 3, 8
    prompt = session.encode(words, new)
    drafter = make_drafter(spec, session, GREEDY)
    deep = drafter.shapes[-1]
    script = iter([Shape(), deep, Shape(), Shape(), deep, *[Shape()] * 9])
    drafter.shape = lambda: next(script)
    lane = DeviceLane(session, drafter, GREEDY, [prompt], [new], record=False)
    lane.prefill()
    build = lane._program

    def captured(shape):
        program, limits = build(shape), lane.state.limits.clone()
        before = [tensor.clone() for tensor in kept(drafter)]
        lane.state.limits.zero_()
        program.launches()
        lane.state.limits.copy_(limits)
        assert all(map(torch.equal, before, kept(drafter)))
        return program

    lane._program = captured
    lane.ready()
    known = len(prompt) + new - 1
    while int(lane.state.lengths[0]) < known:
        lane.advance()
    text = lane.state.text[0, : known + 1].tolist()
    assert text == prompt + decode(sessions[0], "ntp", GREEDY, new, False, words=words).token_ids
    assert set(lane.programs) == {Shape(), deep}

    fresh = make_drafter(spec, session, GREEDY)
    DeviceLane(session, fresh, GREEDY, [text[:known]], [1], record=False).prefill()
    seen = int(drafter.pending.base[0])
    assert len(prompt) > 20 and known > seen > len(prompt)
    for mine, theirs in zip(caches_of(drafter), caches_of(fresh), strict=True):
        assert torch.equal(mine[..., :seen, :], theirs[..., :seen, :])


def caches_of(drafter):
    found = getattr(drafter, "caches", None) or [drafter.cache]
    return [tensor for cache in found for tensor in (cache.keys, cache.values)]


def kept(drafter):
    return [drafter.pending.base, drafter.pending.block.counts, drafter.pending.block.tokens, drafter.pending.rows]


def test_auto_gives_next_token_prediction_s_text(sessions):  # noqa: F811
    plain, texts = decode(sessions[0], "ntp", GREEDY, 6, False).token_ids, []
    for spec in ("eagle:tree=auto:depth=2", "medusa:heads=2", "firp:states=1", "fastmtp:depth=1"):
        texts.append(decode(sessions[1], spec, GREEDY, 6, False, False).token_ids)
    assert texts == [plain] * len(texts)


def test_what_a_drafter_takes_is_told_before(sessions):  # noqa: F811
    session = sessions[1]
    for spec in ("eagle:tree=chain", "draft:tree=chain", "mtp:tree=chain"):
        drafter = make_drafter(spec, session, GREEDY)
        told = drafter.plan(2)
        DeviceLane(session, drafter, GREEDY, [[1], [2]], [4, 4], record=False).prefill()
        taken = footprint(getattr(drafter, "caches", None) or [drafter.cache])
        assert abs(told["the draft's caches"] - taken) <= 64 < taken, spec  # up to the lengths
    assert caches([], 256, 1) == {"the draft's caches": 0, "the draft's buffers": 0}


def test_what_a_device_cannot_draft_is_one_sentence(sessions):  # noqa: F811
    for spec, says in (("eagle:tree=opt", "tree=opt decides within a step"), ("mtp:tree=static", "no measured table"),
                       ("draft:tree=static", "no measured table"), ("medusa:heads=9", "so 9 cannot draft"),
                       ("lmtp:stride=7", "stride 7"), ("firp:states=9", "so 9 cannot draft")):
        with pytest.raises(UserError, match=says) as told:
            make_drafter(spec, sessions[1], GREEDY)
        assert str(told.value).count("\n") == 0


def test_a_tree_wider_than_the_vocabulary_is_one_sentence(sessions, tmp_path):  # noqa: F811
    """Not one that drafts a token twice; a narrower tree is drafted from it, of no token but those."""
    session, kept = sessions[1], [7, 200]
    (tmp_path / "en.json").write_text(json.dumps({"vocab": session.config.vocab, "ids": kept}))
    narrow = Session(replace(session.entry, vocabulary=tmp_path), session.device, "fp32")
    narrow._pass_costs, narrow._read_gb_s = session._pass_costs, session._read_gb_s
    for spec, part in (("draft:depth=1", "draft head"), ("mtp:tree=dynamic:width=3:nodes=3:heads=1", "target head")):
        with pytest.raises(UserError, match=f"'en' keeps 2 tokens for the {part}, fewer than the . children"):
            decode(narrow, spec + ":vocab=en", GREEDY, 4, False, False)
    trace = decode(narrow, "mtp:tree=dynamic:width=2:nodes=2:heads=1:vocab=en", GREEDY, 4)
    assert {node.token for step in trace.steps for node in step.nodes} == set(kept)


def test_a_drawn_chain_is_no_tree(sessions):  # noqa: F811
    said = []
    for session in sessions:
        with pytest.raises(UserError, match="propose=sample draws a chain, so tree=dynamic cannot") as told:
            make_drafter("draft:propose=sample:tree=dynamic", session, DRAWN)
        said.append(str(told.value))
        greedy = make_drafter("draft:propose=sample:tree=dynamic", session, GREEDY)  # nothing is drawn
        assert greedy.chosen["tree"] == "dynamic" and greedy.rule == "match"
    assert said[0] == said[1]
