"""What a GPU session runs, where gradio, plotly, numba and llvmlite are missing: in a process that cannot import them,
with Triton's interpreter for a GPU."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.tiny import entry

ROOT = Path(__file__).resolve().parents[1]
BLOCKED = """
import sys
for name in ("gradio", "plotly", "numba", "llvmlite"):
    sys.modules[name] = None
"""
IMPORTS = """
import importlib, pkgutil
from mtpviz.__main__ import COMMANDS
from mtpviz.commands import train
from mtpviz.bench import suites
from mtpviz.discover import device_strategies, strategies
for module, _ in [COMMANDS[name] for name in ("generate", "race", "record", "bench", "train", "doctor")]:
    importlib.import_module(module)
for name in train.COMMANDS:
    importlib.import_module(f"mtpviz.commands.train.{name}")
for room in ("mtpviz.bench.device", "mtpviz.engine.device", "mtpviz.kernels.device", "mtpviz.training"):
    for entry in pkgutil.walk_packages(importlib.import_module(room).__path__, room + "."):
        importlib.import_module(entry.name)
assert {"engine", "strategies", "scale", "tune"} <= set(suites())
assert set(device_strategies()) <= set(strategies()) and len(strategies()) == 10
"""
RUNS = """
from mtpviz.__main__ import main
model, out = sys.argv[1:]
own = ["--model", model, "--head", model.replace("target", "draft"), "--device", "cuda"]
assert main(["generate", "the fox", "--strategy", "draft:tree=chain:depth=2", "--max-new-tokens", "4", *own]) == 0
assert main(["bench", "engine", "--sections", "ceilings,steps", "--models", "tiny", "--contexts", "8", "--repeats", "1",
             "--out", out + "/engine.json", *own]) == 0
assert main(["generate", "the fox", "--max-new-tokens", "4", "--model", model, "--device", "cpu"]) == 2
"""


def blocked(code: str, *words: str) -> subprocess.CompletedProcess:
    environment = os.environ | {"TRITON_INTERPRET": "1", "OMP_NUM_THREADS": "1", "PYTHONPATH": str(ROOT)}
    return subprocess.run([sys.executable, "-c", BLOCKED + code, *words], capture_output=True, text=True, cwd=ROOT,
                          env=environment, timeout=300)


def test_everything_that_a_gpu_session_needs_is_imported():
    done = blocked(IMPORTS)
    assert done.returncode == 0, done.stderr[-3000:]


@pytest.fixture(scope="module")
def target(tmp_path_factory):
    return entry(tmp_path_factory.mktemp("tiny"), num_hidden_layers=1, num_attention_heads=2,
                 num_key_value_heads=1).folder


def test_a_gpu_decodes_and_is_measured_and_a_cpu_refuses_in_one_sentence(target, tmp_path):
    done = blocked(RUNS, str(target), str(tmp_path))
    assert done.returncode == 0, done.stderr[-3000:]
    assert (tmp_path / "engine.json").is_file()
    assert "Decoding on a CPU needs numba" in done.stderr and "pip install numba" in done.stderr


def test_training_runs_without_them(target, tmp_path):
    """The heads, whose folders and curves are the most of what is imported late."""
    texts = """
import numpy as np, json
from pathlib import Path
from mtpviz.__main__ import main
from mtpviz.models.config import ModelConfig
from mtpviz.models.weights import load
model, out = sys.argv[1:]
sha = load(Path(model), ModelConfig.from_folder(Path(model))).sha256
for name in ("texts", "held-out"):
    folder = Path(out) / name
    folder.mkdir()
    (folder / "texts.json").write_text(json.dumps({"model": sha}))
    (folder / "tales.bin").write_bytes(np.random.default_rng(0).integers(0, 200, 300).astype(np.uint16).tobytes())
data = ["--model", model, "--texts", out + "/texts", "--held-out", out + "/held-out", "--out", out + "/run"]
assert main(["train", "medusa,eagle", *data, "--tokens", "600", "--dtype", "float32"]) == 0
"""
    done = blocked(texts, str(target), str(tmp_path))
    assert done.returncode == 0, done.stderr[-3000:]
    assert (tmp_path / "run" / "curves.svg").is_file() and (tmp_path / "run" / "eagle" / "README.md").is_file()
