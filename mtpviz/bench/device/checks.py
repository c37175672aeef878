"""Every kernel, compiled, against its reference: the checks of tests/kernels/device/interpreted on the GPU."""

from __future__ import annotations

import importlib.util
import re
import subprocess
import sys
from pathlib import Path

from mtpviz.bench.device.probe import Findings, Probe, goal
from mtpviz.bench.report import Table
from mtpviz.kernels.device import interpreting

FOLDER = Path(__file__).resolve().parents[3] / "tests" / "kernels" / "device" / "interpreted"
_SECONDS = 180


def kernels(probe: Probe) -> Findings:
    """Run the checks in a process of their own; several at a time where pytest-xdist is installed."""
    if not FOLDER.is_dir():
        raise FileNotFoundError("the repository's tests, which hold the kernels' checks, are not beside the package")
    probe.progress("checking every kernel, compiled, against its reference")
    apart = ["-n", "12"] if importlib.util.find_spec("xdist") else []
    files = ["check_norm.py"] if interpreting() else sorted(path.name for path in FOLDER.glob("check_*.py"))
    command = [sys.executable, "-m", "pytest", "-q", "-rA", "--tb=short", "-p", "no:cacheprovider", "-o", "addopts=",
               *apart, *files]
    try:
        done = subprocess.run(command, capture_output=True, text=True, cwd=FOLDER, timeout=_SECONDS)
        output = done.stdout
    except subprocess.TimeoutExpired as error:
        output = (error.stdout or b"").decode(errors="replace") + "\nTIMEOUT"
    found = re.findall(r"^(PASSED|FAILED|ERROR) (?:\S*/)?(check_\w+\.py)(?:::(\S+))?(.*)$", output, re.MULTILINE)
    if not found:
        raise RuntimeError(f"the checks gave no result: {output[-1500:]}")
    by_file: dict[str, dict[str, int]] = {}
    for outcome, file, _, _ in found:
        counts = by_file.setdefault(file, {"passed": 0, "failed": 0})
        counts["passed" if outcome == "PASSED" else "failed"] += 1
    table = [{"kernel": file.removeprefix("check_").removesuffix(".py"), **counts} for file, counts in by_file.items()]
    failures = [{"check": f"{file}::{name}", "error": rest.strip(" -")[:300]}
                for outcome, file, name, rest in found if outcome != "PASSED"]
    if failures and len(failures) <= 40:
        failures[0]["output"] = output[-4000:]
    tables = [Table("Kernels against their references", table, "Fresh random inputs, poisoned outputs.")]
    if failures:
        keys = ("check", "error", "output")
        tables.append(Table("Failed checks", [{key: row.get(key) for key in keys} for row in failures]))
    return Findings(tables, [goal("checks that failed", most=0, measured=float(len(failures)))])
