"""Replays of recorded servers: their text, their steps, what stays unknown."""

import json

import pytest

from mtpviz.analysis.acceptance import by_depth
from mtpviz.analysis.summary import lane_summary
from mtpviz.engine.sampling import Sampling
from mtpviz.serving.client import Client
from mtpviz.serving.lane import ServerLane
from mtpviz.serving.server import Listed, find
from mtpviz.trace import UNKNOWN, Trace, dump, load, step_to_dict
from tests.serving.loopback import llama_cpp, recorded, serving, vllm

PROMPT = "The quick brown fox. The quick brown fox. The quick"


def run(url: str, baseline: bool = False, limit: int = 48, sampling: Sampling | None = None) -> Trace:
    """The whole lane of a server."""
    listed = Listed("one", url, baseline)
    lane = ServerLane(listed, listed.find(), PROMPT, sampling or Sampling(), limit)
    for _ in lane.listen():
        pass
    lane.prefill()
    while not lane.done:
        lane.step()
    return lane.trace


def check(trace: Trace, tmp_path) -> None:
    """What holds of every server's trace: a valid file, tokens in their places, unknown drafts marked."""
    dump([trace], tmp_path / "lane.jsonl")
    again = load(tmp_path / "lane.jsonl")[0]
    assert [step_to_dict(step) for step in again.steps] == [step_to_dict(step) for step in trace.steps]
    assert again.run.server == trace.run.server and again.text == trace.text
    position, root, clock = len(trace.run.prompt_tokens), trace.run.first, trace.run.prefill_ms
    for step in trace.steps:
        assert (step.position, step.root) == (position, root) and step.clock_ms >= clock
        path = [step.nodes[node].token for node in step.accepted] + [step.bonus]
        assert path[: len(step.emitted)] == step.emitted and set(path[len(step.emitted) :]) <= {UNKNOWN}
        assert all(node.token == UNKNOWN for node in step.nodes[len(step.accepted) :])
        assert [row.token for row in step.rows[: len(path)]] == path
        position, root, clock = position + len(step.emitted), step.emitted[-1], step.clock_ms
    assert set(trace.token_ids) - {UNKNOWN} <= set(trace.run.pieces)


@pytest.fixture
def whole():
    """The same text, as vLLM gave it in one document."""
    return recorded("vllm_completions.json")["choices"][0]


@pytest.mark.parametrize("pieces", [None, 6])
def test_vllm_told_in_detail(tmp_path, whole, pieces):
    with serving(vllm(), pieces) as (url, asked):
        found = find(Client(url))
        trace = run(url)
    assert (found.engine, found.version, found.model) == ("vllm", "0.32.0", "tiny")
    body = asked[-1][1]
    assert body["return_token_ids"] and body["stream_options"]["include_usage"] and body["temperature"] == 0
    check(trace, tmp_path)
    assert trace.text == whole["text"] and trace.token_ids == whole["token_ids"] and trace.end == {"reason": "length"}
    assert trace.run.prompt_tokens == whole["prompt_token_ids"]
    told = trace.run.server["counts"]
    drafting = [step for step in trace.steps if step.nodes]
    assert [len(step.accepted) for step in drafting] == told["per_step_accepted"]
    assert [len(step.nodes) for step in drafting] == told["per_step_drafted"]
    assert [len(step.emitted) for step in trace.steps] == [1, 1, 2, 1, 2, 3, 5, 5, 5, 1, 2, 2, 4, 5, 5, 3]
    assert all(step.told for step in trace.steps) and trace.tau == (33 + 16) / 16
    summary = lane_summary(trace, None)
    assert (summary["drafted"], summary["accepted"]) == (37, 33) and summary["speedup"] is summary["exact"] is None
    assert by_depth([trace])["accepted"].tolist() == [12, 8, 7, 6]
    if pieces:
        assert trace.steps[0].clock_ms > trace.run.prefill_ms


def test_vllm_without_details_takes_the_growth_of_its_counters(tmp_path, whole):
    events = recorded("vllm_completions_stream.sse").split(b"\n\n")
    plain = b"\n\n".join(event for event in events if b'"metrics"' not in event)
    before, after = (recorded(f"vllm_metrics_{when}.txt") for when in ("before", "after"))
    alone = after
    for three, one in (("144.0", "48.0"), ("38.0", "13.0"), ("108.0", "37.0"), ("100.0", "33.0")):
        alone = alone.replace(f" {three}", f" {one}")
    with serving(vllm(**{"/v1/completions": plain, "/metrics": [before, alone]})) as (url, _):
        trace = run(url)
    check(trace, tmp_path)
    counts = trace.run.server["counts"]
    assert (counts["num_draft_tokens"], counts["num_accepted_draft_tokens"], counts["num_spec_steps"]) == (37, 33, 13)
    assert counts["accepted_per_position"] == [36, 24, 22, 18] and counts["mean_acceptance_length"] == 1 + 33 / 13
    assert trace.text == whole["text"] and [len(step.emitted) for step in trace.steps][:6] == [1, 1, 2, 1, 2, 3]
    assert not any(step.told for step in trace.steps) and by_depth([trace]).empty
    assert lane_summary(trace, None)["drafted"] == 37

    with serving(vllm(**{"/v1/completions": plain, "/metrics": [before, after]})) as (url, _):
        crowded = run(url)  # others were served meanwhile: 144 tokens, of which 48 are ours
    assert crowded.run.server["counts"] == {} and lane_summary(crowded, None)["drafted"] is None

    no_drafts = "\n".join(line for line in before.splitlines() if "spec_decode" not in line)
    with serving(vllm(**{"/v1/completions": plain, "/metrics": no_drafts})) as (url, _):
        assert all(step.told for step in run(url).steps)  # it does not speculate, and says so


def test_llama_cpp_tells_by_its_clock(tmp_path, whole):
    with serving(llama_cpp(), 4) as (url, asked):
        found = find(Client(url))
        trace = run(url)
    assert (found.engine, found.model) == ("llama_cpp", "models/tiny30m.gguf")
    assert found.facts["parameters"] == 29368832 and found.facts["dtype"] == "bf16" == trace.run.dtype
    body = next(body for path, body in asked if path == "/completion")
    assert body["timings_per_token"] and body["return_tokens"] and body["n_predict"] == 48
    check(trace, tmp_path)
    assert trace.text == whole["text"]  # another engine with the same weights
    assert len(trace.token_ids) == 48 and len(trace.run.prompt_tokens) == 23 and trace.end == {"reason": "length"}
    told = [token for token in trace.token_ids if token != UNKNOWN]
    assert told == [2296, 2296, *[2124] * 23] and trace.token_ids.index(2124) == 25  # ids held back stay unknown
    assert sum(len(step.accepted) for step in trace.steps) == 33 and len(trace.steps) == 48 - 1 - 33
    assert trace.run.server["counts"]["num_draft_tokens"] == 56
    first, held, rest = trace.steps[0], trace.steps[1:8], trace.steps[8:]
    assert (len(first.nodes), len(first.accepted), first.told) == (8, 2, True)
    assert not any(step.told for step in held) and sum(len(step.accepted) for step in held) == 15
    assert {step.notes["merged"] for step in held} == {7}
    assert [(len(step.nodes), len(step.accepted)) for step in rest] == _growth()
    assert by_depth([trace])["drafted"].tolist()[0] == 1 + sum(bool(step.nodes) for step in rest)


def _growth() -> list[tuple[int, int]]:
    """(drafted, accepted) of each pass after the text held back, straight from the recorded counters."""
    lines = recorded("llamacpp_completion_stream.sse").decode().splitlines()
    timings = [json.loads(line[6:])["timings"] for line in lines if line.startswith("data: {")]
    clocks = sorted({entry["predicted_ms"]: (entry["draft_n"], entry["draft_n_accepted"]) for entry in timings
                     if entry["predicted_n"] >= 26}.items())
    return [(b[0] - a[0], b[1] - a[1]) for (_, a), (_, b) in zip(clocks, clocks[1:], strict=False)]


def test_sampling_is_sent_whole_and_says_what_it_does_not_know():
    with serving(llama_cpp()) as (url, asked):
        trace = run(url, sampling=Sampling(0.8, 40, 0.9, 0.05, 7))
    body = next(body for path, body in asked if path == "/completion")
    assert [body[name] for name in ("temperature", "top_k", "top_p", "min_p", "seed")] == [0.8, 40, 0.9, 0.05, 7]
    assert trace.run.sampling["rule"] == "server"
