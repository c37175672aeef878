"""The loop: limits, stop tokens inside an accepted run, times, records, bad input."""

import pytest

from mtpviz.engine.drafter import Drafter
from mtpviz.engine.loop import Decoder
from mtpviz.engine.sampling import Sampling
from mtpviz.engine.session import Session, pick_device, pick_dtype
from mtpviz.engine.tree import TokenTree
from mtpviz.errors import UserError
from mtpviz.race import Race, make_drafter
from mtpviz.trace import dump, load
from tests.models.sentences import sentence


class Oracle(Drafter):
    """Drafts the true continuation, so that everything is accepted."""

    name, title, blurb, order = "oracle", "Oracle", "knows the answer", 99

    def __init__(self, session, answer: list[int], length: int):
        super().__init__(session, Sampling())
        self.answer, self.length, self.at = answer, length, 1

    def draft(self, root, position, depth):
        return TokenTree.chain(self.answer[self.at : self.at + min(self.length, depth)])

    def commit(self, tokens, accepted, features):
        self.at += len(tokens)


def decode(session, drafter, prompt="the fox", tokens=40) -> Decoder:
    decoder = Decoder(session, drafter, prompt, Sampling(), tokens)
    decoder.prefill()
    while not decoder.done:
        decoder.step()
    return decoder


def plain(session, **kwargs) -> Decoder:
    return decode(session, make_drafter("ntp", session, Sampling()), **kwargs)


@pytest.mark.parametrize("tokens", [1, 2, 3, 7, 40])
@pytest.mark.parametrize("length", [1, 4, 20])
def test_full_acceptance_stops_exactly_at_the_limit(session, tokens, length):
    answer = plain(session, tokens=40).trace.token_ids
    trace = decode(session, Oracle(session, answer, length), tokens=tokens).trace
    assert trace.token_ids == answer[:tokens] and trace.end == {"reason": "length"}
    assert all(len(step.accepted) == len(step.nodes) for step in trace.steps)


@pytest.mark.parametrize("place", range(2, 12))
def test_a_stop_token_ends_the_text_at_every_depth_of_an_accepted_run(session, place, monkeypatch):
    answer = plain(session, tokens=40).trace.token_ids
    stop = answer[place]
    monkeypatch.setattr(session, "stop_ids", frozenset([stop]))
    expected = answer[: answer.index(stop) + 1]
    for drafter in (make_drafter("ntp", session, Sampling()), Oracle(session, answer, 6)):
        trace = decode(session, drafter).trace
        assert trace.token_ids == expected and trace.end == {"reason": "stop"}


def test_the_context_ends_a_run(session):
    prompt = "fox " * 80
    trace = plain(session, prompt=prompt, tokens=400).trace
    assert trace.end == {"reason": "context"}
    assert len(trace.run.prompt_tokens) + len(trace.token_ids) == session.context


def test_times_add_up_and_records_are_whole(session, tmp_path):
    race = Race(session, ["draft"], "the fox", Sampling(), 30)
    events = list(race)
    assert [lane for lane, step in events[:2]] == [0, 1] and events[0][1] is None
    for trace in race.traces:
        clock = trace.run.prefill_ms
        for step in trace.steps:
            clock += sum(step.time_ms.values())
            assert step.clock_ms == pytest.approx(clock) and min(step.time_ms.values()) >= 0
            assert [row.token for row in step.rows][0] == step.emitted[0]
            assert all(abs(row.prob - dict(row.top).get(row.token, row.prob)) < 1e-4 for row in step.rows)
            assert all(node.target_prob is not None for node in step.nodes)
    dump(race.traces, tmp_path / "race.jsonl.gz")
    again = load(tmp_path / "race.jsonl.gz")
    assert [trace.text for trace in again] == [trace.text for trace in race.traces]
    assert again[0].run.recorded and not race.traces[0].run.recorded


def test_the_lane_that_is_behind_takes_the_next_step(session):
    race = Race(session, ["draft", "lookup"], "the fox", Sampling(), 30)
    clocks = {}
    for lane, step in race:
        if step is None:
            clocks[lane] = race.traces[lane].run.prefill_ms
            continue
        others = [clocks[i] for i, trace in enumerate(race.traces) if trace.end is None and i != lane]
        assert clocks[lane] <= min(others, default=clocks[lane]) + 1e-9
        clocks[lane] = step.clock_ms


def test_closing_a_race_frees_the_session_at_once(session):
    race = Race(session, ["draft"], "the fox", Sampling(), 200)
    steps = iter(race)
    for _ in range(10):
        next(steps)
    steps.close()
    assert not session.lock.locked()
    assert {trace.end["reason"] for trace in race.traces} == {"cancelled"}


@pytest.mark.parametrize("prompt, tokens, says", [
    ("", 10, "empty"), (" \n", 10, "empty"), ("the fox", 0, "at least 1"), ("the fox", -3, "at least 1"),
    ("fox " * 600, 10, "tokens; this model takes fewer than 400 tokens")])
def test_bad_prompts_and_lengths_are_told(session, prompt, tokens, says):
    assert says in sentence(Race, session, ["ntp"], prompt, Sampling(), tokens)


@pytest.mark.parametrize("spec, says", [
    ("eagel", "no strategy 'eagel'"), ("draft:depht=3", "no setting 'depht'"), ("draft:depth", "no value"),
    ("draft:depth=99", "from 0 to 16"), ("draft:tree=oak", "one of auto"), ("draft:depth=x", "from 0 to 16")])
def test_bad_strategies_are_told(session, spec, says):
    assert says in sentence(Race, session, [spec], "the fox", Sampling(), 5)


def test_bad_devices_dtypes_and_threads_are_told(tiny_entry):
    assert "auto, cpu or cuda" in sentence(pick_device, "tpu")
    assert "cpu" in sentence(pick_device, "cuda")
    assert "bf16" in sentence(pick_dtype, "int3")
    assert "from 1 to" in sentence(lambda: Session(tiny_entry, threads=999))


def test_a_draft_model_with_another_vocabulary_is_told(tiny_entry, tmp_path):
    from dataclasses import replace

    from tests.models.checkpoints import make

    make("llama-tied", tmp_path / "other", vocab_size=77)
    session = Session(replace(tiny_entry, draft_folder=tmp_path / "other"), threads=1)
    with pytest.raises(UserError, match="share the target's tokenizer"):
        make_drafter("draft", session, Sampling())
    session = Session(replace(tiny_entry, draft_folder=None), threads=1)
    with pytest.raises(UserError, match="no draft model"):
        make_drafter("draft", session, Sampling())
