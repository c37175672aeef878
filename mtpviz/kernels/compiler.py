"""numba and llvmlite, which compile the CPU's forms of the kernels; where they are missing, names that stand for them.

A GPU decodes and trains without a compiler for the CPU, but the CPU's forms stand in the modules that name a
strategy's settings or a head's format. So what they decorate is still defined, and refuses in one sentence when it is
called.
"""

from __future__ import annotations

import functools
from types import FunctionType

from mtpviz.errors import UserError


def require() -> None:
    """UserError where there is no numba."""
    if not FOUND:
        raise UserError("Decoding on a CPU needs numba, which is not installed here (pip install numba); --device cuda "
                        "does without.")


class Missing:
    """A module, decorator, type or base class of a library that is not there."""

    def __init__(self, *_: object, **__: object):
        pass

    def __getattr__(self, name: str) -> Missing:
        if name.startswith("__"):
            raise AttributeError(name)
        return self

    def __mro_entries__(self, bases: tuple) -> tuple:
        return (Missing,)

    def __call__(self, *args: object, **_: object) -> object:
        function = args[0] if len(args) == 1 and isinstance(args[0], FunctionType) else None
        if function is None:
            return self

        @functools.wraps(function)
        def refuse(*_: object, **__: object) -> None:
            require()
        return refuse


try:
    import llvmlite.binding as llvm
    import numba
    from llvmlite import ir
    from numba.core import cgutils, config, types
    from numba.core.typing.templates import ConcreteTemplate, infer_global, signature
    from numba.extending import intrinsic, lower_builtin, models, register_model

    FOUND = True
except ModuleNotFoundError as error:
    if (error.name or "").partition(".")[0] not in ("numba", "llvmlite"):
        raise
    llvm = numba = ir = cgutils = config = types = ConcreteTemplate = infer_global = signature = Missing()
    intrinsic = lower_builtin = models = register_model = Missing()
    FOUND = False

__all__ = ["FOUND", "ConcreteTemplate", "cgutils", "config", "infer_global", "intrinsic", "ir", "llvm", "lower_builtin",
           "models", "numba", "register_model", "require", "signature", "types"]
