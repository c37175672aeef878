"""Runs the checks of interpreted/ in a process where Triton interprets kernels: it reads the switch on its import."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

FOLDER = Path(__file__).parent / "interpreted"


CHECKS = sorted(path.name for path in FOLDER.glob("check_*.py"))


@pytest.fixture(scope="module")
def outcome() -> str:
    """The reports of two pytest runs, side by side, over all of the checks."""
    options = ["-q", "-rA", "--tb=short", "-p", "no:cacheprovider", "-o", "addopts="]
    # The interpreter multiplies with numpy, whose OpenBLAS has, for some processors, products in which a row's bits
    # depend on its place in the tile; every x86 build has this one, in which they do not.
    environment = os.environ | {"TRITON_INTERPRET": "1", "OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1",
                                "OPENBLAS_CORETYPE": "Prescott"}
    runs = [subprocess.Popen([sys.executable, "-m", "pytest", *options, *half], stdout=subprocess.PIPE, text=True,
                             stderr=subprocess.STDOUT, env=environment, cwd=FOLDER)
            for half in (CHECKS[::2], CHECKS[1::2])]
    return "\n".join(run.communicate()[0] for run in runs)


@pytest.mark.parametrize("check", CHECKS)
def test_interpreted(outcome, check):
    results = [line for line in outcome.splitlines() if line.startswith(("PASSED", "FAILED", "ERROR", "SKIPPED"))
               and f"{check}" in line]
    assert any(line.startswith("PASSED") for line in results), outcome[-12000:]
    assert all(line.startswith("PASSED") for line in results), outcome[-12000:]
