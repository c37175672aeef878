"""Sixteen-lane fp32 vectors for numba: what lets plain Python loops say exactly which sum is taken in which order.

Left to the compiler, a vectorised reduction changes its order with the loop's length or with the array's alignment,
and with it the last bit of the result. Here the lanes are written down, so that the CPU forms of the kernels give the
same bits for one row and for sixty-four (row invariance), on every instruction set: LLVM lowers `<16 x float>` to
one AVX-512 register, two AVX registers or four SSE ones, and every lane sees the same operations either way.

`f32x16` values live in registers inside an njit function; they cannot be returned to Python.
"""

from __future__ import annotations

import operator

from mtpviz.kernels.compiler import (
    ConcreteTemplate,
    cgutils,
    config,
    infer_global,
    intrinsic,
    ir,
    llvm,
    lower_builtin,
    models,
    register_model,
    signature,
    types,
)

LANES = 16
F32, I32, I64 = ir.FloatType(), ir.IntType(32), ir.IntType(64)
VECTOR, INT_VECTOR = ir.VectorType(F32, LANES), ir.VectorType(I32, LANES)


class BFloats(ir.Type):
    """`<n x bfloat>`, which llvmlite has no class for."""

    def __init__(self, count: int):
        self.count = count

    def _to_string(self) -> str:
        return f"<{self.count} x bfloat>"

    def __eq__(self, other) -> bool:
        return isinstance(other, BFloats) and other.count == self.count

    def __hash__(self) -> int:
        return hash(("bfloat", self.count))


class Float32x16(types.Type):
    def __init__(self):
        super().__init__(name="f32x16")


f32x16 = Float32x16()


@register_model(Float32x16)
class _Model(models.PrimitiveModel):
    def __init__(self, manager, numba_type):
        super().__init__(manager, numba_type, VECTOR)


def has_bf16_dot() -> bool:
    """Whether compiled code multiplies bf16 pairs into fp32 sums in one instruction (avx512_bf16): the CPU's features,
    or those that NUMBA_CPU_FEATURES names in their place."""
    if config.CPU_FEATURES is not None:
        return "+avx512bf16" in config.CPU_FEATURES.split(",")
    return bool(llvm.get_host_cpu_features().get("avx512bf16", False))


def splat_ir(builder, scalar, vector=VECTOR):
    """`scalar` in all lanes of a vector type."""
    undef = ir.Constant(vector, ir.Undefined)
    first = builder.insert_element(undef, scalar, ir.Constant(I32, 0))
    return builder.shuffle_vector(first, undef, ir.Constant(INT_VECTOR, [0] * LANES))


def fma_ir(builder, a, b, c):
    """a * b + c with one rounding, in every lane and on every instruction set."""
    function = cgutils.get_or_insert_function(
        builder.module, ir.FunctionType(VECTOR, [VECTOR] * 3), "llvm.fma.v16f32")
    return builder.call(function, [a, b, c])


def load_ir(builder, pointer, vector=VECTOR):
    """Sixteen values from a pointer of any alignment that fits its elements."""
    return builder.load(builder.bitcast(pointer, vector.as_pointer()), align=4)


def prefetch_ir(builder, pointer):
    """Ask for a line before its use: it comes from the memory, or another core's cache, while others are multiplied."""
    byte = ir.IntType(8).as_pointer()
    prefetch = cgutils.get_or_insert_function(
        builder.module, ir.FunctionType(ir.VoidType(), [byte, I32, I32, I32]), "llvm.prefetch.p0")
    builder.call(prefetch, [builder.bitcast(pointer, byte), *(ir.Constant(I32, value) for value in (0, 3, 1))])


def element_pointer(context, builder, array_type, array, index):
    """Pointer to flat element `index` of a C-contiguous array argument."""
    struct = context.make_array(array_type)(context, builder, array)
    return builder.gep(struct.data, [index])


@intrinsic
def load(typing, array, index):
    """load(array, index) -> f32x16: array.ravel()[index : index + 16] of a contiguous float32 array."""
    if not (isinstance(array, types.Array) and array.dtype == types.float32):
        return None

    def codegen(context, builder, sig, args):
        return load_ir(builder, element_pointer(context, builder, sig.args[0], args[0], args[1]))

    return f32x16(array, types.intp), codegen


@intrinsic
def store(typing, array, index, value):
    """store(array, index, value): array.ravel()[index : index + 16] = value."""

    def codegen(context, builder, sig, args):
        pointer = element_pointer(context, builder, sig.args[0], args[0], args[1])
        builder.store(args[2], builder.bitcast(pointer, VECTOR.as_pointer()), align=4)
        return context.get_dummy_value()

    return types.void(array, types.intp, f32x16), codegen


@intrinsic
def store_as(typing, array, index, value):
    """store_as(array, index, value): like `store`; into a uint16 array as bf16, rounded to nearest even."""
    if not (isinstance(array, types.Array) and array.dtype in (types.float32, types.uint16)):
        return None

    def codegen(context, builder, sig, args):
        pointer = element_pointer(context, builder, sig.args[0], args[0], args[1])
        if sig.args[0].dtype == types.float32:
            builder.store(args[2], builder.bitcast(pointer, VECTOR.as_pointer()), align=4)
        else:
            narrow = builder.bitcast(builder.fptrunc(args[2], BFloats(LANES)), ir.VectorType(ir.IntType(16), LANES))
            builder.store(narrow, builder.bitcast(pointer, narrow.type.as_pointer()), align=2)
        return context.get_dummy_value()

    return types.void(array, types.intp, f32x16), codegen


@intrinsic
def splat(typing, scalar):
    """splat(x) -> f32x16 with the float32 x in every lane."""
    if not isinstance(scalar, types.Float):
        return None
    return f32x16(types.float32), lambda context, builder, sig, args: splat_ir(builder, args[0])


@intrinsic
def broadcast(typing, array, index):
    """broadcast(array, index) -> f32x16 with array.ravel()[index] of a contiguous float32 array in every lane."""
    if not (isinstance(array, types.Array) and array.dtype == types.float32):
        return None

    def codegen(context, builder, sig, args):
        pointer = element_pointer(context, builder, sig.args[0], args[0], args[1])
        return splat_ir(builder, builder.load(pointer))

    return f32x16(array, types.intp), codegen


@intrinsic
def fma(typing, a, b, c):
    """fma(a, b, c) -> a * b + c, rounded once."""
    return f32x16(f32x16, f32x16, f32x16), lambda context, builder, sig, args: fma_ir(builder, *args)


def _halves(builder, value, combine):
    """Combine lanes 0..7 with 8..15, then 4 with 4, 2 with 2, 1 with 1: one fixed order; the scalar result."""
    undef = ir.Constant(VECTOR, ir.Undefined)
    for width in (8, 4, 2, 1):
        lanes = [lane + width if lane < width else 0 for lane in range(LANES)]
        value = combine(value, builder.shuffle_vector(value, undef, ir.Constant(INT_VECTOR, lanes)))
    return builder.extract_element(value, ir.Constant(I32, 0))


@intrinsic
def lane_sum(typing, value):
    """lane_sum(v) -> float32: the sum of the lanes, halves folded onto each other."""
    return types.float32(f32x16), lambda context, builder, sig, args: _halves(builder, args[0], builder.fadd)


@intrinsic
def lane_max(typing, value):
    """lane_max(v) -> float32: the largest lane."""

    def codegen(context, builder, sig, args):
        return _halves(builder, args[0], lambda a, b: _max_ir(builder, a, b))

    return types.float32(f32x16), codegen


@intrinsic
def maximum(typing, a, b):
    """maximum(a, b) -> lane by lane the larger one."""
    return f32x16(f32x16, f32x16), lambda context, builder, sig, args: _max_ir(builder, *args)


def _max_ir(builder, a, b):
    return builder.select(builder.fcmp_ordered(">", a, b), a, b)


# exp(x) = 2^n * 2^r with n = round(x * log2 e), |r| <= 1/2; 2^r by its Taylor series in r * ln 2, whose first
# neglected term is below 2e-8. log2 e comes in two parts, or x's size would show in r. Made of single operations,
# so every lane on every machine rounds the same way.
_LOG2E, _LOG2E_REST = 1.4426950216293335, 1.9259629911e-8
_TERMS = [0.6931471805599453**k / f for k, f in enumerate((1, 1, 2, 6, 24, 120, 720, 5040))]


@intrinsic
def exp(typing, value):
    """exp(v) -> f32x16; relative error below 3e-7; 0 below -87, inf never (the argument is capped at 88)."""

    def codegen(context, builder, sig, args):
        def constant(x):
            return ir.Constant(VECTOR, [x] * LANES)

        x = args[0]
        low = builder.fcmp_ordered("<", x, constant(-87.0))
        x = _max_ir(builder, constant(-87.0), x)
        x = builder.select(builder.fcmp_ordered("<", x, constant(88.0)), x, constant(88.0))
        scaled = builder.fmul(x, constant(_LOG2E))
        rint = cgutils.get_or_insert_function(
            builder.module, ir.FunctionType(VECTOR, [VECTOR]), "llvm.rint.v16f32")
        whole = builder.call(rint, [scaled])
        rest = fma_ir(builder, x, constant(_LOG2E), builder.fneg(whole))
        rest = fma_ir(builder, x, constant(_LOG2E_REST), rest)
        power = constant(_TERMS[-1])
        for term in reversed(_TERMS[:-1]):
            power = fma_ir(builder, power, rest, constant(term))
        exponent = builder.shl(
            builder.add(builder.fptosi(whole, INT_VECTOR), ir.Constant(INT_VECTOR, [127] * LANES)),
            ir.Constant(INT_VECTOR, [23] * LANES))
        result = builder.fmul(power, builder.bitcast(exponent, VECTOR))
        return builder.select(low, constant(0.0), result)

    return f32x16(f32x16), codegen


def _binary(op, emit):
    @infer_global(op)
    class Template(ConcreteTemplate):
        cases = [signature(f32x16, f32x16, f32x16)]

    @lower_builtin(op, f32x16, f32x16)
    def lower(context, builder, sig, args):
        return getattr(builder, emit)(*args)


for _op, _emit in ((operator.add, "fadd"), (operator.sub, "fsub"), (operator.mul, "fmul"), (operator.truediv, "fdiv")):
    _binary(_op, _emit)
