"""tokenizer.py: streams give the tokenizers library's own text, whatever bytes the tokens cut through."""

import json

import pytest
import tokenizers
from hypothesis import example, given, settings
from hypothesis import strategies as st
from tokenizers import decoders, models, normalizers, pre_tokenizers, processors, trainers

from mtpviz.models.tokenizer import TextStream, Tokenizer
from tests.models.sentences import sentence

TEXTS = ["Once upon a time there was a fox.", "def f(x):\n    return x", "日本語のテキスト", "naïve café"]
HARD = "🦊👩‍👩‍👧 日本語 e\u0301 שלום \u202e \ufffd <|end|> <tool x> \r\n\t\0 ▁ é"


def byte_level() -> tokenizers.Tokenizer:
    backend = tokenizers.Tokenizer(models.BPE())
    backend.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    backend.decoder = decoders.ByteLevel()
    alphabet = pre_tokenizers.ByteLevel.alphabet()
    names = ["<|begin|>", "<|end|>"]
    trainer = trainers.BpeTrainer(special_tokens=names, initial_alphabet=alphabet, show_progress=False)
    backend.train_from_iterator(TEXTS, trainer)
    backend.add_tokens([tokenizers.AddedToken("<tool x>", special=False)])
    begin = backend.token_to_id("<|begin|>")
    backend.post_processor = processors.TemplateProcessing("<|begin|> $A", special_tokens=[(names[0], begin)])
    return backend


def sentence_piece() -> tokenizers.Tokenizer:
    all_bytes = [f"<0x{byte:02X}>" for byte in range(256)]
    pieces = ["<unk>", "<s>", "</s>", *all_bytes, "▁", *"abcdefx", "ab", "▁ab", "▁▁"]
    merges = [("a", "b"), ("▁", "ab"), ("▁", "▁")]
    vocab = {piece: id for id, piece in enumerate(pieces)}
    bpe = models.BPE(vocab, merges, byte_fallback=True, unk_token="<unk>", fuse_unk=True)
    backend = tokenizers.Tokenizer(bpe)
    backend.normalizer = normalizers.Sequence([normalizers.Prepend("▁"), normalizers.Replace(" ", "▁")])
    backend.decoder = decoders.Sequence(
        [decoders.Replace("▁", " "), decoders.ByteFallback(), decoders.Fuse(), decoders.Strip(" ", 1, 0)]
    )
    backend.add_special_tokens(["<unk>", "<s>", "</s>"])
    return backend


KINDS = {"byte_level": byte_level, "sentence_piece": sentence_piece}


@pytest.fixture(scope="module", params=KINDS)
def pair(request, tmp_path_factory):
    """(the library's tokenizer, ours from its file)"""
    folder = tmp_path_factory.mktemp(request.param)
    backend = KINDS[request.param]()
    backend.save(str(folder / "tokenizer.json"))
    (folder / "tokenizer_config.json").write_text(json.dumps({"eos_token": {"content": "<|end|>"}}))
    return backend, Tokenizer(folder)


def streamed(tokenizer, ids) -> str:
    stream = TextStream(tokenizer)
    return "".join([stream.push(id) for id in ids]) + stream.finish()


# The highest ids are past the end of both vocabularies, like those of a padded embedding.
@settings(max_examples=400, deadline=None)
@given(ids=st.lists(st.integers(0, 350), max_size=40))
@example(ids=[])
def test_any_ids_give_the_librarys_text(pair, ids):
    backend, tokenizer = pair
    assert streamed(tokenizer, ids) == tokenizer.decode(ids) == backend.decode(ids)


@settings(max_examples=200, deadline=None)
@given(text=st.text(max_size=30))
@example(text=HARD)
@example(text="")
def test_any_text_survives(pair, text):
    backend, tokenizer = pair
    ids = tokenizer.encode(text)
    assert ids == backend.encode(text).ids
    assert streamed(tokenizer, ids) == tokenizer.decode(ids) == backend.decode(ids)


@settings(max_examples=200, deadline=None)
@given(text=st.text(st.characters(codec="utf-8", exclude_characters="<"), max_size=30))
def test_byte_level_loses_nothing(text, byte_level_tokenizer):
    ids = byte_level_tokenizer.encode(text)
    assert streamed(byte_level_tokenizer, ids) == text


@pytest.fixture(scope="module")
def byte_level_tokenizer(tmp_path_factory):
    folder = tmp_path_factory.mktemp("bytes")
    byte_level().save(str(folder / "tokenizer.json"))
    return Tokenizer(folder)


def test_a_character_waits_until_it_is_whole(byte_level_tokenizer):
    ids = byte_level_tokenizer.encode("🦊!")[1:]
    stream = TextStream(byte_level_tokenizer)
    assert [stream.push(id) for id in ids] == ["", "", "", "🦊", "!"]
    assert stream.finish() == ""
    cut = TextStream(byte_level_tokenizer)
    assert [cut.push(id) for id in ids[:2]] == ["", ""]
    assert cut.finish() == "\ufffd" and cut.finish() == ""


def test_pieces(byte_level_tokenizer):
    ids = byte_level_tokenizer.encode("é time<|end|><tool x>\ud7ff")
    pieces = [byte_level_tokenizer.piece(id) for id in ids]
    assert pieces[0] == "<|begin|>" and "<|end|>" in pieces and "<tool x>" in pieces
    assert byte_level_tokenizer.piece(byte_level_tokenizer.encode("🦊")[1]) == "\ufffd"
    assert byte_level_tokenizer.piece(10**6) == ""
    assert byte_level_tokenizer.size == byte_level_tokenizer._backend.get_vocab_size(with_added_tokens=True)


def test_stop_ids(pair):
    backend, tokenizer = pair
    end = backend.token_to_id("<|end|>")
    assert tokenizer.stop_ids == (() if end is None else (end,))


def test_half_a_surrogate_pair_is_one_sentence(byte_level_tokenizer):
    assert "character 2" in sentence(byte_level_tokenizer.encode, "ab\ud800")


def test_sentencepiece_strips_one_space_only(tmp_path):
    sentence_piece().save(str(tmp_path / "tokenizer.json"))
    tokenizer = Tokenizer(tmp_path)
    assert tokenizer.encode("ab")[0] == tokenizer._backend.token_to_id("▁ab")
    assert tokenizer.decode(tokenizer.encode(" ab ab")) == " ab ab"
    assert tokenizer.piece(tokenizer.encode("ab")[0]) == " ab"


def test_without_tokenizer_json_transformers_reads_it(tmp_path):
    backend = byte_level()
    backend.model.save(str(tmp_path))  # vocab.json and merges.txt, as GPT-2 and the first Qwens have
    named = {"tokenizer_class": "GPT2Tokenizer", "eos_token": "<|end|>"}
    (tmp_path / "tokenizer_config.json").write_text(json.dumps(named))
    (tmp_path / "config.json").write_text('{"model_type": "llama"}')
    tokenizer = Tokenizer(tmp_path)
    assert tokenizer.decode(tokenizer.encode("naïve café 🦊")) == "naïve café 🦊"


def test_bad_tokenizers_are_one_sentence(tmp_path):
    assert "no tokenizer" in sentence(Tokenizer, tmp_path)
    for content in ("", "{", "{}", '{"model": 3}'):
        (tmp_path / "tokenizer.json").write_text(content)
        assert "not a valid tokenizer" in sentence(Tokenizer, tmp_path)
    word = tokenizers.Tokenizer(models.WordPiece({"[UNK]": 0}, unk_token="[UNK]"))
    word.decoder = decoders.WordPiece()
    word.save(str(tmp_path / "tokenizer.json"))
    assert "WordPiece" in sentence(Tokenizer, tmp_path)
    (tmp_path / "tokenizer.json").unlink()
    (tmp_path / "tokenizer_config.json").write_text("{}")
    assert "can't be read" in sentence(Tokenizer, tmp_path)
