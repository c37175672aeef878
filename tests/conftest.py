"""Fixtures that several rooms share."""

import pytest


@pytest.fixture(scope="session")
def tiny_entry(tmp_path_factory):
    """A tiny target with a draft model, on disk."""
    from tests.tiny import entry

    return entry(tmp_path_factory.mktemp("tiny"))


@pytest.fixture(scope="session", params=["bf16", "fp32"])
def session(request, tiny_entry):
    """The tiny target, ready to decode, in either dtype."""
    from mtpviz.engine.session import Session

    return Session(tiny_entry, dtype=request.param, threads=2 if request.param == "bf16" else 1)
