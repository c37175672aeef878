"""catalogue.py: the bundled model, the operator's list, and a local user's folders."""

import socket

import pytest

from mtpviz.models.catalogue import resolve
from tests.models.sentences import sentence


@pytest.fixture
def model(tmp_path):
    return _model(tmp_path / "mine")


def _model(folder):
    folder.mkdir(parents=True)
    (folder / "config.json").write_text("{}")
    return folder


def test_bundled_has_its_draft_and_heads(tmp_path):
    target = _model(tmp_path / "models" / "target")
    entry = resolve("bundled", allow_paths=False, assets=tmp_path)
    assert (entry.name, entry.folder, entry.draft_folder, entry.heads) == ("bundled", target, None, {})
    draft = _model(tmp_path / "models" / "draft")
    eagle, medusa = _model(tmp_path / "models/heads/eagle"), _model(tmp_path / "models/heads/medusa")
    (tmp_path / "models/heads/README.md").write_text("")
    entry = resolve("bundled", assets=tmp_path)
    assert (entry.draft_folder, entry.heads) == (draft, {"eagle": eagle, "medusa": medusa})


def test_a_missing_bundled_model(tmp_path):
    assert "bundled model is missing" in sentence(resolve, "bundled", assets=tmp_path)


def test_a_local_folder(model):
    entry = resolve(str(model))
    assert (entry.name, entry.folder, entry.draft_folder) == (str(model), model, None)


def test_a_visitor_chooses_from_the_list_only(model):
    assert resolve("mine", allow_paths=False, offered={"mine": model}).folder == model
    for name in (str(model), "/etc", "meta-llama/Llama-3.2-1B", ""):
        text = sentence(resolve, name, allow_paths=False, offered={"mine": model})
        assert "offers bundled, mine" in text


def test_bad_folders(tmp_path):
    assert "no folder" in sentence(resolve, str(tmp_path / "nowhere"))
    assert "no config.json" in sentence(resolve, str(tmp_path))
    (tmp_path / "file").write_text("")
    assert "is a file" in sentence(resolve, str(tmp_path / "file"))
    assert "empty" in sentence(resolve, "  ")
    assert "can't be opened" in sentence(resolve, "x" * 5000)
    sentence(resolve, "a\0b")


def test_a_hub_id_downloads_nothing(monkeypatch):
    def refuse(*_):
        raise AssertionError("a connection was opened")

    monkeypatch.setattr(socket.socket, "connect", refuse)
    assert "none is downloaded" in sentence(resolve, "meta-llama/Llama-3.2-1B")
