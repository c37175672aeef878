"""What a GPU session runs, where gradio, plotly, numba and llvmlite are missing: in a process that cannot import them,
with Triton's interpreter for a GPU."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

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
