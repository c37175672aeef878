"""Every limit that an operator sets, in one place. The page refuses what lies beyond them with a clear message."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Limits:
    """What one visitor may ask of a page. The command line, whose user owns the machine, has the model's limits only.

    prompt_chars: length of a prompt. new_tokens: of one run. lanes: of one race. run_seconds: wall time of one race,
    all lanes together. server_seconds: of one listed server's answer within it. queue: visitors waiting for the engine.
    trace_bytes: size of an uploaded trace file as it arrives (trace.MAX_FILE_BYTES limits what it unpacks to).
    trace_steps, trace_lanes: steps of all its lanes, and lanes. trace_line_bytes: one of its lines, which is a step or
    a run.
    """

    prompt_chars: int = 8000
    new_tokens: int = 512
    lanes: int = 8
    run_seconds: float = 120.0
    server_seconds: float = 30.0
    queue: int = 20
    trace_bytes: int = 16 * 2**20
    trace_steps: int = 20_000
    trace_lanes: int = 24
    trace_line_bytes: int = 2**20


LIMITS = Limits()
