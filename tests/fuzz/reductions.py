"""Rows of reductions, running sums and softmax."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from tests.fuzz.elementwise import lift
from tests.fuzz.program import Maker, Ref
from tests.fuzz.table import row
from tests.fuzz.values import (
    DIGITS,
    FLOATS,
    Array,
    Undefined,
    Universe,
    Value,
    cast,
    floating,
    wide,
)

Axes = tuple[int, ...]


def axes_of(dim: Any, ndim: int) -> Axes:
    if dim is None or dim == ():
        return tuple(range(ndim))
    listed = dim if isinstance(dim, tuple) else (dim,)
    return tuple(d % ndim for d in listed)


def total(u: Universe, x: Value, axes: Axes, keepdim: bool, dtype: str = "") -> Value:
    """Sum over axes; of bools and integers in int64."""
    dtype = dtype or (x.dtype if x.is_float else "int64")
    if dtype == "bool":
        return Value(np.any(x.array, axis=axes, keepdims=keepdim), dtype)
    if not x.is_float:  # halves are carried wide
        x = cast(u, x, wide(dtype) if dtype in FLOATS else dtype)
    if not x.is_float:
        return Value(np.asarray(x.array.sum(axis=axes, keepdims=keepdim, dtype=dtype)), dtype)
    size = np.abs(x.real).sum(axis=axes, keepdims=keepdim)
    count = math.prod(x.shape[a] for a in axes)
    whole = bool(np.all(x.real == np.rint(x.real)))
    value = np.asarray(x.array.sum(axis=axes, keepdims=keepdim))
    value = lift(lambda a: np.asarray(a.sum(axis=axes, keepdims=keepdim)), x.array)
    return u.total(value, dtype, np.asarray(size), count, whole)


def mean(u: Universe, x: Value, axes: Axes, keepdim: bool) -> Value:
    carried = wide(x.dtype)
    added = total(u, cast(u, x, carried), axes, keepdim)
    count = math.prod(x.shape[a] for a in axes)
    return cast(u, u.float(lift(lambda a: a / np.float64(count), added.array), carried), x.dtype)


def variance(u: Universe, x: Value, axes: Axes, keepdim: bool, correction: float = 1) -> Value:
    """Two passes, in the wide dtype."""
    carried = wide(x.dtype)
    x = cast(u, x, carried)
    center = mean(u, x, axes, True)
    gap = u.float(lift(np.subtract, x.array, center.array), carried)
    squares = u.float(lift(lambda a: a * a, gap.array), carried)
    added = total(u, squares, axes, keepdim)
    count = max(math.prod(x.shape[a] for a in axes) - correction, 0)
    return u.float(lift(lambda a: a / np.float64(count), added.array), carried)


@row("sum", "mean", smooth=True, weight=4)
def sums(g: Maker, name: str) -> object:
    x = g.float() if name == "mean" else g.pick()
    dim, keepdim = g.dims(x), g.r.random() < 0.4
    axes = axes_of(dim, x.ndim)
    if name == "mean":
        return g.emit(
            name, f"{x}.mean({dim}, {keepdim})", lambda u, x: mean(u, x, axes, keepdim), x
        )
    dtype = ""
    if g.r.random() < 0.2:
        dtype = g.r.choice(("float32", "float64") if g.smooth else
                           ("float32", "float64", "int32", "int64", "float16"))  # fmt: skip
        if x.value.is_float and dtype.startswith("int"):
            dtype = ""
    option = f", dtype={dtype!r}" if dtype else ""

    def meaning(u: Universe, x: Value) -> Value:
        if dtype and x.is_float and DIGITS[dtype] > DIGITS[x.dtype]:
            x = cast(u, x, dtype)
        return total(u, x, axes, keepdim, dtype)

    return g.emit(name, f"{x}.sum({dim}, {keepdim}{option})", meaning, x)


@row("prod", smooth=True)
def prod(g: Maker, name: str) -> object:
    x = g.pick()
    dim, keepdim = g.dims(x), g.r.random() < 0.4
    axes = axes_of(dim, x.ndim)
    count = math.prod(x.shape[a] for a in axes)
    if count > 300:
        raise Undefined("large product")

    def meaning(u: Universe, x: Value) -> Value:
        if not x.is_float:
            x = cast(u, x, "int64")
            return Value(np.asarray(np.prod(x.array, axis=axes, keepdims=keepdim)), "int64")
        value = lift(lambda a: np.asarray(np.prod(a, axis=axes, keepdims=keepdim)), x.array)
        made = u.float(value, x.dtype, ulps=1 + count, loose_zero=True)
        # in which order factors overflow or vanish is not promised
        with np.errstate(all="ignore"):
            sizes = np.abs(np.log2(np.where(x.real == 0, 1, np.abs(x.real))))
            reach = np.nan_to_num(sizes, posinf=0).sum(axis=axes, keepdims=keepdim)
        limit = {"float64": 1000}.get(x.dtype, 120)
        strange = ~np.all(np.isfinite(x.real), axis=axes, keepdims=keepdim)
        return u.unspecified(made, np.asarray((reach > limit) & ~strange) | (strange & (reach > 8)))

    return g.emit(name, f"{x}.prod({dim}, {keepdim})", meaning, x)


@row("var", "std", smooth=True, weight=1.5)
def spread(g: Maker, name: str) -> object:
    x = g.float()
    dim, keepdim, correction = g.dims(x), g.r.random() < 0.4, g.r.choice((0, 1, 1))
    axes = axes_of(dim, x.ndim)
    if g.smooth and name == "std" and math.prod(x.shape[a] for a in axes) < 2:
        raise Undefined("no slope")

    def meaning(u: Universe, x: Value) -> Value:
        made = variance(u, x, axes, keepdim, correction)
        if name == "std":
            made = u.float(lift(np.sqrt, made.array), made.dtype)
        return cast(u, made, x.dtype)

    text = f"{x}.{name}({dim}, keepdim={keepdim}, correction={correction})"
    return g.emit(name, text, meaning, x)


# -- extremes ----------------------------------------------------------------------------------


def _best(x: Value, axes: Axes, keepdim: bool, largest: bool) -> Array:
    """The extreme; equals share the derivative; NaN if there is one."""
    function = np.max if largest else np.min
    real = np.asarray(function(x.real, axis=axes, keepdims=True))
    if np.iscomplexobj(x.array):
        hit = x.real == real
        share = np.where(hit, x.array.imag, 0).sum(axis=axes, keepdims=True)
        real = real + 1j * share / hit.sum(axis=axes, keepdims=True)
    return real if keepdim else real.squeeze(axes)


def _fitting(g: Maker, x: Ref, dim: Any) -> Axes:
    axes = axes_of(dim, x.ndim)
    if any(x.shape[a] == 0 for a in axes):
        raise Undefined("nothing to choose from")
    return axes


def exactly(u: Universe, array: Array, like: Value) -> Value:
    if like.is_float:
        return u.float(array, like.dtype, exact=True, loose_zero=True)
    return Value(np.asarray(array).astype(like.dtype), like.dtype)


@row("amax", "amin", smooth=True, weight=1.5)
def extreme(g: Maker, name: str) -> object:
    x = g.pick()
    dim, keepdim = g.dims(x), g.r.random() < 0.4
    axes = _fitting(g, x, dim)
    return g.emit(
        name, f"{x}.{name}({dim}, {keepdim})",
        lambda u, x: exactly(u, _best(x, axes, keepdim, name == "amax"), x), x,
    )  # fmt: skip


def _position(x: Value, axis: int, largest: bool) -> Array:
    return np.asarray((np.argmax if largest else np.argmin)(x.real, axis=axis, keepdims=True))


@row("max", "min", smooth=True, weight=3)
def extreme_with_index(g: Maker, name: str) -> object:
    x = g.pick()
    largest = name == "max"
    if x.ndim == 0 or g.r.random() < 0.2:
        axes = _fitting(g, x, None)
        return g.emit(
            name, f"{x}.{name}()", lambda u, x: exactly(u, _best(x, axes, False, largest), x), x
        )
    dim, keepdim = g.dim(x), g.r.random() < 0.4
    (axis,) = _fitting(g, x, dim)

    def meaning(u: Universe, x: Value) -> tuple[Value, Value]:
        at = _position(x, axis, largest)
        found = np.take_along_axis(x.array, at, axis)
        found, at = (found, at) if keepdim else (found.squeeze(axis), at.squeeze(axis))
        return exactly(u, found, x), Value(at.astype(np.int64), "int64")

    return g.emit(name, f"{x}.{name}({dim}, {keepdim})", meaning, x)


@row("argmax", "argmin", weight=4)
def position(g: Maker, name: str) -> object:
    x = g.pick()
    largest = name == "argmax"
    if x.ndim == 0 or g.r.random() < 0.2:
        _fitting(g, x, None)

        def flat(u: Universe, x: Value) -> Value:
            at = _position(Value(x.array.reshape(-1), x.dtype), 0, largest)
            return Value(at.reshape(()).astype(np.int64), "int64")

        return g.emit(name, f"{x}.{name}()", flat, x)
    dim, keepdim = g.dim(x), g.r.random() < 0.5
    (axis,) = _fitting(g, x, dim)

    def meaning(u: Universe, x: Value) -> Value:
        at = _position(x, axis, largest).astype(np.int64)
        return Value(at if keepdim else at.squeeze(axis), "int64")

    return g.emit(name, f"{x}.{name}({dim}, {keepdim})", meaning, x)


@row("any", "all", weight=1.5)
def truth(g: Maker, name: str) -> object:
    x = g.pick()
    dim, keepdim = g.dims(x), g.r.random() < 0.4
    axes = axes_of(dim, x.ndim)
    function = np.any if name == "any" else np.all

    def meaning(u: Universe, x: Value) -> Value:
        found = np.asarray(function(x.real != 0, axis=axes, keepdims=keepdim))
        return Value(
            found.astype("uint8" if x.dtype == "uint8" else "bool"),
            x.dtype if x.dtype == "uint8" else "bool",
        )

    return g.emit(name, f"{x}.{name}({dim}, {keepdim})", meaning, x)


# -- running sums, softmax -----------------------------------------------------------------------


@row("cumsum", smooth=True, weight=2)
def cumsum(g: Maker, name: str) -> object:
    x = g.pick()
    dim = g.dim(x)

    def meaning(u: Universe, x: Value) -> Value:
        if not x.is_float:
            whole = cast(u, x, "int64")
            return Value(np.cumsum(whole.array, axis=dim), "int64")
        size = np.cumsum(np.abs(x.real), axis=dim)
        exact = bool(np.all(x.real == np.rint(x.real)))
        value = lift(lambda a: np.cumsum(a, axis=dim), x.array)
        return u.total(value, x.dtype, size, x.shape[dim] + 64, exact)

    return g.emit(name, f"{x}.cumsum({dim})", meaning, x)


def _shifted(x: Array, axis: Any) -> tuple[Array, Array]:
    """x less its largest value, and that."""
    if x.ndim == 0 or x.size == 0:
        return x - x.real, x.real
    top = np.max(x.real, axis=axis, keepdims=True)
    return x - top, top


def _log_softmax(x: Array, axis: Any) -> Array:
    low, _ = _shifted(x, axis)
    return low - np.log(np.exp(low).sum(axis=axis, keepdims=True)) if x.ndim else low * 0


@row("softmax", "log_softmax", smooth=True, weight=2)
def softmax(g: Maker, name: str) -> object:
    x = g.float(lambda r: r.ndim > 0)
    dim = g.dim(x)
    return g.emit(
        name, f"{x}.{name}({dim})", lambda u, x: softmax_of(u, x, dim, name == "log_softmax"), x
    )


def softmax_of(u: Universe, x: Value, dim: int, log: bool = False) -> Value:
    carried = wide(x.dtype)
    low = np.abs(_shifted(x.real, dim)[0])
    low = np.where(np.isfinite(low), low, 0)
    eps = 2.0 ** -DIGITS[carried]
    # the derivative is a difference from the weighted mean
    steepest = np.max(np.abs(np.imag(x.array)), axis=dim, keepdims=True, initial=0)
    steepest = steepest * 2.0 ** (DIGITS[carried] - DIGITS[x.dtype])  # rounded to the dtype
    if log:
        value = lift(lambda a: _log_softmax(a, dim), x.array)
        error = eps * (4 + 4 * low)
        return cast(u, u.float(value, carried, error=error, slope_error=steepest), x.dtype)
    value = lift(lambda a: np.exp(_log_softmax(a, dim)), x.array)
    slope_error = value.real * steepest
    return cast(u, u.float(value, carried, ulps=6 + low, slope_error=slope_error), x.dtype)


@row("logsumexp", smooth=True)
def logsumexp(g: Maker, name: str) -> object:
    x = g.pick(lambda r: r.ndim > 0)
    dim, keepdim = g.dim(x), g.r.random() < 0.4
    (axis,) = _fitting(g, x, dim)

    def meaning(u: Universe, x: Value) -> Value:
        x = floating(u, x)
        carried = wide(x.dtype)

        def of(a: Array) -> Array:
            top = np.max(a.real, axis=axis, keepdims=True)
            top = np.where(np.isfinite(top), top, 0)
            return (np.log(np.exp(a - top).sum(axis=axis, keepdims=True)) + top).reshape(shape)

        kept = [1 if a == axis else n for a, n in enumerate(x.shape)]
        shape = kept if keepdim else [n for a, n in enumerate(x.shape) if a != axis]
        top = np.abs(np.max(x.real, axis=axis)).reshape(shape)
        # unfused, a column is summed term by term, and equal terms round the same way
        terms = x.shape[axis] / 4
        error = 2.0 ** -DIGITS[carried] * (8 + terms + 2 * np.where(np.isfinite(top), top, 0))
        return cast(u, u.float(lift(of, x.array), carried, error=error), x.dtype)

    return g.emit(name, f"{x}.logsumexp({dim}, {keepdim})", meaning, x)
