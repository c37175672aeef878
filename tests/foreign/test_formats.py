"""Other programs' files: what they tell becomes a lane, what they do not is said, and a damaged one is a sentence."""

import gzip
import json
from pathlib import Path

import pytest

from mtpviz import discover
from mtpviz.analysis.acceptance import by_depth
from mtpviz.chinese.phrases import PHRASES
from mtpviz.errors import UserError
from mtpviz.export import read, write
from mtpviz.foreign import specbench, untold, vllm
from mtpviz.trace import UNKNOWN, dump, lines
from tests.traces import example_race

ANSWER = json.loads((Path(__file__).parent / "vllm_completions.json").read_text(encoding="utf-8"))  # of vLLM 0.32


def opened(tmp_path, *records, name="answers.jsonl"):
    (tmp_path / name).write_text("\n".join(json.dumps(record) for record in records), encoding="utf-8")
    return read(tmp_path / name)


def question(number: int, category: str, lengths: list[int], **more) -> dict:
    return {"question_id": number, "category": category, "model_id": "vicuna-7b-eagle2", "tstamp": 1.7e9, "choices": [
        {"index": 0, "turns": ["A text.", "Another."], "decoding_steps": [len(lengths)], "new_tokens": [9],
         "wall_time": [0.5], "accept_lengths": lengths, **more}]}


def test_a_vllm_answer(tmp_path):
    [trace] = opened(tmp_path, ANSWER, name="answer.json")
    counts = ANSWER["metrics"]["speculative_decoding"]
    drafted = [step for step in trace.steps if step.nodes]
    assert [len(step.accepted) for step in drafted] == counts["per_step_accepted"]
    assert [len(step.nodes) for step in drafted] == counts["per_step_drafted"]
    assert trace.token_ids == ANSWER["choices"][0]["token_ids"]
    assert trace.run.prefill_ms == ANSWER["metrics"]["time_to_first_token_ms"]
    assert abs(trace.decode_ms - ANSWER["metrics"]["generation_time_ms"]) < 1e-3
    rejected = [step.nodes[len(step.accepted)].token for step in drafted if len(step.nodes) > len(step.accepted)]
    assert rejected and set(rejected) == {UNKNOWN}
    table = by_depth([trace])
    assert table.drafted.iloc[0] == counts["num_spec_steps"]
    assert abs(table.prefix.sum() - counts["num_accepted_draft_tokens"] / counts["num_spec_steps"]) < 1e-9
    assert untold([trace]) == [vllm.TOKENS, vllm.TIMES, vllm.PLAIN] and trace.run.peer and not trace.run.sampling


def test_a_vllm_answer_with_texts_and_without_times(tmp_path):
    answer = json.loads(json.dumps(ANSWER))
    for name in ("time_to_first_token_ms", "generation_time_ms"):
        del answer["metrics"][name]
    answer["choices"][0]["token_ids"] = None
    texts = [f" {number % 7}" for number in range(answer["usage"]["completion_tokens"])]
    answer["choices"][0]["logprobs"] = {"tokens": texts}
    [first, second] = opened(tmp_path, answer, ANSWER)
    assert first.text == "".join(texts) and max(first.token_ids) < UNKNOWN and len(set(first.token_ids)) == 7
    assert first.clock_ms == len(first.steps) and vllm.CLOCK in first.end["untold"]
    assert [first.run.title, second.run.title] == ["vLLM 1", "vLLM 2"]


def test_spec_bench_answers(tmp_path):
    asked = [question(81, "writing", [1, 3, 5]), question(82, "writing", [2, 2]), question(161, "translation", [4])]
    traces = opened(tmp_path, *asked)
    assert [trace.run.title for trace in traces] == ["writing 81", "translation 161"]
    assert [len(step.emitted) for step in traces[0].steps] == [1, 3, 5] and traces[0].tau == 3
    assert traces[0].clock_ms == 500 and by_depth(traces).empty  # how many were drafted is not told
    assert "3 questions in 2 categories" in untold(traces)[-1] and "2.83 tokens per pass" in untold(traces)[-1]


def test_what_is_not_told_goes_along(tmp_path):
    traces = opened(tmp_path, ANSWER)
    for name in ("race.jsonl.gz", "race.parquet", "race.html", "race.svg", "race.csv"):
        write(traces, tmp_path / name)
    assert read(tmp_path / "race.jsonl.gz") == read(tmp_path / "race.parquet") == traces
    (tmp_path / "answer.jsonl.gz").write_bytes(gzip.compress(json.dumps(ANSWER).encode()))
    assert [*lines(read(tmp_path / "answer.jsonl.gz")[0])] == [*lines(traces[0])]


@pytest.mark.parametrize("name", sorted(discover.plots()))
def test_every_figure_takes_such_lanes(name, tmp_path):
    race = opened(tmp_path, ANSWER) + opened(tmp_path, question(81, "writing", [1, 3, 5]))
    assert discover.plots()[name].figure(race, "light").to_plotly_json()


def test_our_own_files_are_read_as_before(tmp_path):
    dump(example_race(), tmp_path / "race.jsonl")
    assert len(read(tmp_path / "race.jsonl")) == 3 and untold(read(tmp_path / "race.jsonl")) == []
    for data, sentence in ((b'{"a": 1}', "not a whole mtpviz trace"), (b"", "not a whole mtpviz trace")):
        (tmp_path / "race.json").write_bytes(data)
        with pytest.raises(UserError, match=sentence):
            read(tmp_path / "race.json")


def test_damaged_ones_are_a_sentence(tmp_path):
    def changed(change):
        answer = json.loads(json.dumps(ANSWER))
        change(answer)
        return answer

    metrics = ("metrics", "speculative_decoding")
    bad = {
        "accepts in 1 passes": changed(lambda a: a[metrics[0]][metrics[1]].update(per_step_accepted=[1])),
        "a drafted length is -1": changed(lambda a: a[metrics[0]][metrics[1]].update(per_step_drafted=[-1] * 13)),
        "completion tokens is None": changed(lambda a: a.update(usage=None)),
        "no accept_lengths": {"question_id": 1, "choices": [{"turns": []}]},
        "the wall time": question(1, "a", [1], wall_time=[0]),
        "an accepted length is 'x'": question(1, "a", ["x"]),
    }
    for words, record in bad.items():
        with pytest.raises(UserError, match=words) as caught:
            opened(tmp_path, record)
        assert str(caught.value).startswith("answers.jsonl looks like a ") and str(caught.value).endswith(").")


def test_their_sentences_are_translated():
    assert not [said for said in (vllm.TOKENS, vllm.TIMES, vllm.CLOCK, vllm.PLAIN, specbench.TOKENS, specbench.TIMES)
                if said not in PHRASES]
