"""A model folder's tokenizer, and the text of a growing list of ids, each token in constant time."""

from __future__ import annotations

import codecs
import json
import re
from collections.abc import Iterable
from functools import lru_cache
from pathlib import Path

import tokenizers

from mtpviz.errors import UserError

_BYTE_TOKEN = re.compile(r"<0x([0-9A-F]{2})>")
_SPACE = {"type": "Replace", "pattern": {"String": "\u2581"}, "content": " "}
_STRIP = {"type": "Strip", "content": " ", "start": 1, "stop": 0}
_SENTENCEPIECE = (_SPACE, {"type": "ByteFallback"}, {"type": "Fuse"}, _STRIP)


class Tokenizer:
    """Text to ids and back: byte-level BPE (GPT-2, Llama 3, Qwen) and SentencePiece-like (Llama 2, Mistral)
    ones.

    Reads tokenizer.json; a folder without one goes through transformers' AutoTokenizer. UserError where
    neither works.
    """

    def __init__(self, folder: str | Path):
        folder = Path(folder)
        self._backend = _load(folder)
        steps = _decoder_steps(self._backend)
        self._byte_level = [step["type"] for step in steps] == ["ByteLevel"]
        if not self._byte_level and not (_SPACE in steps and all(step in _SENTENCEPIECE for step in steps)):
            kinds = ", ".join(step["type"] for step in steps) or "nothing"
            raise UserError(
                f"The tokenizer in {folder} decodes by {kinds}; only byte-level BPE and SentencePiece do."
            )
        self._byte_fallback = {"type": "ByteFallback"} in steps
        self._strips = _STRIP in steps
        added = self._backend.get_added_tokens_decoder()
        self._special = frozenset(id for id, token in added.items() if token.special)
        self.stop_ids: tuple[int, ...] = self._stop_ids(folder)
        """The tokenizer's own end-of-text ids; empty where its folder names none."""

    @property
    def size(self) -> int:
        """One more than the highest id."""
        return max(self._backend.get_vocab(with_added_tokens=True).values()) + 1

    def encode(self, text: str) -> list[int]:
        """The ids of a text, with a BOS only where the tokenizer's post-processor puts one.

        The names of special tokens in the text become those tokens. UserError for half a surrogate pair.
        """
        try:
            text.encode()
        except UnicodeEncodeError as error:
            raise UserError(f"The text has half a surrogate pair at character {error.start}.") from None
        return self._backend.encode(text).ids

    def decode(self, ids: Iterable[int]) -> str:
        """The text of ids: none for special tokens and unknown ids, \\ufffd for bytes that are no text."""
        stream = TextStream(self)
        return "".join([stream.push(id) for id in ids]) + stream.finish()

    def piece(self, id: int) -> str:
        """The text of one token alone: special tokens by name, bytes of a partial character as \\ufffd."""
        token = self._backend.id_to_token(id)
        if token is None or id in self._special:
            return token or ""
        content = self._content(id)
        return content.decode("utf-8", "replace") if isinstance(content, bytes) else content

    def _content(self, id: int) -> str | bytes:
        """What a token adds to the text: bytes that may be part of a character, or text; '' if special."""
        token = self._backend.id_to_token(id)
        if token is None or id in self._special:
            return ""
        if self._byte_level:
            try:
                return bytes(_byte_alphabet()[character] for character in token)
            except KeyError:  # an added token with characters outside of the byte alphabet stands for itself
                return token.encode()
        if self._byte_fallback and (byte := _BYTE_TOKEN.fullmatch(token)):
            return bytes.fromhex(byte[1])
        return token.replace("\u2581", " ")

    def _stop_ids(self, folder: Path) -> tuple[int, ...]:
        for name in ("tokenizer_config.json", "special_tokens_map.json"):
            try:
                token = json.loads((folder / name).read_text(encoding="utf-8")).get("eos_token")
            except (OSError, ValueError, AttributeError):
                continue
            content = token.get("content") if isinstance(token, dict) else token
            id = self._backend.token_to_id(content) if isinstance(content, str) else None
            if id is not None:
                return (id,)
        return ()


class TextStream:
    """The text of a growing list of ids, each token in constant time: joined pushes and `finish` are
    `decode(ids)`.

    What is given out never changes. Bytes of an unfinished character wait for the next token; in a tokenizer
    with byte fallback (SentencePiece) a whole run of byte tokens waits, since one bad byte there spoils all
    of its run.
    """

    def __init__(self, tokenizer: Tokenizer):
        self._tokenizer = tokenizer
        self._utf8 = codecs.getincrementaldecoder("utf-8")("replace")
        self._run = bytearray()
        self._strip = tokenizer._strips

    def push(self, id: int) -> str:
        """The text that becomes final with this token; '' inside a character."""
        content = self._tokenizer._content(id)
        if self._tokenizer._byte_level:
            return self._utf8.decode(content) if content else ""
        if isinstance(content, bytes):
            self._run += content
            return ""
        return self._end_run() + self._text(content) if content else ""

    def finish(self) -> str:
        """The text of what still waits: \\ufffd for an unfinished character. The stream is then empty."""
        return self._utf8.decode(b"", final=True) + self._end_run()

    def _end_run(self) -> str:
        run, self._run = bytes(self._run), bytearray()
        try:
            return self._text(run.decode())
        except UnicodeDecodeError:
            return self._text("\ufffd" * len(run))

    def _text(self, text: str) -> str:
        """SentencePiece puts a space before the first word; it is no part of the text."""
        if text and self._strip:
            self._strip = False
            return text.removeprefix(" ")
        return text


def _load(folder: Path) -> tokenizers.Tokenizer:
    path = folder / "tokenizer.json"
    if path.is_file():
        try:
            return tokenizers.Tokenizer.from_file(str(path))
        except Exception as error:  # the library raises bare Exceptions
            raise UserError(f"{path} is not a valid tokenizer ({str(error).rstrip('.')}).") from None
    others = ("tokenizer.model", "vocab.json", "tokenizer_config.json")
    if not any((folder / name).is_file() for name in others):
        raise UserError(f"{folder} has no tokenizer; a Hugging Face model folder has a tokenizer.json.")
    from transformers import AutoTokenizer  # slow to import, and rarely needed

    try:
        found = AutoTokenizer.from_pretrained(folder, local_files_only=True, trust_remote_code=False)
        return found.backend_tokenizer
    except Exception:  # transformers raises what its parts raise: missing files, missing libraries, bad JSON
        raise UserError(f"The tokenizer in {folder} can't be read; a tokenizer.json would do.") from None


def _decoder_steps(backend: tokenizers.Tokenizer) -> list[dict]:
    """The tokenizer's decoder as the list of its steps, in tokenizer.json's terms."""
    if backend.decoder is None:
        return []
    state = json.loads(backend.decoder.__getstate__())
    return state["decoders"] if state["type"] == "Sequence" else [state]


@lru_cache
def _byte_alphabet() -> dict[str, int]:
    """GPT-2's characters for the 256 bytes: printable Latin-1 for itself, from 256 on for the others."""
    printable = [*range(0x21, 0x7F), *range(0xA1, 0xAD), *range(0xAE, 0x100)]
    others = [byte for byte in range(256) if byte not in printable]
    return {chr(byte): byte for byte in printable} | {chr(256 + i): byte for i, byte in enumerate(others)}
