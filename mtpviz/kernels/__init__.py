"""Operations of a decoding step, one file each: CPU form (numba), Triton kernel, torch reference, public function.

numba's cache on disk knows a function's own file but not the files it calls into, so a changed kernel could be served
from yesterday's cache. The cache therefore lives in a folder named after the sources of every compiled function.
"""

import hashlib
import os
from pathlib import Path

from mtpviz.kernels.compiler import numba


def _cache_folder() -> Path:
    package = Path(__file__).parent.parent
    digest = hashlib.sha256()
    for source in sorted([*package.glob("kernels/*.py"), *package.glob("models/*.py"), *package.glob("engine/*.py")]):
        digest.update(source.read_bytes())
    root = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    return root / "mtpviz" / f"numba-{digest.hexdigest()[:16]}"


if not os.environ.get("NUMBA_CACHE_DIR"):
    numba.config.CACHE_DIR = str(_cache_folder())
# OpenMP's threads come as one team, which the barrier in kernels/team.py wants, and share the cores well with torch's.
numba.config.THREADING_LAYER_PRIORITY = ["omp", "workqueue", "tbb"]
