"""The trace: one record per decoding run, one `Step` per pass of the target. Plain data, no torch.

Everything outside the engine (live lanes, microscope, figures, exports, benchmark, recorded runs) reads this
and nothing else. The file format, field by field, is in the docstrings of `records`: a JSON Lines file (`file`) holds,
for each lane, one header line `{"mtpviz_trace": 1, "run": {...}}`, one line `{"step": {...}}` per step and one closing
line `{"end": {...}}`; lanes follow one another. A name that ends in `.gz` is gzip-compressed.
"""

from __future__ import annotations

from mtpviz.trace.file import (
    MAX_FILE_BYTES,
    VERSION,
    dump,
    lines,
    load,
    loads,
    step_from_dict,
    step_to_dict,
    unpacked,
)
from mtpviz.trace.records import PHASES, UNKNOWN, Node, Row, Run, Step, Trace

__all__ = ["MAX_FILE_BYTES", "PHASES", "UNKNOWN", "VERSION", "Node", "Row", "Run", "Step", "Trace", "dump", "lines",
           "load", "loads", "step_from_dict", "step_to_dict", "unpacked"]
