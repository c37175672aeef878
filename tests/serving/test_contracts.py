"""SGLang and TensorRT-LLM by the shapes that their sources give (there is no build for a machine without a GPU), and
the parts that all share: counters, alignment, launch lines, lists of servers."""

import itertools
import json
import random
import shlex

import pytest

from mtpviz.analysis.acceptance import by_depth
from mtpviz.analysis.summary import lane_summary
from mtpviz.discover import servers, strategies
from mtpviz.engine.sampling import Sampling
from mtpviz.errors import UserError
from mtpviz.serving import metrics
from mtpviz.serving._completions import align
from mtpviz.serving.server import ENVIRONMENT, Listed, Wish, from_environment, listed
from mtpviz.trace import UNKNOWN
from tests.serving.loopback import serving, sse
from tests.serving.test_recorded import check, run

SIZES, WORDS = [1, 3, 1, 4, 2, 4], "a b c d e f g h i j k l m n o".split()
# CompletionRequest in tensorrt_llm/serve/openai_protocol.py: any other field is refused
TRT_FIELDS = set("""
model prompt best_of echo frequency_penalty logit_bias logprobs max_tokens n presence_penalty seed stop stream
stream_options suffix temperature top_p user lora_request prompt_ignore_length use_beam_search top_k top_p_min min_p
repetition_penalty length_penalty early_stopping stop_token_ids include_stop_str_in_output ignore_eos min_tokens
skip_special_tokens spaces_between_special_tokens truncate_prompt_tokens return_context_logits detokenize
thinking_token_budget add_special_tokens response_format disaggregated_params priority conversation_params
""".split())


def models(owner: str) -> dict:
    return {"object": "list", "data": [{"id": "big", "object": "model", "owned_by": owner}]}


def chunks(ids: bool, **last) -> list[dict]:
    """Events of SIZES tokens each, WORDS in all; `last` goes into the choice that ends them."""
    events, at = [], 0
    for size in SIZES:
        words = [f" {word}" for word in WORDS[at : at + size]]
        at += size
        choice = {"index": 0, "text": "".join(words), "finish_reason": None,
                  "logprobs": {"tokens": words, "token_logprobs": [-0.5] * size, "text_offset": [], "top_logprobs": []}}
        if ids:
            choice["token_ids"] = list(range(100 + at - size, 100 + at))
        events.append({"id": "x", "model": "big", "choices": [choice],
                       "usage": {"prompt_tokens": 5, "completion_tokens": at, "total_tokens": 5 + at}})
    events[-1]["choices"][0] |= {"finish_reason": "length", **last}
    return events


def sglang(info: dict, details: dict | None) -> dict:
    end = [{"choices": [], "sglext": {"spec_tokens_details": details}}] if details else []
    return {"/v1/models": models("sglang"), "/get_server_info": {"version": "0.5.23", **info},
            "/v1/completions": sse(*chunks(True), *end, {"choices": [], "usage": {"prompt_tokens": 5,
                                                                                    "completion_tokens": 15}})}


CHAIN = {"speculative_algorithm": "EAGLE3", "speculative_draft_model_path": "head", "speculative_eagle_topk": 1,
         "speculative_num_draft_tokens": 4, "speculative_adaptive": False}
DETAILS = {"spec_verify_ct": 5, "spec_num_correct_drafts": 9, "spec_num_proposed_drafts": 15, "spec_accept_rate": 0.6,
           "spec_accept_length": 3.0, "spec_correct_drafts_histogram": [1, 1, 1, 2]}


def test_sglang_tells_each_pass_of_a_fixed_chain(tmp_path):
    with serving(sglang(CHAIN, DETAILS)) as (url, asked):
        trace = run(url, limit=15)
    body = asked[-1][1]
    assert body["return_spec_tokens_details"] and body["return_token_ids"] and asked[-1][0] == "/v1/completions"
    check(trace, tmp_path)
    assert trace.text == "".join(f" {word}" for word in WORDS) and trace.token_ids == list(range(100, 115))
    assert [(len(step.nodes), len(step.accepted)) for step in trace.steps] == [(3, 2), (3, 0), (3, 3), (3, 1), (3, 3)]
    assert all(step.told for step in trace.steps) and trace.run.head["name"] == "EAGLE3 head"
    assert trace.run.server["counts"]["mean_acceptance_length"] == trace.tau == 1 + 9 / 5
    assert abs(trace.steps[0].rows[0].prob - 0.6065) < 1e-3 and trace.run.prompt_tokens == [UNKNOWN] * 5
    assert lane_summary(trace, None)["drafted"] == 15


def test_sglang_keeps_a_tree_to_itself_and_tells_of_merged_passes(tmp_path):
    with serving(sglang({**CHAIN, "speculative_eagle_topk": 4}, DETAILS)) as (url, _):
        tree = run(url, limit=15)
    check(tree, tmp_path)
    assert not any(step.told for step in tree.steps) and by_depth([tree]).empty
    assert [len(step.nodes) for step in tree.steps] == [2, 0, 3, 1, 3] and lane_summary(tree, None)["drafted"] == 15
    with serving(sglang(CHAIN, {**DETAILS, "spec_verify_ct": 7, "spec_num_correct_drafts": 7})) as (url, _):
        merged = run(url, limit=15)
    assert merged.tau == 14 / 7 and not any(step.told for step in merged.steps) and len(merged.steps) == 5
    with serving(sglang({"speculative_algorithm": None}, None)) as (url, _):
        assert all(step.told for step in run(url).steps)


def test_tensorrt_llm_is_asked_only_what_it_knows(tmp_path):
    page = "trtllm_spec_decode_drafted_tokens_total{a=\"b\"} %d\ntrtllm_spec_decode_accepted_tokens_total{a=\"b\"} %d\n"
    refused = []

    def completions(handler, body):
        refused.extend(set(body) - TRT_FIELDS)
        refused.extend(set(body["stream_options"]) - {"include_usage", "continuous_usage_stats"})
        return sse(*chunks(False, avg_decoded_tokens_per_iter=15 / 6))

    routes = {"/v1/models": models("tensorrt_llm"), "/version": {"version": "1.2.1"}, "/v1/completions": completions,
              "/prometheus/metrics": [page % (100, 40), page % (115, 49)]}
    with serving(routes) as (url, _):
        trace = run(url, limit=15, sampling=Sampling(0.7, 5, 0.9, 0.1, 3))
    assert refused == []
    check(trace, tmp_path)
    assert trace.text == "".join(f" {word}" for word in WORDS) and len(set(trace.token_ids)) == 15
    assert max(trace.token_ids) < UNKNOWN and trace.distinct_4grams == 1.0  # no ids are told, but each token's text is
    assert [trace.run.pieces[token] for token in trace.token_ids] == [f" {word}" for word in WORDS]
    assert [len(step.accepted) for step in trace.steps] == [2, 0, 3, 1, 3] and trace.tau == 14 / 5
    assert not any(step.told for step in trace.steps)
    counts = trace.run.server["counts"]
    assert (counts["num_draft_tokens"], counts["num_accepted_draft_tokens"], counts["num_spec_steps"]) == (15, 9, 5)
    routes |= {"/v1/completions": sse(*chunks(False, avg_decoded_tokens_per_iter=15 / 8)),
               "/prometheus/metrics": [page % (0, 0), page % (500, 300)]}
    with serving(routes) as (url, _):
        other = run(url)
    assert other.run.server["passes"] == 7 and other.tau == 14 / 7 and other.run.server["counts"] == {}


def test_a_character_over_two_chunks_belongs_to_the_token_that_completes_it():
    def event(text, pieces, **choice):
        logs = {"tokens": pieces, "token_logprobs": [-1.0] * len(pieces)}
        return {"choices": [{"text": text, "logprobs": logs, "token_ids": list(range(len(pieces))), **choice}]}

    stream = sse(event("", ["\ufffd"]), event("狐x", ["\ufffd", "x"]), event("", [""], finish_reason="stop"))
    with serving({"/v1/models": models("vllm"), "/v1/completions": stream}) as (url, _):
        trace = run(url)
    assert trace.text == "狐x" and [step.texts for step in trace.steps] == [["", "狐x"], [""]]
    assert trace.run.first_text == "" and trace.end == {"reason": "stop"}


@pytest.mark.parametrize("seed", range(20))
def test_alignment_finds_the_passes_behind_merged_chunks(seed):
    rng = random.Random(seed)
    passes = [(rng.choice([0, 1, 2, 4]), rng.random() < 0.7) for _ in range(40)]
    passes = [(count if drafted else 0, drafted) for count, drafted in passes]
    accepted = [count for count, drafted in passes if drafted]
    sizes = [count + 1 for count, _ in passes]
    found = align(sizes, accepted)
    assert found is not None and all(len(mine) == 1 for mine in found)  # unmerged: every chunk is one pass
    assert [accepted[mine[0]] + 1 if mine[0] >= 0 else 1 for mine in found] == sizes
    assert [mine[0] for mine in found if mine[0] >= 0] == list(range(len(accepted)))
    cut = [*sizes[:-1], max(1, sizes[-1] - 1)]
    assert align(cut, accepted) is not None or not passes[-1][1]
    merged, rest = [], sizes[:]
    while rest:
        take = rng.choice([1, 1, 2])
        merged.append(sum(rest[:take]))
        rest = rest[take:]
    found = align(merged, accepted)
    if found is not None:
        for size, mine in zip(merged, found, strict=True):
            assert size == sum(accepted[place] + 1 if place >= 0 else 1 for place in mine) or mine is found[-1]
        assert [place for mine in found for place in mine if place >= 0] == list(range(len(accepted)))


def test_alignment_as_measured():
    assert align([1, 1, 2, 1, 2, 3, 5, 5, 5, 1, 2, 2, 4, 5, 5, 3], [1, 0, 1, 2, 4, 4, 4, 1, 1, 3, 4, 4, 4]) == \
        [[-1], [-1], [0], [1], [2], [3], [4], [5], [6], [-1], [7], [8], [9], [10], [11], [12]]
    assert align([5, 2], [3, 1]) == [[0, -1], [1]]  # four tokens and a plain one came together
    assert align([2, 2], [1]) == [[0], [-1, -1]]
    assert align([1, 1], [4]) == [[-1], [0]] and align([3], [1, 1, 1]) is None and align([], []) == []


def test_pages_of_counters():
    page = ('# HELP a x\n# TYPE a counter\na{model="m",engine="0"} 3.0\na{model="m",engine="1"} 4\n'
            'b_total 1.5e1 1700000000\np{position="0"} 2\np{position="1"} 1\nbroken{ 7\na{model="q\\"}"} 1\n'
            'c nan\n<html>\n')
    read = metrics.read(page, ("a", "b_total", "p", "missing"))
    assert read == {"a": 8.0, "b_total": 15.0, "p 0": 2.0, "p 1": 1.0}
    grown = metrics.growth({"a": 5.0, "p 0": 2.0}, read)
    assert grown == {"a": 3, "b_total": 15, "p 0": 0, "p 1": 1} and metrics.positions(grown, "p") == [0, 1]


@pytest.mark.parametrize("engine, strategy", itertools.product(servers(), strategies()))
def test_every_engine_has_a_line_or_a_sentence_for_every_strategy(engine, strategy):
    line, note = servers()[engine].launch(strategy, Wish("my model", "my'head", 3))
    tree, more = servers()[engine].launch(strategy, Wish("my model", "my'head", 3, tree=True))
    assert (line or note.endswith(".")) and (tree is None) == (line is None)
    if line and strategy == "eagle3":
        assert tree != line if engine in ("sglang", "tensorrt_llm") else "chains only" in more
    if line and "serve.yaml" not in line:
        words = shlex.split(line)
        assert "my model" in words
        if "--speculative-config" in words:
            config = json.loads(words[words.index("--speculative-config") + 1])
            assert config["num_speculative_tokens"] == 3 and config["method"]
            assert ("model" in config) == (strategy in ("draft", "eagle", "eagle3", "medusa"))
        if strategy in ("draft", "eagle3") and engine != "vllm":
            assert "my'head" in words and ("3" in words)
    assert (line is None) == (strategy in servers()[engine]._CANNOT)


def test_lists_of_servers(monkeypatch):
    monkeypatch.setenv(ENVIRONMENT, "a=http://h:1/v1  b=https://[::1]:2,baseline")
    assert listed(from_environment()) == [Listed("a", "http://h:1/v1"), Listed("b", "https://[::1]:2", True)]
    assert listed(["a=h:1"])[0].lane == "server_a" and not set(strategies()) & {"server_a"}
    for entries, word in ((["x"], "NAME=URL"), (["A b=h:1"], "small letters"), (["a=h:1", "a=h:2"], "Two servers"),
                          (["a=ftp://h"], "address"), (["a=h:99999"], "address"), (["a="], "address"),
                          (["a=http://h:1/?q"], "address")):
        with pytest.raises(UserError, match=word):
            listed(entries)
