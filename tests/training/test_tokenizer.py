import pytest
from transformers import AutoTokenizer

from mtpviz.errors import UserError
from mtpviz.training.tokenizer import END_OF_TEXT, PAD, load_tokenizer, train_tokenizer

TEXTS = [
    "The fox didn't see 1234 birds, did it?  Two blanks.",
    "def f(x):\n    if x:\n\t\treturn [x, 3.14]  # done\n\n\n        \n",
    "今天天气很好，我们去公园。用户：你好！",
    "a 🦊👩‍👩‍👧 b\r\n é ́ \u00a0 end ",
    "",
]


@pytest.mark.parametrize("text", TEXTS)
def test_round_trip_through_transformers(tokenizer, tokenizer_folder, text):
    loaded = AutoTokenizer.from_pretrained(tokenizer_folder)
    ids = loaded(text)["input_ids"]
    assert ids == tokenizer.encode(text).ids
    assert loaded.decode(ids) == text


def test_special_tokens(tokenizer_folder):
    loaded = AutoTokenizer.from_pretrained(tokenizer_folder)
    assert (loaded.bos_token_id, loaded.eos_token_id, loaded.pad_token_id) == (0, 0, 1)
    assert loaded.encode(END_OF_TEXT + PAD) == [0, 1]


def test_digits_are_single_and_indentation_is_one_token(corpus):
    tokenizer = train_tokenizer(corpus, sample_bytes=200_000)
    assert len(tokenizer.encode("2026").ids) == 4
    pieces = [token for token, _ in tokenizer.pre_tokenizer.pre_tokenize_str("x:\n        return")]
    assert pieces == ["x", ":Ċ", "ĠĠĠĠĠĠĠ", "Ġreturn"]


def test_missing_tokenizer_is_one_sentence(tmp_path):
    with pytest.raises(UserError, match="No tokenizer.json"):
        load_tokenizer(tmp_path)
