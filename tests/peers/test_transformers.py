"""transformers' own decoding as lanes: the same greedy text in fp32, whole steps, and no thread left behind."""

import gc
import threading
import time

import pytest

from mtpviz.discover import peers
from mtpviz.engine.sampling import Sampling
from mtpviz.engine.session import Session
from mtpviz.errors import UserError
from mtpviz.race import Race
from mtpviz.trace import lines, loads

PROMPT = "the fox and the hare ran to the river, and the river ran to the"


@pytest.fixture(scope="module")
def whole(tiny_entry):
    """A finished race of every peer."""
    race = Race(Session(tiny_entry, dtype="fp32", threads=1), list(peers()), PROMPT, Sampling(), 20)
    for _ in race:
        pass
    return race


def test_every_peer_writes_what_next_token_prediction_writes(whole):
    assert [trace.run.strategy for trace in whole.traces] == ["ntp", *peers()]
    for lane, trace in enumerate(whole.traces):
        assert trace.run.peer == (lane > 0) and len(trace.token_ids) == 20 and whole.exact(lane) is True
        assert trace.end == {"reason": "length"}


def test_their_steps_tell_what_was_drafted_and_where_the_time_went(whole):
    by_name = {trace.run.strategy: trace for trace in whole.traces}
    assert by_name["hf_generate"].tau == 1.0 and not any(step.nodes for step in by_name["hf_generate"].steps)
    for name in ("hf_assisted", "hf_lookup"):
        steps = by_name[name].steps
        assert any(step.nodes for step in steps) and any(step.accepted for step in steps)
        for step in steps:
            assert step.time_ms["verify"] > 0 and len(step.rows) == len(step.nodes) + 1
            assert [step.nodes[i].token for i in step.accepted] == step.emitted[: len(step.accepted)]
            assert step.rows[len(step.accepted)].token == step.bonus
    assert all(node.draft_prob is not None for step in by_name["hf_assisted"].steps for node in step.nodes)
    text = "\n".join(line for trace in whole.traces for line in lines(trace))
    assert [trace.token_ids for trace in loads(text.encode())] == [trace.token_ids for trace in whole.traces]


def test_a_race_that_is_left_ends_its_threads(whole):
    race = Race(whole.session, ["hf_generate", "hf_assisted"], PROMPT, Sampling(), 64)
    steps = iter(race)
    for _ in range(8):
        next(steps)
    assert any(thread.name == "hf_generate" for thread in threading.enumerate())
    before = {thread for thread in threading.enumerate() if thread.name.startswith("hf_")}
    steps.close()
    race.close()
    del race, steps
    gc.collect()
    deadline = time.monotonic() + 10
    while any(thread.is_alive() for thread in before) and time.monotonic() < deadline:
        time.sleep(0.05)
    alive = [thread.name for thread in before if thread.is_alive()]
    assert len(alive) <= 3, alive  # those of the race that the fixture still holds


def test_a_sampled_race_is_refused_in_a_sentence(whole):
    with pytest.raises(UserError, match="temperature 0 only"):
        Race(whole.session, ["hf_generate"], PROMPT, Sampling(0.8), 8)
