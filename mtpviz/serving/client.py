"""HTTP to a server: small documents and event streams. Nothing here waits longer than its patience, whatever comes."""

from __future__ import annotations

import http.client
import json
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from urllib.parse import urlsplit

from mtpviz.errors import UserError

DOCUMENT_BYTES = 4 * 2**20
STREAM_BYTES = 64 * 2**20


@dataclass(frozen=True)
class Patience:
    """Seconds. document: for a whole small document. silence: between two signs of life of a stream, and before its
    first. total: for a whole stream."""

    document: float = 5.0
    silence: float = 30.0
    total: float = 600.0


class Failure(UserError):
    """A server did not do what was asked of it: one sentence, which names its address."""


class Client:
    """Speaks to the server at `url`: http or https, with the path before `/v1` if there is one. key: sent as a bearer
    token. `where` is the address as it may be shown, without path, user and password. Redirects are not followed."""

    def __init__(self, url: str, key: str = "", patience: Patience | None = None):
        self.patience, self.key = patience or Patience(), key
        try:
            parts = urlsplit(url if "://" in url else f"http://{url}")
            port = parts.port
        except ValueError:
            parts, port = urlsplit(""), None
        if parts.scheme not in ("http", "https") or not parts.hostname or parts.query or parts.fragment:
            raise UserError(f"{url!r} is no server's address; one like http://127.0.0.1:8000 is right.")
        self.secure, self.host = parts.scheme == "https", parts.hostname
        self.port = port or (443 if self.secure else 80)
        self.path = parts.path.rstrip("/").removesuffix("/v1")
        name = f"[{self.host}]" if ":" in self.host else self.host
        self.where = f"{parts.scheme}://{name}:{self.port}"
        self.link: socket.socket | None = None  # of the exchange that is going on

    def abort(self) -> None:
        """End the exchange that is going on in another thread; there it fails."""
        try:
            self.link.shutdown(socket.SHUT_RDWR)
        except (OSError, AttributeError):  # not connected yet, or no more
            pass

    def text(self, path: str, body: dict | None = None) -> str:
        """The document at `path`; with a body, the answer to it. Raises Failure."""
        with self._exchange(path, body, self.patience.document, self.patience.document) as response:
            data = b""
            while piece := response.read1(65536):
                data += piece
                if len(data) > DOCUMENT_BYTES:
                    raise Failure(f"{self.where} sent more than {DOCUMENT_BYTES >> 20} MiB for {path}.")
            return data.decode("utf-8", "replace")

    def json(self, path: str, body: dict | None = None) -> dict:
        """The same, a JSON object. Raises Failure."""
        text = self.text(path, body)
        try:
            found = json.loads(text)
        except (ValueError, RecursionError):
            found = None
        if not isinstance(found, dict):
            raise Failure(f"{self.where} answered {path} with something that is no JSON object; "
                          "it is none of the servers that are known here.")
        return found

    def offered(self, path: str, body: dict | None = None) -> dict:
        """The same where it is offered, else an empty one."""
        try:
            return self.json(path, body)
        except Failure:
            return {}

    def events(self, path: str, body: dict) -> Iterator[tuple[float, str]]:
        """(seconds since the request was sent, data) of each server-sent event of the answer to `body`, as it arrives;
        the stream's closing `[DONE]` is not told. Raises Failure for whatever is no event stream."""
        start = time.perf_counter()
        with self._exchange(path, body, self.patience.silence, self.patience.total) as response:
            kind = response.headers.get_content_type()
            if kind != "text/event-stream":
                raise Failure(f"{self.where} answered {path} with {kind} where an event stream belongs.")
            rest, lines, size = b"", [], 0
            while piece := response.read1(65536):
                now, size = time.perf_counter() - start, size + len(piece)
                if size > STREAM_BYTES:
                    raise Failure(f"{self.where} sent more than {STREAM_BYTES >> 20} MiB.")
                *whole, rest = (rest + piece).split(b"\n")
                for line in whole:
                    line = line.removesuffix(b"\r")
                    if line.startswith(b"data:"):
                        lines.append(line[5:].removeprefix(b" "))
                    elif not line and lines:
                        data, lines = b"\n".join(lines).decode("utf-8", "replace"), []
                        if data == "[DONE]":
                            return
                        yield now, data

    @contextmanager
    def _exchange(self, path: str, body: dict | None, silence: float, total: float
                  ) -> Iterator[http.client.HTTPResponse]:
        kind = http.client.HTTPSConnection if self.secure else http.client.HTTPConnection
        connection = kind(self.host, self.port, timeout=min(silence, self.patience.document))
        late, self.link = threading.Event(), None

        def give_up() -> None:
            late.set()
            self.abort()

        watch = threading.Timer(total, give_up)  # holds for one who sends a byte now and then, too
        watch.daemon = True
        watch.start()
        try:
            headers = {"Accept": "text/event-stream, application/json", "User-Agent": "mtpviz"}
            headers |= {"Authorization": f"Bearer {self.key}"} if self.key else {}
            connection.connect()
            self.link = connection.sock  # http.client forgets it where the answer's end is the connection's
            self.link.settimeout(silence)
            if body is None:
                connection.request("GET", self.path + path, headers=headers)
            else:
                connection.request("POST", self.path + path, json.dumps(body), {**headers, "Content-Type":
                                                                               "application/json"})
            response = connection.getresponse()
            if response.status != 200:
                raise Failure(f"{self.where} answered {response.status} ({response.reason}) to {path}"
                              f"{_reason(response.read1(65536))}.")
            yield response
            if late.is_set():  # a shut socket reads like an end
                raise TimeoutError
        except (http.client.HTTPException, OSError, UnicodeError) as error:
            if self.link is None:
                raise Failure(f"Nothing answers at {self.where} ({_short(error)}); start the server or correct its "
                              "address.") from None
            if late.is_set() or isinstance(error, TimeoutError):
                limit = total if late.is_set() else silence
                raise Failure(f"{self.where} has not answered {path} within {limit:g} s.") from None
            raise Failure(f"{self.where} broke off its answer to {path} ({_short(error)}).") from None
        finally:
            watch.cancel()
            connection.close()


def payload(data: str, where: str) -> dict:
    """The JSON object in an event's data. Raises Failure for anything else, and for an error that the server tells."""
    try:
        found = json.loads(data)
    except (ValueError, RecursionError):
        found = None
    if not isinstance(found, dict):
        raise Failure(f"{where} sent an event that is no JSON object.")
    if found.get("error") or found.get("object") == "error":
        raise Failure(f"{where} broke off{_reason(data.encode())}.")
    return found


def _reason(data: bytes) -> str:
    """What an error document says, behind a colon; nothing where it says nothing that could be shown."""
    try:
        found = json.loads(data)
    except (ValueError, RecursionError):
        return ""
    for key in ("error", "message", "detail"):
        if isinstance(found, dict) and found.get(key):
            found = found[key]
    return f": {one_line(found).rstrip('.')}" if isinstance(found, str) else ""


def one_line(text: str) -> str:
    """One printable line of at most 200 characters."""
    line = " ".join("".join(c if c.isprintable() else " " for c in text).split())
    return line if len(line) <= 200 else line[:199] + "…"


def _short(error: BaseException) -> str:
    return one_line(getattr(error, "strerror", None) or str(error) or type(error).__name__)
