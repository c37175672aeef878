"""Servers that do not do what was asked: one sentence each, and never a wait without end."""

import time

import pytest

from mtpviz.engine.sampling import Sampling
from mtpviz.errors import UserError
from mtpviz.serving.client import Client, Patience
from mtpviz.serving.lane import ServerLane
from mtpviz.serving.server import Listed, find
from tests.serving.loopback import recorded, serving, sse, vllm

SHORT = Patience(document=0.3, silence=0.4, total=0.8)
EVENTS = recorded("vllm_completions_stream.sse").split(b"\n\n")


def hang(handler, body):
    time.sleep(1.2)
    handler.close_connection = True
    handler.said = True


def hang_midway(handler, body):
    handler.open_stream()
    handler.chunk(b"\n\n".join(EVENTS[:4]) + b"\n\n")
    hang(handler, body)


def trickle(handler, body):
    handler.open_stream()
    for _ in range(30):
        try:
            handler.chunk(b":")
        except OSError:
            break
        time.sleep(0.1)
    handler.close_connection = True


def old_trickle(handler, body):
    """As HTTP/1.0 does it: the end of the connection is the end of the answer."""
    handler.said = True
    handler.send_response(200)
    handler.send_header("Content-Type", "text/event-stream")
    handler.send_header("Connection", "close")
    handler.end_headers()
    handler.wfile.write(b"\n\n".join(EVENTS[:4]) + b"\n\n")
    for _ in range(30):
        try:
            handler.wfile.write(b":\n")
        except OSError:
            break
        time.sleep(0.1)


def close_midway(handler, body):
    handler.open_stream()
    handler.chunk(b"\n\n".join(EVENTS[:4]) + b"\n\n")
    handler.close_connection = True


def end_midway(handler, body):
    return b"\n\n".join(EVENTS[:4]) + b"\n\n"


def error(status, data=b"", kind="application/json"):
    return lambda handler, body: handler.say(status, kind, data)


def shape(**choice):
    return sse({"choices": [{"text": "x", **choice}]})


@pytest.mark.parametrize("answer, words, tokens", [
    (hang, "has not answered /v1/completions within 0.4 s", 0),
    (hang_midway, "has not answered /v1/completions within 0.4 s", 5),
    (trickle, "has not answered /v1/completions within 0.8 s", 0),
    (old_trickle, "has not answered /v1/completions within 0.8 s", 5),
    (close_midway, "broke off its answer to /v1/completions", 5),
    (end_midway, "broke off after 5 tokens", 5),
    (error(404, b'{"detail":"Not Found"}'), "answered 404 (Not Found) to /v1/completions: Not Found.", 0),
    (error(400, b'{"error":{"message":"Extra inputs"}}'), "400 (Bad Request) to /v1/completions: Extra inputs.", 0),
    (error(500, b"<html>Oops</html>", "text/html"), "answered 500 (Internal Server Error) to /v1/completions.", 0),
    (error(302, b""), "answered 302 (Found)", 0),
    (error(200, b"<html>Hello</html>", "text/html"), "with text/html where an event stream belongs", 0),
    (b"data: {nonsense\n\n", "an event that is no JSON object", 0),
    (b"data: [1]\n\n", "an event that is no JSON object", 0),
    (b"data: " + b"[" * 100_000 + b"\n\n", "an event that is no JSON object", 0),
    (b"hello\n\nworld\n\n", "ended its answer without a token", 0),
    (b"\xff\xfe\x00garbage" * 50 + b"\n\n", "ended its answer without a token", 0),
    (b"\n\n".join([*EVENTS[:3], b'data: {"error":{"message":"CUDA\\u0007 is out"}}\n\n']), "CUDA is out.", 3),
    (shape(token_ids=["x"]), "in a form that mtpviz does not know of vLLM 0.32.0", 0),
    (sse({"choices": 3}), "in a form that mtpviz does not know", 0),
    (sse({"choices": [{"text": "x", "logprobs": [1]}]}), "in a form that mtpviz does not know", 0),
])
def test_a_stream_that_fails_ends_its_lane_with_a_sentence(answer, words, tokens):
    with serving(vllm(**{"/v1/completions": answer})) as (url, _):
        listed = Listed("one", url)
        lane = ServerLane(listed, listed.find(SHORT), "a", Sampling(), 48)
        began = time.monotonic()
        for _ in lane.listen():
            pass
        lane.prefill()
        while not lane.done:
            lane.step()
        assert time.monotonic() - began < 1.6
    trace = lane.trace
    assert trace.end["reason"] == "failed" and words in trace.end["error"] and url in trace.end["error"]
    assert trace.end["error"].count(". ") == 0 and trace.end["error"].endswith(".")
    assert len(trace.token_ids) == tokens


@pytest.mark.parametrize("answer, words", [
    (hang, "has not answered /v1/models within 0.3 s"),
    (None, "answered 404 (Not Found) to /v1/models"),
    (error(200, b"<html>", "text/html"), "something that is no JSON object"),
    (error(401, b'{"error":"Unauthorized"}'), "401 (Unauthorized) to /v1/models: Unauthorized."),
    ([[1, 2]], "something that is no JSON object"),
    ({"data": []}, "none of the servers that are known here: llama.cpp, SGLang, TensorRT-LLM, vLLM."),
    ({"data": [{"id": "x", "owned_by": "openai"}]}, "none of the servers that are known here"),
    ({"data": [{"id": "x", "owned_by": "llamacpp", "meta": 3}]}, "tells of itself in a form that mtpviz does not know"),
    ({"data": "x"}, "none of the servers that are known here"),
    (lambda handler, body: "x" * (5 << 20), "more than 4 MiB"),
])
def test_who_answers_is_known_or_a_sentence(answer, words):
    with serving({"/v1/models": answer}) as (url, _), pytest.raises(UserError) as caught:
        find(Client(url, patience=SHORT))
    assert words in str(caught.value) and url in str(caught.value)


def test_nobody_answers():
    with serving({}) as (url, _):
        pass
    with pytest.raises(UserError, match="Nothing answers at http.*; start the server or correct its address."):
        find(Client(url, patience=SHORT))
    with pytest.raises(UserError, match="Nothing answers at http://x"):
        find(Client("x" * 300, patience=SHORT))
    with pytest.raises(UserError, match="Nothing answers at http://nowhere.invalid:80"):
        find(Client("nowhere.invalid", patience=SHORT))


def test_a_lane_that_is_left_leaves_its_server():
    ended = []

    def endless(handler, body):
        handler.open_stream()
        try:
            while True:
                handler.chunk(EVENTS[0] + b"\n\n")
                time.sleep(0.01)
        except OSError:
            ended.append(time.monotonic())
        handler.close_connection = True

    with serving(vllm(**{"/v1/completions": endless})) as (url, _):
        listed = Listed("one", url)
        lane = ServerLane(listed, listed.find(), "a", Sampling(), 48)
        beats = lane.listen()
        next(beats)
        beats.close()
        left = time.monotonic()
        while not ended and time.monotonic() - left < 3:
            time.sleep(0.02)
        lane.close()
    assert ended and lane.trace.end == {"reason": "cancelled"}


def test_a_key_goes_to_its_own_server_alone(monkeypatch):
    seen = []

    def models(handler, body):
        seen.append(handler.headers["Authorization"])
        return recorded("vllm_models.json")

    monkeypatch.setenv("MTPVIZ_SERVER_KEY_MINE", "secret")
    with serving(vllm(**{"/v1/models": models})) as (url, _):
        Listed("mine", url.replace("http://", "http://user:word@")).find()
        Listed("other", url).find()
    assert seen == ["Bearer secret", None]
    assert Client("http://user:word@host:1/path/v1").where == "http://host:1"
