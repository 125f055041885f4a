"""What generated code calls besides NumPy itself. All of it writes into memory it is given."""

from __future__ import annotations

from functools import cache
from math import prod
from typing import Any

import numpy as np

from lazygrad.plugin import DType, dtype as dt, semantics
from lazygrad_numpy.collect import collect

Array = np.ndarray[Any, Any]
LOCKED = 500  # elements of its result up to which NumPy's matmul keeps the interpreter lock
SHORTEST_RUN, LONGEST_RUN = 16, 32  # elements that a running sum takes at a time
LEAST_IN_RUNS = 1 << 13  # elements for which that is worth five calls
LONGEST_NAIVE_SUM = 1024  # rows that BLAS may add up one after the other


def affine(shape: tuple[int, ...], steps: tuple[int, ...], start: int, dtype: Any) -> Array:
    """``start + sum(steps[i] * i-th coordinate)`` over ``shape``, wrapped to ``dtype``."""
    total = np.full(shape, start, np.int64)
    for axis, (size, step) in enumerate(zip(shape, steps, strict=True)):
        if step:
            line = np.arange(size, dtype=np.int64) * step
            total += line.reshape([size if a == axis else 1 for a in range(len(shape))])
    return total.astype(dtype)


_filled: dict[tuple[str, bytes], Array] = {}


def filled(value: Array, shape: tuple[int, ...]) -> Array:
    """The 0-d ``value`` everywhere; to be read only, because all who ask share the memory."""
    key, size = (value.dtype.name, value.tobytes()), prod(shape)
    found = _filled.get(key)
    if found is None or found.size < size:
        found = _filled[key] = np.full(size, value)
    return found[:size].reshape(shape)


def truncated_divide(left: Any, right: Any, out: Array) -> None:
    """Integer quotient rounded towards zero, as in C; 0 where ``right`` is 0."""
    quotient = np.floor_divide(left, right)
    inexact = np.not_equal(quotient * right, left)
    quotient += inexact & (np.less(left, 0) != np.less(right, 0)) & np.not_equal(right, 0)
    np.copyto(out, quotient)


@cache
def copies_truncate(target: DType) -> bool:
    """Whether copying floats to ``target`` is ``semantics.truncated``. The compiler that NumPy was
    made with decides what becomes of floats out of range; vectors may differ from the rest."""
    high = 2.0 ** (8 * target.itemsize - 1)
    hard = np.repeat([np.nan, np.inf, -np.inf, high, 2 * high, -2 * high, 1e30, 1.5 * high], 17)
    with np.errstate(all="ignore"):
        return target is semantics.wide_integer(target) and all(
            np.array_equal(values.astype(target.numpy), semantics.truncated(values, target))
            for values in (hard.astype(np.float32), hard, hard[:3].astype(np.float32), hard[:3])
        )


def truncate(values: Any, out: Array) -> None:
    """Floats as integers: as ``semantics.truncated``, in two copies where those are right."""
    target = dt.of(out.dtype)
    wide = semantics.wide_integer(target)
    simple = target is not dt.uint64 and copies_truncate(wide)
    whole = np.asarray(values).astype(wide.numpy) if simple else semantics.truncated(values, target)
    np.copyto(out, whole, casting="unsafe")


def from_bfloat16(bits: Array, out: Array) -> None:
    """bfloat16 bits (uint16) as float32."""
    np.left_shift(bits, 16, out=out.view(np.uint32), dtype=np.uint32)


def to_bfloat16(values: Any, out: Array) -> None:
    """float32 as bfloat16 bits, rounded to nearest even; NaN stays NaN."""
    bits = np.ascontiguousarray(values, np.float32).view(np.uint32)
    rounded = bits + (((bits >> 16) & 1) + np.uint32(0x7FFF))
    np.copyto(out, np.where(np.isnan(values), bits | np.uint32(0x400000), rounded) >> 16,
              casting="unsafe")  # fmt: skip


def round_to_float16(values: Any, out: Array) -> None:
    """Rounded to float32, then to what float16 can hold."""
    single = np.asarray(values).astype(np.float32, copy=False)
    np.copyto(out, single.astype(np.float16), casting="unsafe")


def round_to_bfloat16(values: Any, out: Array) -> None:
    """Rounded to what bfloat16 can hold."""
    bits = np.empty(np.shape(values), np.uint16)
    to_bfloat16(values, bits)
    wide = np.empty(np.shape(values), np.float32)
    from_bfloat16(bits, wide)
    np.copyto(out, wide)


def fold(step: np.ufunc, values: Array, spare: Array, out: Array) -> None:
    """Reduces the first axis with ``step`` by halves: whole rows at a time, pairwise rounding.
    ``spare`` holds half as many rows, rounded up; ``values`` and ``out`` have two axes."""
    while len(values) > 1:
        half = len(values) // 2
        step(values[:half], values[half : 2 * half], out=spare[:half])
        if len(values) % 2:
            step(spare[:1], values[2 * half :], out=spare[:1])
        values = spare[:half]
    np.copyto(out, values)


def max_rows(values: Array, out: Array) -> None:
    """The largest of each row, NaN if there is one. ``maximum.reduce`` begins anew for each row,
    which takes as long as 2000 elements; ``argmax`` does not. ``out`` has one column."""
    rows, columns = values.shape
    at = values.argmax(1)
    at += np.arange(0, rows * columns, columns)
    values.reshape(-1).take(at, out=out.reshape(-1), mode="clip")


def sum_rows(values: Array, ones: Array, out: Array) -> None:
    """Column sums by BLAS, at most LONGEST_NAIVE_SUM rows a product; ``out`` has one row."""
    step = LONGEST_NAIVE_SUM
    whole, rest = divmod(len(values), step)
    parts = np.empty((whole + bool(rest), values.shape[1]), values.dtype)
    if whole * values.shape[1] > LOCKED:
        stack = values[: whole * step].reshape(whole, step, -1)
        np.matmul(ones, stack, out=parts[:whole, np.newaxis])
    else:
        for i in range(whole):
            np.dot(ones[0], values[i * step : (i + 1) * step], out=parts[i])
    if rest:
        np.dot(ones[0, :rest], values[whole * step :], out=parts[whole])
    if len(parts) > step:
        sum_rows(parts, ones, out)
    else:
        np.add.reduce(parts, axis=0, out=out, keepdims=True)


@cache
def _ones_up_to(length: int, dtype: str) -> Array:
    """The matrix by which rows become their running sums."""
    return np.triu(np.ones((length, length), dtype))


@cache
def _run_length(length: int) -> int:
    """The longest run that rows of this many elements are divided into."""
    return next(n for n in range(min(LONGEST_RUN, length), 0, -1) if length % n == 0)


def accumulate(step: np.ufunc, x: Array, axis: int, backwards: bool, out: Array) -> None:
    """All elements up to each one along ``axis``, or from each one on, combined by ``step``."""
    if step is np.add and not backwards and _sums_in_runs(x, axis, out):
        return
    turned = (*[slice(None)] * axis, slice(None, None, -1 if backwards else 1))
    step.accumulate(x[turned], axis, out.dtype, out[turned])


def _sums_in_runs(x: Array, axis: int, out: Array) -> bool:
    """The same for sums of floats in whole rows, unless it says False.

    ``add.accumulate`` takes 3 ns an element, because each waits for the one before. Short runs
    times a triangle of ones take less than half of that, and the sums of runs are few; as long as
    all is finite: 0 times infinity is not 0.
    """
    run = _run_length(x.shape[axis])
    floats = x.dtype == out.dtype and x.dtype.kind == "f"
    whole = axis == x.ndim - 1 and x.flags.c_contiguous and out.flags.c_contiguous
    if not (floats and whole) or run < SHORTEST_RUN or x.size < LEAST_IN_RUNS:
        return False
    runs = out.reshape(-1, x.shape[axis] // run, run)
    by = _ones_up_to(run, x.dtype.name)
    np.matmul(x.reshape(-1, run), by, out=out.reshape(-1, run))
    before = np.add.accumulate(runs[:, :-1, -1], 1)
    runs[:, 1:] += before[:, :, None]
    return bool(np.isfinite(runs[:, -1, -1]).all())


# What generated code may name: NumPy's functions, the ones above, and dtypes.
NUMPY: dict[str, Any] = {
    name: getattr(np, name)
    for name in (
        "absolute", "add", "bitwise_and", "bitwise_xor", "copyto", "divide", "dot", "empty",
        "equal", "exp", "floor_divide", "fmod", "inf", "less", "log", "logical_and", "logical_not",
        "logical_or", "matmul", "maximum", "multiply", "ndarray", "negative", "not_equal", "ones",
        "remainder", "sin", "sqrt", "subtract", "take", "tanh", "where",
    )
}  # fmt: skip
OWN: dict[str, Any] = {
    function.__name__: function
    for function in (
        accumulate, affine, collect, filled, fold, from_bfloat16, max_rows,
        round_to_bfloat16, round_to_float16, sum_rows, to_bfloat16, truncate, truncated_divide,
    )
}  # fmt: skip
DTYPES: dict[str, Any] = {
    name: np.dtype(getattr(np, name))
    for name in (
        "bool_", "int8", "int16", "int32", "int64", "uint8", "uint16", "uint32", "uint64",
        "float16", "float32", "float64",
    )
}  # fmt: skip
NAMESPACE = NUMPY | OWN | DTYPES
