"""A server on loopback that says what a test tells it to say."""

import json
import threading
import time
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

RECORDED = Path(__file__).parent / "recorded"


@contextmanager
def serving(routes: dict, pieces: int | None = None):
    """Serve `routes` by path: bytes (an event stream), a dict (JSON), a str (plain text), a list of these (one a call),
    or a callable that gets the handler and the request's JSON and may return one of these. Streams are sent in `pieces`
    parts. Yields the address and the list of (path, JSON) that were asked."""
    asked: list[tuple[str, dict]] = []

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def log_message(self, *_):
            pass

        def do_GET(self):
            self.answer({})

        def do_POST(self):
            self.answer(json.loads(self.rfile.read(int(self.headers["Content-Length"]))))

        def answer(self, body):
            asked.append((self.path, body))
            found = routes.get(self.path)
            if isinstance(found, list):
                found = found.pop(0) if len(found) > 1 else found[0]
            if callable(found):
                found = found(self, body)
            if found is None:
                if not getattr(self, "said", False):
                    self.say(404, "application/json", b'{"detail":"Not Found"}')
            elif isinstance(found, bytes):
                self.stream(found)
            elif isinstance(found, str):
                self.say(200, "text/plain; version=0.0.4", found.encode())
            else:
                self.say(200, "application/json", json.dumps(found).encode())

        def say(self, status, kind, data):
            self.said = True
            self.send_response(status)
            self.send_header("Content-Type", kind)
            self.send_header("Content-Length", str(len(data)))
            self.end_headers()
            self.wfile.write(data)

        def open_stream(self):
            self.said = True
            self.send_response(200)
            self.send_header("Content-Type", "text/event-stream")
            self.send_header("Transfer-Encoding", "chunked")
            self.end_headers()

        def chunk(self, data):
            self.wfile.write(b"%x\r\n%s\r\n" % (len(data), data))
            self.wfile.flush()

        def stream(self, data):
            self.open_stream()
            events = data.split(b"\n\n")
            for index, event in enumerate(events[:-1]):
                self.chunk(event + b"\n\n")
                if pieces and index < pieces:
                    time.sleep(0.005)
            self.wfile.write(b"0\r\n\r\n")

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True).start()
    try:
        yield f"http://127.0.0.1:{server.server_port}", asked
    finally:
        server.shutdown()
        server.server_close()


def recorded(name: str):
    """A recorded file: JSON as data, a stream as bytes, a page as text."""
    data = (RECORDED / name).read_bytes()
    return json.loads(data) if name.endswith(".json") else data if name.endswith(".sse") else data.decode()


def sse(*events: dict) -> bytes:
    """An event stream in OpenAI's manner."""
    return b"".join(b"data: " + json.dumps(event).encode() + b"\n\n" for event in events) + b"data: [DONE]\n\n"


def vllm(**changes) -> dict:
    """The recorded vLLM."""
    return {"/v1/models": recorded("vllm_models.json"), "/version": recorded("vllm_version.json"),
            "/v1/completions": recorded("vllm_completions_stream.sse"), **changes}


def llama_cpp(**changes) -> dict:
    """The recorded llama.cpp; its tokenizer gives as many ids as the prompt had."""
    return {"/v1/models": recorded("llamacpp_models.json"), "/props": recorded("llamacpp_props.json"),
            "/tokenize": {"tokens": list(range(23))}, "/completion": recorded("llamacpp_completion_stream.sse"),
            **changes}
