"""All of the bundle from a tiny corpus, in calls that stop and go on; and texts that a batch writes."""

import numpy as np
import torch

from mtpviz.__main__ import main
from mtpviz.engine.sampling import Sampling
from mtpviz.engine.session import Session
from mtpviz.models.catalogue import ModelEntry
from mtpviz.race import Race
from mtpviz.training.answers import answers, write_answers
from mtpviz.training.checkpoint import load_checkpoint
from mtpviz.training.heads import recipes
from mtpviz.training.selfdistill import read_texts
from mtpviz.training.teacher import Teacher
from tests.models.checkpoints import make


def test_calls_go_on_from_one_another_until_everything_is_there(corpus, tokenizer_folder, tmp_path, capsys):
    state = tmp_path / "state"
    words = ["train", "bundle", "--corpus", corpus, "--tokenizer", tokenizer_folder, "--state", state, "--preset",
             "tiny", "--texts", 9000, "--held-out", 5000, "--target-minutes", 0.1, "--draft-minutes", 0.02,
             "--heads-minutes", 0.06, "--dtype", "float32", "--hardware", "a tiny test"]

    def call(minutes: float) -> str:
        assert main([str(word) for word in [*words, "--call-minutes", minutes]]) == 0
        return capsys.readouterr().out

    assert "goes on from here" in call(0.05)  # in the middle of pretraining
    half = load_checkpoint(state / "target")["counters"]
    assert 0 < half["seconds"] < 6 and not (state / "models").exists()
    calls = [call(0.1) for _ in range(12) if not (state / "models" / "vocabulary").is_dir()]
    assert "Everything is in" in calls[-1] and len(calls) >= 2
    whole = load_checkpoint(state / "target")
    assert whole["counters"]["seconds"] >= 6 and whole["counters"]["step"] > half["step"]
    models = state / "models"
    card = (models / "draft" / "README.md").read_text()
    assert "Then distilled from the finished target" in card and "a tiny test" in card
    assert {folder.name for folder in (models / "heads").iterdir()} == {"mtp", *recipes()}
    heads = {folder.name: folder for folder in (models / "heads").iterdir()}
    session = Session(ModelEntry("tiny", models / "target", models / "draft", heads, models / "vocabulary"),
                      dtype="fp32", threads=1)
    race = Race(session, ["ntp", "draft", "mtp:tree=chain", "eagle3:tree=chain"], "the little fox", Sampling(), 16)
    assert list(race)
    assert all(trace.token_ids == race.traces[0].token_ids for trace in race.traces)


def test_a_batch_writes_what_each_text_alone_would(tokenizer, corpus, tmp_path):
    """Greedy rows are the model's own continuation whatever is drawn beside them, and end with their first stop."""
    make("llama-tied", tmp_path, vocab_size=tokenizer.get_vocab_size(), num_hidden_layers=2)
    teacher = Teacher(ModelEntry("any", tmp_path), "cpu", torch.float32)
    prompts = torch.randint(1, 300, (6, 5))
    greedy = torch.arange(6) % 2 == 0
    rows = answers(teacher, prompts, 12, greedy, 0, torch.Generator().manual_seed(1))
    for index in (0, 2, 4):
        row = prompts[index : index + 1]
        while row.shape[1] < rows.shape[1]:
            row = torch.cat([row, teacher.model(row).logits[:, -1].argmax(-1, keepdim=True)], 1)
        length = int((row[0, 5:] == 0).cumsum(0).eq(0).sum()) + 5
        assert row[0, :length].equal(rows[index, :length]) and (rows[index, length:] == 0).all()
    assert rows[1::2].tolist() != answers(teacher, prompts, 12, greedy, 0,
                                          torch.Generator().manual_seed(2))[1::2].tolist()
    arrays = {domain: np.concatenate([[0, *np.random.default_rng(9).integers(1, 300, 60)] for _ in range(9)] + [[0]])
              for domain in ("tales", "zh")}
    out, lines = tmp_path / "texts", []
    mix = {"tales": 0.7, "zh": 0.3}
    assert not write_answers(teacher, arrays, 0, "train", out, 4000, mix=mix, ends=0.0)
    assert write_answers(teacher, arrays, 0, "train", out, 4000, mix=mix, report=lines.append)
    texts = read_texts(out, teacher.weights.sha256)
    assert sum(map(len, texts.values())) >= 4000 and all(array[0] == 0 for array in texts.values())
    assert len(texts["tales"]) > len(texts["zh"]) > 0 and "tokens/s" in lines[-1]
