"""Compile kernels ahead of time, without a GPU, and read what they use.

`python -m mtpviz.kernels.device.build TARGET SHAPE...` prints one JSON record a kernel. It is a process of its own
because a process that interprets kernels (TRITON_INTERPRET=1) can't compile them.
"""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import tempfile
from pathlib import Path

import torch

from mtpviz.kernels.device.launch import TARGETS, Launch, options

_TYPES = {torch.bfloat16: "*bf16", torch.float16: "*fp16", torch.float32: "*fp32", torch.float64: "*fp64",
          torch.int32: "*i32", torch.int64: "*i64"}


def build(launch: Launch, target: str) -> dict:
    """Compile one launch for "sm_80", "sm_90" or "sm_120"; registers a thread, local, spilled and shared bytes.

    Tensors count as aligned to 16 bytes and integers as what they are, as Triton's own launcher has it.
    """
    import triton
    from triton.backends.compiler import GPUTarget
    from triton.compiler import ASTSource

    kernel = launch.kernel
    given = dict(zip(kernel.arg_names, launch.args, strict=False)) | launch.constants
    by_name = {p.name: p for p in kernel.params}
    signature, constants, attrs = {}, {}, {}
    for at, name in enumerate(kernel.arg_names):
        value, parameter = given[name], by_name[name]
        if parameter.is_constexpr or value is None:
            signature[name], constants[name] = "constexpr", value
        elif isinstance(value, torch.Tensor):
            signature[name] = _TYPES[value.dtype]
            attrs[(at,)] = [["tt.divisibility", 16]]
        elif isinstance(value, float):
            signature[name] = "fp32"
        else:
            signature[name] = "i32" if -(2**31) <= value < 2**31 else "i64"
            if value % 16 == 0 and not parameter.do_not_specialize:
                attrs[(at,)] = [["tt.divisibility", 16]]
    source = ASTSource(kernel, signature, constants, attrs)
    chosen = options(launch.warps, launch.stages)
    compiled = triton.compile(source, target=GPUTarget("cuda", TARGETS[target], 32), options=chosen)
    ptx = compiled.asm["ptx"]
    return {"kernel": kernel.__name__.removeprefix("_"), "target": target, "shared_bytes": compiled.metadata.shared,
            **_usage(compiled.asm["cubin"]), "wide_mma": "wgmma.mma_async" in ptx, "mma": "mma.sync" in ptx}


def _usage(cubin: bytes) -> dict:
    """Registers, stack and local bytes of the one kernel in a cubin, by the cuobjdump that comes with Triton."""
    import triton

    tool = Path(triton.__file__).parent / "backends" / "nvidia" / "bin" / "cuobjdump"
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "kernel.cubin"
        path.write_bytes(cubin)
        text = subprocess.run([tool, "--dump-resource-usage", path], capture_output=True, text=True, check=True).stdout
    found = {key: int(value) for key, value in re.findall(r"(REG|STACK|LOCAL):(\d+)", text)}
    return {"registers": found["REG"], "local_bytes": found["STACK"] + found["LOCAL"], "spills": found["LOCAL"]}


def build_apart(target: str, shapes: list[str]) -> list[dict]:
    """`shapes` (names of cases.SHAPES) compiled for `target` in a process of its own."""
    environment = {key: value for key, value in os.environ.items() if key != "TRITON_INTERPRET"}
    command = [sys.executable, "-m", "mtpviz.kernels.device.build", target, *shapes]
    done = subprocess.run(command, capture_output=True, text=True, env=environment)
    if done.returncode:
        raise RuntimeError(f"compiling for {target} failed: {done.stderr.strip()[-2000:]}")
    return [json.loads(line) for line in done.stdout.splitlines()]


def _main(target: str, shapes: list[str]) -> None:
    from mtpviz.kernels.device.cases import cases

    for shape in shapes:
        for case in cases(shape, target):
            print(json.dumps({"shape": shape, "case": case.name, "bytes": case.bytes, "flops": case.flops,
                              **build(case.launch, target)}), flush=True)


if __name__ == "__main__":
    _main(sys.argv[1], sys.argv[2:])
