"""Instructions of the processor that numba has no name for."""

from __future__ import annotations

from typing import Any

from llvmlite import ir
from numba import types

from macbert.masking.compiling import instruction

_READ, _KEEP_IN_ALL_CACHES, _DATA = 0, 3, 1


@instruction
def trailing_zeros(typing_context, bits):  # type: ignore[no-untyped-def]
    """Return the place of the lowest set bit of a uint64, 64 if none is set, as int64."""

    def generate(context, builder, signature, arguments):  # type: ignore[no-untyped-def]
        return builder.cttz(arguments[0], ir.Constant(ir.IntType(1), 0))

    return types.int64(types.uint64), generate


@instruction
def prefetch(typing_context, array, place):  # type: ignore[no-untyped-def]
    """Ask for the line of memory that an array's item, or row of two dimensions, begins in, without waiting for it."""

    def generate(context, builder, signature, arguments):  # type: ignore[no-untyped-def]
        whole = context.make_array(signature.args[0])(context, builder, arguments[0])
        size = builder.extract_value(whole.strides, 0)
        start = builder.ptrtoint(whole.data, size.type)
        _ask(builder, builder.add(start, builder.mul(size, arguments[1])))
        return context.get_dummy_value()

    return types.none(array, types.int64), generate


@instruction
def prefetch_at(typing_context, address):  # type: ignore[no-untyped-def]
    """Ask for the line of memory at an address, int64."""

    def generate(context, builder, signature, arguments):  # type: ignore[no-untyped-def]
        _ask(builder, arguments[0])
        return context.get_dummy_value()

    return types.none(types.int64), generate


def _ask(builder: Any, address: Any) -> None:
    pointer = builder.inttoptr(address, ir.IntType(8).as_pointer())
    number = ir.IntType(32)
    kind = ir.FunctionType(ir.VoidType(), [pointer.type, number, number, number])
    instruction = builder.module.declare_intrinsic("llvm.prefetch", [pointer.type], kind)
    builder.call(instruction, [pointer, *(ir.Constant(number, value) for value in (_READ, _KEEP_IN_ALL_CACHES, _DATA))])
