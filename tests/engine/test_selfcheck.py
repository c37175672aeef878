"""The bitwise self-check: it holds here and on older instruction sets, and it would notice if it did not."""

import json
import os
import platform
import subprocess
import sys

import pytest

from mtpviz.engine.selfcheck import invariance

SCRIPT = """
import json, sys, torch
from pathlib import Path
from mtpviz.engine.selfcheck import invariance
from mtpviz.engine.session import DTYPES, read_model
from mtpviz.kernels.simd import has_bf16_dot
from mtpviz.models.cpu import CpuModel
found = {name: invariance(CpuModel(*read_model(Path(sys.argv[1])), dtype)) for name, dtype in DTYPES.items()}
print(json.dumps({"dot": has_bf16_dot(), "found": found}))
"""


@pytest.mark.parametrize("seed", range(3))
def test_logits_are_the_same_bits_in_every_pass(session, seed):
    found = invariance(session.target, seed)
    assert found["invariant"] and found["differing"] == 0 and found["nodes"] > 500, found


def test_a_pass_that_depends_on_its_rows_is_noticed(session, monkeypatch):
    plain = session.target.forward

    def forward(cache, tokens, *rest, **options):
        out = plain(cache, tokens, *rest, **options)
        if len(tokens) == 17:
            out.logits[3, 5] += 1e-6
        return out

    monkeypatch.setattr(session.target, "forward", forward)
    found = invariance(session.target)
    assert not found["rows"] and not found["layouts"] and not found["invariant"] and found["compaction"]


def test_a_commit_that_moves_a_wrong_row_is_noticed(session, monkeypatch):
    plain = session.target.keep
    monkeypatch.setattr(session.target, "keep", lambda cache, path: plain(cache, path[[*range(len(path) - 1), 0]]))
    assert not invariance(session.target)["compaction"]


@pytest.mark.slow  # compiles the whole engine once more
@pytest.mark.skipif(platform.machine() not in ("x86_64", "AMD64"), reason="Haswell is an x86 processor")
def test_it_holds_without_avx512(tiny_entry):
    """Compiled for a Haswell: AVX2, no bf16 instructions."""
    environment = os.environ | {"NUMBA_CPU_NAME": "haswell", "NUMBA_CPU_FEATURES": "+avx2,+fma,+bmi,+bmi2"}
    done = subprocess.run([sys.executable, "-c", SCRIPT, str(tiny_entry.folder)], env=environment, capture_output=True,
                          text=True, timeout=300)
    assert done.returncode == 0, done.stderr
    result = json.loads(done.stdout)
    assert not result["dot"] and all(found["invariant"] for found in result["found"].values())
