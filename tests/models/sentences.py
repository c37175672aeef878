"""One check that all bad-input tests share."""

from __future__ import annotations

import re
from collections.abc import Callable

import pytest

from mtpviz.errors import UserError


def sentence(call: Callable, *arguments, **options) -> str:
    """The text of the UserError that a call raises, after checking that it is one sentence, no cause."""
    with pytest.raises(UserError) as caught:
        call(*arguments, **options)
    text = str(caught.value)
    assert text.endswith(".") and not text.endswith(".."), text
    assert "\n" not in text and not re.search(r"[.!?] +[A-Z]", text), text
    assert caught.value.__cause__ is None
    assert caught.value.__context__ is None or caught.value.__suppress_context__
    return text
