"""Rows of views, joins, creation and reading back: nothing rounds."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np

from tests.fuzz.program import Maker, Ref
from tests.fuzz.table import row
from tests.fuzz.values import (
    FLOATS,
    INTS,
    Array,
    Undefined,
    Universe,
    Value,
    cast,
    promote,
    rounded,
)


def moved(function: Callable[[Array], Array]) -> Callable[..., Value]:
    return lambda u, x: Value(np.asarray(function(x.array)), x.dtype)


def move(g: Maker, name: str, x: Ref, text: str, function: Callable[[Array], Array]) -> Any:
    return g.emit(name, text, moved(function), x)


def factored(g: Maker, size: int) -> tuple[int, ...]:
    """A shape of ``size`` elements."""
    parts: list[int] = []
    while size > 1 and len(parts) < 3 and g.r.random() < 0.75:
        divisors = [d for d in range(2, min(size, 200) + 1) if size % d == 0]
        if not divisors:
            break
        parts.append(g.r.choice(divisors))
        size //= parts[-1]
    parts.append(size)
    if g.r.random() < 0.2:
        parts.insert(g.r.randint(0, len(parts)), 1)
    g.r.shuffle(parts)
    return tuple(parts)


@row("reshape", "view", "view_as", smooth=True, weight=3)
def reshape(g: Maker, name: str) -> Any:
    x = g.pick()
    shape = factored(g, x.size) if x.size else tuple(g.r.sample((0, 3, 2), 3))
    if name == "view_as":
        y = g.leaf(shape, "float32")
        return g.emit(
            name, f"{x}.view_as({y})", lambda u, x, y: Value(x.array.reshape(shape), x.dtype), x, y
        )
    asked = list(shape)
    if x.size and g.r.random() < 0.3:
        asked[g.r.randrange(len(asked))] = -1
    text = f"{x}.{name}({', '.join(map(str, asked))})"
    return move(g, name, x, text, lambda a: a.reshape(shape))


@row("permute", "transpose", "swapaxes", "swapdims", "t", "T", "mT", "movedim", "moveaxis",
     smooth=True, weight=4)  # fmt: skip
def permute(g: Maker, name: str) -> Any:
    if name in ("t", "T"):
        x = g.pick(lambda r: name == "T" or r.ndim <= 2)
        return move(g, name, x, f"{x}.T" if name == "T" else f"{x}.t()", lambda a: a.T)
    if name == "permute":
        x = g.pick(lambda r: r.ndim > 1)
        order = g.r.sample(range(x.ndim), x.ndim)
        asked = [d - x.ndim if g.r.random() < 0.3 else d for d in order]
        return move(g, name, x, f"{x}.permute({asked})", lambda a: a.transpose(order))
    x = g.pick(lambda r: r.ndim > 1)
    if name == "mT":
        return move(g, name, x, f"{x}.mT", lambda a: np.swapaxes(a, -1, -2))
    a, b = g.dim(x), g.dim(x)
    function = np.moveaxis if name.startswith("move") else np.swapaxes
    return move(g, name, x, f"{x}.{name}({a}, {b})", lambda array: function(array, a, b))


@row("expand", "expand_as", "broadcast_to", smooth=True, weight=2)
def expand(g: Maker, name: str) -> Any:
    x = g.pick(lambda r: r.size <= 600)
    target = [n if n != 1 else g.r.choice((1, 2, 3, 5)) for n in x.shape]
    lead = [g.r.choice((1, 2, 3)) for _ in range(g.r.randint(0, 2))]
    full = (*lead, *target)
    if name == "expand_as":
        y = g.leaf(full, "float32")
        return g.emit(
            name, f"{x}.expand_as({y})",
            lambda u, x, y: Value(np.broadcast_to(x.array, full), x.dtype), x, y,
        )  # fmt: skip
    asked = full
    if name == "expand":
        kept = [-1 if n == m and g.r.random() < 0.3 else m
                for n, m in zip(x.shape, target, strict=True)]  # fmt: skip
        asked = (*lead, *kept)
    return move(g, name, x, f"{x}.{name}({asked})", lambda a: np.broadcast_to(a, full))


@row("pad", smooth=True, weight=2)
def pad(g: Maker, name: str) -> Any:
    x = g.pick(lambda r: r.ndim > 0)
    dims = g.r.randint(1, x.ndim)
    widths = []
    for size in x.shape[::-1][:dims]:
        low = g.r.choice((0, 0, 1, 2, 3, -1))
        high = g.r.choice((0, 1, 2, -1))
        widths.append((max(low, -size), high) if size + min(low, 0) + min(high, 0) >= 0 else (1, 0))
    value = g.number(x.dtype) if g.r.random() < 0.5 else 0
    flat = [n for pair in widths for n in pair]

    def function(a: Array) -> Array:
        pairs = [(0, 0)] * (a.ndim - dims) + widths[::-1]
        cut = tuple(slice(max(-b, 0), n - max(-e, 0))
                    for n, (b, e) in zip(a.shape, pairs, strict=True))  # fmt: skip
        filler: Any = rounded(np.asarray(float(value)), x.dtype) if x.value.is_float else value
        return np.pad(a[cut], [(max(b, 0), max(e, 0)) for b, e in pairs], constant_values=filler)

    return move(g, name, x, f"{x}.pad({flat}, value={value!r})", function)


@row("flip", "roll", smooth=True, weight=3)
def flip(g: Maker, name: str) -> Any:
    x = g.pick(lambda r: r.ndim > 0)
    if name == "flip":
        dims = g.r.sample(range(x.ndim), g.r.randint(1, x.ndim))
        asked = [d - x.ndim if g.r.random() < 0.3 else d for d in dims]
        return move(
            g, name, x, f"{x}.flip({', '.join(map(str, asked))})", lambda a: np.flip(a, tuple(dims))
        )
    by = g.r.randint(-5, 9)
    if g.r.random() < 0.3:
        return move(g, name, x, f"{x}.roll({by})", lambda a: np.roll(a, by))
    dim = g.dim(x)
    return move(g, name, x, f"{x}.roll({by}, {dim})", lambda a: np.roll(a, by, dim))


@row("squeeze", "unsqueeze", "flatten", "ravel", "unflatten", smooth=True, weight=3)
def dims(g: Maker, name: str) -> Any:
    x = g.pick()
    if name == "unsqueeze":
        dim = g.r.randint(-x.ndim - 1, x.ndim)
        return move(g, name, x, f"{x}.unsqueeze({dim})", lambda a: np.expand_dims(a, dim))
    if name == "ravel":
        return move(g, name, x, f"{x}.ravel()", lambda a: a.reshape(-1))
    if name == "squeeze":
        if x.ndim == 0 or g.r.random() < 0.4:
            return move(g, name, x, f"{x}.squeeze()", np.squeeze)
        dim = g.dim(x)
        return move(g, name, x, f"{x}.squeeze({dim})",
                    lambda a: a.squeeze(dim) if a.shape[dim] == 1 else a)  # fmt: skip
    if x.ndim == 0:
        raise Undefined("no dim")
    if name == "flatten":
        first, last = sorted(g.r.choices(range(x.ndim), k=2))
        shape = (*x.shape[:first], math.prod(x.shape[first : last + 1]), *x.shape[last + 1 :])
        text = f"{x}.flatten({first}, {last - x.ndim})"
        return move(g, name, x, text, lambda a: a.reshape(shape))
    dim = g.dim(x) % x.ndim
    sizes = factored(g, x.shape[dim]) if x.shape[dim] else (0, 2)
    shape = (*x.shape[:dim], *sizes, *x.shape[dim + 1 :])
    return move(g, name, x, f"{x}.unflatten({dim}, {sizes})", lambda a: a.reshape(shape))


@row("repeat", "tile", smooth=True, weight=1.5)
def repeat(g: Maker, name: str) -> Any:
    x = g.pick(lambda r: r.size <= 600)
    count = x.ndim + g.r.randint(0, 1) if name == "repeat" else g.r.randint(1, x.ndim + 1)
    times = [g.r.choice((1, 1, 2, 3)) for _ in range(count)] or [2]
    return move(
        g, name, x, f"{x}.{name}({', '.join(map(str, times))})", lambda a: np.tile(a, times)
    )


@row("narrow", "select", smooth=True, weight=3)
def narrow(g: Maker, name: str) -> Any:
    x = g.pick(lambda r: r.ndim > 0 and 0 not in r.shape)
    dim = g.dim(x)
    size = x.shape[dim]
    at = g.r.randrange(size)
    if name == "select":
        asked = at - size if g.r.random() < 0.3 else at
        return move(g, name, x, f"{x}.select({dim}, {asked})", lambda a: a.take(at, dim))
    length = g.r.randint(0 if g.r.random() < 0.1 else 1, size - at)
    return move(
        g, name, x, f"{x}.narrow({dim}, {at}, {length})",
        lambda a: a.take(np.arange(at, at + length), dim),
    )  # fmt: skip


@row("split", "chunk", "unbind", smooth=True, weight=1.5)
def pieces(g: Maker, name: str) -> Any:
    x = g.pick(lambda r: r.ndim > 0 and 0 not in r.shape)
    dim = g.dim(x)
    size = x.shape[dim]
    step = g.r.randint(-(-size // 4), size)
    if name == "unbind":
        if size > 5:
            raise Undefined("too many")
        starts, text = list(range(size)), f"{x}.unbind({dim})"
    elif name == "split":
        starts, text = list(range(0, size, step)), f"{x}.split({step}, {dim})"
    else:
        chunks = g.r.randint(1, 4)
        step = -(-size // chunks)
        starts, text = list(range(0, size, step)), f"{x}.chunk({chunks}, {dim})"

    def meaning(u: Universe, x: Value) -> tuple[Value, ...]:
        if name == "unbind":
            return tuple(Value(x.array.take(i, dim), x.dtype) for i in starts)
        parts = [x.array.take(np.arange(at, min(at + step, size)), dim) for at in starts]
        return tuple(Value(part, x.dtype) for part in parts)

    return g.emit(name, f"list({text})" if len(starts) > 1 else f"{text}[0]", meaning, x)


@row("cat", "stack", smooth=True, weight=3)
def join(g: Maker, name: str) -> Any:
    x = g.pick(lambda r: r.ndim > 0 or name == "stack")
    count = g.r.choice((1, 2, 2, 3, 5))
    dim = g.r.randint(-x.ndim - 1, x.ndim) if name == "stack" else g.dim(x)

    def fits(y: Ref) -> bool:
        if name == "stack":
            return y.shape == x.shape
        axis = dim % x.ndim
        return y.ndim == x.ndim and all(
            n == m for d, (n, m) in enumerate(zip(x.shape, y.shape, strict=True)) if d != axis
        )

    parts = [x, *(g.pick(fits) for _ in range(count - 1))]
    function = np.stack if name == "stack" else np.concatenate

    def meaning(u: Universe, *values: Value) -> Value:
        dtype = values[0].dtype
        for value in values:
            dtype = promote(dtype, value.dtype)
        return Value(function([cast(u, v, dtype).array for v in values], axis=dim), dtype)

    listed = ", ".join(map(str, parts))
    return g.emit(name, f"Tensor.{name}([{listed}], {dim})", meaning, *parts)


@row("tril", "triu", smooth=True)
def triangle(g: Maker, name: str) -> Any:
    x = g.pick(lambda r: r.ndim >= 2)
    k = g.r.randint(-3, 3)
    function = np.tril if name == "tril" else np.triu
    rows = function(np.ones(x.shape[-2:], bool), k)
    return move(g, name, x, f"{x}.{name}({k})",
                lambda a: np.where(rows, a, np.zeros((), a.dtype)))  # fmt: skip


# -- creation ------------------------------------------------------------------------------------


@row("zeros_like", "ones_like", "full_like", "empty_like", weight=1)
def filled_like(g: Maker, name: str) -> Any:
    x = g.pick()
    number = {"zeros_like": 0, "ones_like": 1, "empty_like": 0}.get(name, g.number(x.dtype))
    argument = repr(number) if name == "full_like" else ""

    def meaning(u: Universe, x: Value) -> Value:
        return cast(u, Value(np.full(x.shape, float(number)), "float64"), x.dtype)

    return g.emit(name, f"{x}.{name}({argument})", meaning, x)


@row("zeros", "ones", "full", "empty", "arange", "linspace", "eye", weight=2)
def created(g: Maker, name: str) -> Any:
    dtype = g.r.choice((*INTS, *FLOATS))
    shape = g.shape()
    n = g.r.choice((1, 3, 7, 33))

    def constant(array: Any) -> Callable[..., Value]:
        made = Value(np.asarray(array), "float64")
        return lambda u: cast(u, made, dtype)

    tail = f"dtype={dtype!r}, device=D)"
    if name in ("zeros", "ones", "empty"):
        fill = constant(np.full(shape, float(name == "ones")))
        return g.emit(name, f"Tensor.{name}({shape}, {tail}", fill)
    if name == "full":
        number = g.number(dtype)
        return g.emit(name, f"Tensor.full({shape}, {number!r}, {tail}",
                      constant(np.full(shape, float(number))))  # fmt: skip
    if name == "arange":
        first, step = g.r.choice((0, 1, 5)), g.r.choice((1, 2, 3))
        text = f"Tensor.arange({first}, {first + n * step}, {step}, {tail}"
        return g.emit(name, text, constant(first + step * np.arange(float(n))))
    if name == "eye":
        return g.emit(name, f"Tensor.eye({n}, {n + 1}, {tail}", constant(np.eye(n, n + 1)))
    if dtype not in FLOATS:
        raise Undefined("linspace of integers")
    ends = np.linspace(-1, 2, n)
    return g.emit(
        name, f"Tensor.linspace(-1, 2, {n}, {tail}",
        lambda u: u.float(ends, dtype, error=4 * np.finfo(np.float32).eps if dtype == "float32"
                          else 4.0 * 2.0 ** -{"float16": 11, "bfloat16": 8, "float64": 53}[dtype]),
    )  # fmt: skip


@row("from_numpy", "tolist", "item", weight=0.5)
def through_host(g: Maker, name: str) -> Any:
    x = g.pick(lambda r: r.dtype != "bfloat16" and 0 not in r.shape)
    if name == "item":
        x = g.pick(lambda r: r.size == 1)
        return g.emit(name, f"Tensor({x}.item(), dtype={x.dtype!r}, device=D)",
                      moved(lambda a: a.reshape(())), x, host=True)  # fmt: skip
    if name == "tolist":
        return g.emit(name, f"Tensor({x}.tolist(), dtype={x.dtype!r}, device=D)",
                      moved(lambda a: a), x, host=True)  # fmt: skip
    return g.emit(
        name, f"Tensor.from_numpy({x}.numpy(), device=D)", moved(lambda a: a), x, host=True
    )


@row("__bool__", "__int__", "__float__", "__index__", "__contains__", weight=0.5)
def python_value(g: Maker, name: str) -> Any:
    if name == "__contains__":
        x = g.pick(lambda r: not r.value.is_float)
        number = g.number(x.dtype)
        return g.emit(name, f"Tensor({number!r} in {x}, device=D)",
                      lambda u, x: Value(np.asarray(np.any(x.array == number)), "bool"),
                      x, host=True)  # fmt: skip
    whole = name == "__index__"
    x = g.pick(lambda r: r.size == 1 and (r.value.is_int if whole else r.dtype != "uint64"))
    value = float(x.value.real.reshape(()))
    if not abs(value) < 1e9 and name != "__bool__":
        raise Undefined("too large for an int")
    function, dtype = {
        "__bool__": ("bool", "bool"), "__int__": ("int", "int64"),
        "__float__": ("float", "float64"), "__index__": ("__import__('operator').index", "int64"),
    }[name]  # fmt: skip
    return g.emit(
        name, f"Tensor({function}({x}), dtype={dtype!r}, device=D)",
        lambda u, x: Value(cast(u, x, dtype).array.reshape(()), dtype), x, host=True,
    )  # fmt: skip


@row("copy_", "fill_", "zero_", "assign", weight=1.5)
def overwritten(g: Maker, name: str) -> Any:
    x = g.pick()
    if name in ("fill_", "zero_"):
        number = g.number(x.dtype) if name == "fill_" else 0
        argument = repr(number) if name == "fill_" else ""

        def filled(u: Universe, x: Value) -> Value:
            return cast(u, Value(np.full(x.shape, float(number)), "float64"), x.dtype)

        return g.emit(name, f"{x}.clone().{name}({argument})", filled, x)
    y = g.pick(lambda r: r.shape == x.shape)
    return g.emit(name, f"{x}.clone().{name}({y})", lambda u, x, y: cast(u, y, x.dtype), x, y)
