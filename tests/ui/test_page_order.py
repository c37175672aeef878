"""Orders from browsers and clients: every limit has its sentence."""

import pytest

from mtpviz.errors import UserError
from mtpviz.limits import LIMITS
from mtpviz.ui.order import read_order

GOOD = {"prompt": "Once", "strategies": ["ntp", "draft"], "run": "abcdefgh12"}


def test_a_plain_order_takes_the_defaults():
    order = read_order(GOOD)
    assert (order.run, order.prompt, order.strategies) == ("abcdefgh12", "Once", ("ntp", "draft"))
    assert order.sampling == {"temperature": 0.0, "top_k": 0, "top_p": 1.0, "min_p": 0.0, "seed": 0}


@pytest.mark.parametrize(
    ("change", "word"),
    [
        ({"prompt": "  \n"}, "empty"),
        ({"prompt": None}, "empty"),
        ({"prompt": "x" * (LIMITS.prompt_chars + 1)}, "at most"),
        ({"max_new_tokens": 0}, "from 1"),
        ({"max_new_tokens": -5}, "from 1"),
        ({"max_new_tokens": 10**9}, "from 1"),
        ({"max_new_tokens": 1.5}, "whole number"),
        ({"temperature": "hot"}, "no number"),
        ({"top_p": float("nan")}, "no number"),
        ({"strategies": "ntp"}, "list"),
        ({"strategies": [1]}, "list"),
        ({"strategies": ["ntp"] * 99}, "at most"),
    ],
)
def test_bad_orders_get_one_clear_sentence(change, word):
    with pytest.raises(UserError) as caught:
        read_order(GOOD | change)
    assert word in str(caught.value) and "\n" not in str(caught.value)


def test_a_run_id_is_never_taken_on_trust():
    assert read_order(GOOD | {"run": "<script>"}).run != "<script>"
    assert len(read_order(GOOD | {"run": None}).run) >= 8
