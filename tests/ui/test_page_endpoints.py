"""The endpoints that gradio_client calls: whole traces, one sentence for bad input, ten clients at once."""

import json
import time
from concurrent.futures import ThreadPoolExecutor

import pytest
from gradio_client import Client

from mtpviz.trace import loads
from mtpviz.ui.page import LAUNCH_KW, build
from tests.traces import example_race
from tests.ui.scripted import ScriptedResident


@pytest.fixture(scope="module")
def served():
    resident = ScriptedResident(example_race(), pause=0.001)
    page = build(resident, [])
    _, url, _ = page.launch(server_name="127.0.0.1", prevent_thread_lock=True, **LAUNCH_KW)
    yield url, resident
    page.close(verbose=False)


def test_trace_gives_the_records_of_a_trace_file(served):
    url, _ = served
    records = Client(url, verbose=False).predict("Once", ["draft"], 16, api_name="/trace")
    traces = loads("\n".join(json.dumps(record) for record in records).encode())
    assert [trace.text for trace in traces] == [trace.text for trace in example_race()]
    assert all(trace.run.prompt == "Once" for trace in traces)


def test_both_are_documented_for_clients(served):
    url, _ = served
    told = Client(url, verbose=False).view_api(return_format="dict")["named_endpoints"]
    assert {"/race", "/trace"} <= set(told) and not any("stage" in name for name in told)
    for name in ("/race", "/trace"):
        names = [entry["parameter_name"] for entry in told[name]["parameters"]]
        assert names[:3] == ["prompt", "strategies", "max_new_tokens"]


def test_bad_input_is_one_sentence(served):
    url, _ = served
    for name in ("/race", "/trace"):
        with pytest.raises(Exception, match="The prompt is empty"):
            Client(url, verbose=False).predict("", api_name=name)


def test_ten_clients_at_once_each_get_their_own_whole_text(served, monkeypatch):
    url, resident = served
    monkeypatch.setattr(resident, "pause", 0.004)
    prompts = [f"prompt number {i}" for i in range(10)]
    clients = [Client(url, verbose=False) for _ in prompts]
    with ThreadPoolExecutor(10) as pool:
        jobs = list(pool.map(lambda client, prompt: client.submit(prompt, api_name="/race"), clients, prompts))
    ranks = set()
    while not all(job.done() for job in jobs):
        ranks |= {rank for job in jobs if (rank := job.status().rank) is not None}
        time.sleep(0.02)
    for job, prompt in zip(jobs, prompts, strict=True):
        document = job.result()
        assert document["prompt"] == prompt
        assert [lane["text"] for lane in document["lanes"]] == [trace.text for trace in example_race()]
    assert len(ranks) >= 3, ranks  # a client in the queue is told its place, and it moves
