"""A barrier for the threads of one parallel loop, so that a whole pass is one region and not a hundred.

Entering and leaving a parallel region of numba costs about 5 microseconds, a barrier of this kind a tenth of one; a
pass over a 16-layer model has some hundred points at which all threads must have finished.
"""

from __future__ import annotations

import platform
import sys

from mtpviz.kernels.compiler import cgutils, intrinsic, ir, types
from mtpviz.kernels.simd import I32, I64, element_pointer

_SPINS = 2_000  # before the processor is offered to others
_PATIENCE = 20_000_000  # such offers, many seconds, before the team is taken to be incomplete


@intrinsic
def wait(typing, arrivals, threads):
    """wait(arrivals, threads) -> bool: return once all `threads` have called it as often as this one.

    arrivals: int64 (1,), zeroed before the region. False if the others never came: the region was given fewer
    threads than it has shares, and its caller must give up rather than hang.
    """

    def codegen(context, builder, sig, args):
        pointer = element_pointer(context, builder, sig.args[0], args[0], ir.Constant(I64, 0))
        team = args[1]
        arrived = builder.add(builder.atomic_rmw("add", pointer, ir.Constant(I64, 1), "seq_cst"), ir.Constant(I64, 1))
        rounds = builder.sdiv(builder.add(arrived, builder.sub(team, ir.Constant(I64, 1))), team)
        goal = builder.mul(rounds, team)
        tries = cgutils.alloca_once_value(builder, ir.Constant(I64, 0))
        check, again, done = (builder.append_basic_block(name) for name in ("check", "again", "done"))
        builder.branch(check)
        builder.position_at_end(check)
        complete = builder.icmp_signed(">=", builder.load_atomic(pointer, "seq_cst", 8), goal)
        patient = builder.icmp_signed("<", builder.load(tries), ir.Constant(I64, _PATIENCE))
        builder.cbranch(builder.or_(complete, builder.not_(patient)), done, again)
        builder.position_at_end(again)
        count = builder.add(builder.load(tries), ir.Constant(I64, 1))
        builder.store(count, tries)
        _relax(builder, count)
        builder.branch(check)
        builder.position_at_end(done)
        return complete

    return types.boolean(arrivals, types.int64), codegen


def _relax(builder, count) -> None:
    """Tell the core that this is a spin; after many, let another process have it."""
    if platform.machine() in ("x86_64", "AMD64"):
        builder.call(cgutils.get_or_insert_function(
            builder.module, ir.FunctionType(ir.VoidType(), []), "llvm.x86.sse2.pause"), [])
    if sys.platform != "win32":
        with builder.if_then(builder.icmp_signed(">", count, ir.Constant(I64, _SPINS))):
            builder.call(cgutils.get_or_insert_function(
                builder.module, ir.FunctionType(I32, []), "sched_yield"), [])
