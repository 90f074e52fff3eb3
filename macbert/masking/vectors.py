"""Eight or sixteen items of an array at a time, as single instructions where the processor has them.

A run of tokens is some thirty long, a unit of words two: written by a loop, all or most of it would fall to the loop's
tail, item by item. Each function takes items of an array of one dimension, from a place on; the caller sees to it that
there are as many.
"""

from __future__ import annotations

from typing import Any

from llvmlite import ir
from numba import types

from macbert.masking.compiling import instruction
from macbert.masking.marks import EDGE, TEXT, WORD

_EIGHT, _SIXTEEN = 8, 16
_BYTE, _NUMBER = ir.IntType(8), ir.IntType(32)


@instruction
def copy_eight(typing_context, target, place, source, start):  # type: ignore[no-untyped-def]
    """Copy ``source[start : start + 8]``, unsigned numbers, to an array of numbers as wide or wider."""

    def generate(context, builder, signature, arguments):  # type: ignore[no-untyped-def]
        read = _eight_of(context, builder, signature.args[2], arguments[2], arguments[3])
        written = _eight_of(context, builder, signature.args[0], arguments[0], arguments[1])
        items = builder.load(read, align=signature.args[2].dtype.bitwidth // 8)
        if items.type != written.type.pointee:
            items = builder.zext(items, written.type.pointee)
        builder.store(items, written, align=signature.args[0].dtype.bitwidth // 8)
        return context.get_dummy_value()

    return types.none(target, types.int64, source, types.int64), generate


@instruction
def fill_eight(typing_context, target, place, value):  # type: ignore[no-untyped-def]
    """Write a value eight times."""
    return types.none(target, types.int64, target.dtype), _numbers(0)


@instruction
def count_eight(typing_context, target, place, first):  # type: ignore[no-untyped-def]
    """Write ``first``, ``first + 1`` ... ``first + 7``."""
    return types.none(target, types.int64, target.dtype), _numbers(1)


@instruction
def mark_eight(typing_context, marks, place, words, sentences):  # type: ignore[no-untyped-def]
    """Write the marks of eight tokens of text, of which each bit, from the lowest on, tells whether one begins a word
    or a sentence."""

    def generate(context, builder, signature, arguments):  # type: ignore[no-untyped-def]
        marks = _splat(_BYTE, [TEXT] * _EIGHT)
        for bits, mark in ((arguments[2], WORD), (arguments[3], EDGE)):
            begins = builder.bitcast(builder.trunc(bits, _BYTE), ir.VectorType(ir.IntType(1), _EIGHT))
            values = builder.mul(builder.zext(begins, marks.type), _splat(_BYTE, [mark] * _EIGHT))
            marks = builder.or_(marks, values)
        written = _eight_of(context, builder, signature.args[0], arguments[0], arguments[1])
        builder.store(marks, written, align=1)
        return context.get_dummy_value()

    return types.none(marks, types.int64, types.int64, types.int64), generate


@instruction
def largest_below(typing_context, source, place, bits, limit):  # type: ignore[no-untyped-def]
    """Return the largest of sixteen uint32, each after an exclusive or with ``bits``, that is no more than ``limit``;
    0 if none is. An int64."""

    def generate(context, builder, signature, arguments):  # type: ignore[no-untyped-def]
        read = _items(context, builder, signature.args[0], arguments[0], arguments[1], _SIXTEEN)
        bits, limit = (_repeated(builder, builder.trunc(value, _NUMBER), _SIXTEEN) for value in arguments[2:])
        items = builder.xor(builder.load(read, align=4), bits)
        none = ir.Constant(items.type, [ir.Constant(_NUMBER, 0)] * _SIXTEEN)
        kept = builder.select(builder.icmp_unsigned("<=", items, limit), items, none)
        name = "llvm.vector.reduce.umax.v16i32"
        largest = builder.module.declare_intrinsic(name, (), ir.FunctionType(_NUMBER, [items.type]))
        return builder.zext(builder.call(largest, [kept]), ir.IntType(64))

    return types.int64(source, types.int64, types.int64, types.int64), generate


def _numbers(step: int) -> Any:
    def generate(context, builder, signature, arguments):  # type: ignore[no-untyped-def]
        written = _eight_of(context, builder, signature.args[0], arguments[0], arguments[1])
        item = written.type.pointee.element
        first = _repeated(builder, arguments[2], _EIGHT)
        items = builder.add(first, ir.Constant(first.type, [ir.Constant(item, step * n) for n in range(_EIGHT)]))
        builder.store(items, written, align=signature.args[0].dtype.bitwidth // 8)
        return context.get_dummy_value()

    return generate


def _eight_of(context: Any, builder: Any, array: Any, value: Any, place: Any) -> Any:
    return _items(context, builder, array, value, place, _EIGHT)


def _items(context: Any, builder: Any, array: Any, value: Any, place: Any, many: int) -> Any:
    """Return a pointer to so many items of an array."""
    data = context.make_array(array)(context, builder, value).data
    item = context.get_data_type(array.dtype)
    return builder.bitcast(builder.gep(data, [place]), ir.VectorType(item, many).as_pointer())


def _repeated(builder: Any, item: Any, many: int) -> Any:
    """Return a vector of one item many times."""
    empty = ir.Constant(ir.VectorType(item.type, many), ir.Undefined)
    one = builder.insert_element(empty, item, ir.Constant(_NUMBER, 0))
    return builder.shuffle_vector(
        one, empty, ir.Constant(ir.VectorType(_NUMBER, many), [ir.Constant(_NUMBER, 0)] * many)
    )


def _splat(item: Any, values: list[int]) -> Any:
    return ir.Constant(ir.VectorType(item, _EIGHT), [ir.Constant(item, value) for value in values])
