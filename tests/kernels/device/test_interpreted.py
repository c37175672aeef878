"""Runs the checks of interpreted/ in a process where Triton interprets kernels: it reads the switch on its import."""

from __future__ import annotations

import os
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

FOLDER = Path(__file__).parent / "interpreted"


CHECKS = sorted(path.name for path in FOLDER.glob("check_*.py"))
LONG = ["check_drafters.py", "check_device.py", "check_decode.py", "check_attention.py", "check_bench.py"]


@pytest.fixture(scope="module")
def outcome() -> str:
    """The reports of pytest runs, two at a time, over all of the checks: those that take long in runs of their own."""
    options = ["-q", "-rA", "--tb=short", "-p", "no:cacheprovider", "-o", "addopts="]
    # The interpreter multiplies with numpy, whose OpenBLAS has, for some processors, products in which a row's bits
    # depend on its place in the tile; every x86 build has this one, in which they do not.
    environment = os.environ | {"TRITON_INTERPRET": "1", "OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1",
                                "OPENBLAS_CORETYPE": "Prescott"}

    def run(checks: list[str]) -> str:
        return subprocess.run([sys.executable, "-m", "pytest", *options, *checks], stdout=subprocess.PIPE, text=True,
                              stderr=subprocess.STDOUT, env=environment, cwd=FOLDER).stdout

    with ThreadPoolExecutor(2) as pool:
        rest = [check for check in CHECKS if check not in LONG]
        return "\n".join(pool.map(run, [*([check] for check in LONG), rest]))


@pytest.mark.parametrize("check", CHECKS)
def test_interpreted(outcome, check):
    results = [line for line in outcome.splitlines() if line.startswith(("PASSED", "FAILED", "ERROR", "SKIPPED"))
               and f"{check}" in line]
    assert any(line.startswith("PASSED") for line in results), outcome[-12000:]
    assert all(line.startswith("PASSED") for line in results), outcome[-12000:]
