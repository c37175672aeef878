import lzma
from collections import Counter

import numpy as np
import pytest

from mtpviz.errors import UserError
from mtpviz.training.corpus import DOMAINS, read_documents
from mtpviz.training.data import TokenStream, encode_documents, held_out_windows, load_tokens


def test_tokens_are_cached_shuffled_and_separated(corpus, tokenizer, tmp_path):
    first = load_tokens(corpus, tmp_path, tokenizer, "tales", "train")
    again = load_tokens(corpus, tmp_path, tokenizer, "tales", "train")
    assert first.dtype == np.uint16 and np.array_equal(first, again)
    texts = [text for text, _ in read_documents(corpus, "tales", "train")]
    assert int((first == 0).sum()) == len(texts) + 1 and first[0] == first[-1] == 0
    decoded = tokenizer.decode(first.tolist(), skip_special_tokens=False).split("<|endoftext|>")[1:-1]
    assert sorted(decoded) == sorted(texts) and decoded != texts


def test_windows_overlap_only_in_the_predicted_tokens():
    stream = TokenStream({"a": np.arange(100, dtype=np.uint16)}, {"a": 1.0})
    batch = stream.batch(3, 8, 4)
    assert batch.shape == (3, 12)
    assert batch[0].tolist() == list(range(12)) and batch[1].tolist() == list(range(8, 20))


def test_stream_follows_the_mix_and_starts_over():
    arrays = {name: np.full(50, index, dtype=np.uint16) for index, name in enumerate("abc")}
    stream = TokenStream(arrays, {"a": 2, "b": 1, "c": 1})
    drawn = Counter(stream.batch(400, 8, 4)[:, 0].tolist())
    assert drawn == {0: 200, 1: 100, 2: 100}


def test_stream_continues_from_its_state():
    arrays = {"a": np.arange(90, dtype=np.uint16), "b": np.arange(100, 180, dtype=np.uint16)}
    stream, other = (TokenStream(arrays, {"a": 0.3, "b": 0.7}) for _ in range(2))
    stream.batch(7, 8, 4)
    other.state = {domain: dict(place) for domain, place in stream.state.items()}
    assert stream.batch(9, 16, 4).equal(other.batch(9, 16, 4))


def test_training_windows_hold_nothing_of_the_held_out_file(corpus, tokenizer, tmp_path):
    train = {domain: load_tokens(corpus, tmp_path, tokenizer, domain, "train") for domain in DOMAINS}
    stream = TokenStream(train, dict.fromkeys(DOMAINS, 0.2))
    seen = {tuple(row[i : i + 16]) for row in stream.batch(2000, 32, 4).tolist() for i in range(21)}
    held_out = held_out_windows(corpus, tmp_path, tokenizer, rows=4, length=32, extra=4)
    assert set(held_out) == set(DOMAINS)
    for domain, windows in held_out.items():
        val = load_tokens(corpus, tmp_path, tokenizer, domain, "val")
        assert windows[0].tolist() == val[:36].tolist()
        assert not seen & {tuple(row[i : i + 16]) for row in windows.tolist() for i in range(21)}


def test_encode_documents_counts_ends(tokenizer):
    assert encode_documents(tokenizer, []).tolist() == [0]
    assert (encode_documents(tokenizer, ["the fox", ""]) == 0).sum() == 3


@pytest.mark.parametrize(
    "content", [b"no xz", lzma.compress(b"no json\n"), lzma.compress(b'{"no": "text"}\n')]
)
def test_a_damaged_file_is_one_sentence(tmp_path, content):
    (tmp_path / "tales_train.jsonl.xz").write_bytes(content)
    with pytest.raises(UserError, match="damaged or of another format"):
        list(read_documents(tmp_path, "tales", "train"))
