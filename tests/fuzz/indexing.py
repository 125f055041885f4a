"""Rows of indexing: by slices, and by integers that the program computes itself."""

from __future__ import annotations

from typing import Any

import numpy as np

from tests.fuzz.program import Maker, Ref
from tests.fuzz.table import row
from tests.fuzz.values import Array, Undefined, Universe, Value


def safe(index: Array, size: int) -> Array:
    """Wrapped; in perturbed universes a computed index may be anything."""
    return np.mod(index.astype(np.int64), max(size, 1))


@row("__getitem__", smooth=True, weight=6)
def getitem(g: Maker, name: str) -> Any:
    x = g.pick(lambda r: r.ndim > 0)
    if g.r.random() < 0.5:
        return _basic(g, x)
    return _with_indices(g, x)


def _slice(g: Maker, size: int) -> slice:
    step = g.r.choice((1, 1, 1, 2, 3, -1, -2))
    ends = [None, *range(-size - 1, size + 2)]
    return slice(g.r.choice(ends), g.r.choice(ends), step) if g.r.random() < 0.7 else slice(None, None, step)


def _text(item: Any) -> str:
    if isinstance(item, slice):
        start, stop = ("" if end is None else end for end in (item.start, item.stop))
        return f"{start}:{stop}" + (f":{item.step}" if item.step != 1 else "")
    return "..." if item is Ellipsis else str(item)


def _basic(g: Maker, x: Ref) -> Any:
    key: list[Any] = []
    used = g.r.randint(1, x.ndim)
    for size in x.shape[:used]:
        if g.r.random() < 0.3 and size:
            key.append(g.r.randrange(-size, size))
        else:
            key.append(_slice(g, size))
        if g.r.random() < 0.1:
            key.append(None)
    if used < x.ndim and g.r.random() < 0.2:
        key.append(Ellipsis)
    text = ", ".join(map(_text, key))
    return g.emit("__getitem__", f"{x}[{text}]", lambda u, x: Value(x.array[tuple(key)], x.dtype), x)


def _with_indices(g: Maker, x: Ref) -> Any:
    if 0 in x.shape:
        raise Undefined("nothing to index")
    key: list[Any] = []
    shape = g.r.choice(((), (1,), (3,), (4,), (2, 3), g.shape()[-2:]))
    count = 0
    for size in x.shape[: g.r.randint(1, x.ndim)]:
        if g.r.random() < 0.6 and count < 2:
            key.append(_index(g, size, shape))
            count += 1
        else:
            key.append(slice(None) if g.r.random() < 0.5 else _slice(g, size))
    indices = [item for item in key if isinstance(item, Ref)]

    def meaning(u: Universe, x: Value, *found: Value) -> Value:
        given = iter(found)
        full = [safe(next(given).array, x.shape[d]) if isinstance(item, Ref) else item
                for d, item in enumerate(key)]  # fmt: skip
        return Value(np.asarray(x.array[tuple(full)]), x.dtype)

    text = ", ".join(map(_text, key))
    return g.emit("__getitem__", f"{x}[{text}]", meaning, x, *indices)


def _index(g: Maker, size: int, shape: tuple[int, ...]) -> Ref:
    """An index of the shape, or one that the program has computed, of whatever shape."""
    found = [r for r in g.pool if r.value.is_int and r.id not in g.leaves and r.size <= 600
             and np.all((r.value.array >= -size) & (r.value.array < size))]  # fmt: skip
    if found and g.r.random() < 0.5:
        return g.r.choice(found)
    return g.index(size, shape)


@row("gather", smooth=True, weight=3)
def gather(g: Maker, name: str) -> Any:
    x = g.pick(lambda r: r.ndim > 0 and 0 not in r.shape)
    dim = g.dim(x)
    axis = dim % x.ndim
    found = [r for r in g.pool if r.value.is_int and r.ndim == x.ndim and r.id not in g.leaves
             and all(n <= m for d, (n, m) in enumerate(zip(r.shape, x.shape, strict=True)) if d != axis)
             and np.all((r.value.array >= -x.shape[axis]) & (r.value.array < x.shape[axis]))]  # fmt: skip
    if found and g.r.random() < 0.8:
        index = g.r.choice(found)
    else:
        shape = tuple(g.r.choice((1, 2, 5)) if d == axis else g.r.randint(1, n)
                      for d, n in enumerate(x.shape))  # fmt: skip
        index = g.index(x.shape[axis], shape)

    def meaning(u: Universe, x: Value, index: Value) -> Value:
        cut = tuple(slice(None) if d == axis else slice(0, n) for d, n in enumerate(index.shape))
        at = safe(index.array, x.shape[axis])
        return Value(np.take_along_axis(x.array[cut], at, axis), x.dtype)

    return g.emit(name, f"{x}.gather({dim}, {index})", meaning, x, index)


@row("index_select", smooth=True, weight=2)
def index_select(g: Maker, name: str) -> Any:
    x = g.pick(lambda r: r.ndim > 0 and 0 not in r.shape)
    dim = g.dim(x)
    found = [r for r in g.pool if r.value.is_int and r.ndim == 1 and r.id not in g.leaves
             and np.all((r.value.array >= 0) & (r.value.array < x.shape[dim]))]  # fmt: skip
    index = g.r.choice(found) if found and g.r.random() < 0.8 else g.index(
        x.shape[dim], (g.r.choice((1, 2, 5, 7)),), negative=False)  # fmt: skip
    return g.emit(
        name, f"{x}.index_select({dim}, {index})",
        lambda u, x, i: Value(np.take(x.array, safe(i.array, x.shape[dim]), dim), x.dtype), x, index,
    )  # fmt: skip


@row("one_hot", weight=2)
def one_hot(g: Maker, name: str) -> Any:
    classes = g.r.choice((1, 3, 7, 10))
    index = g.index(classes, g.shape(), negative=False)
    return g.emit(
        name, f"{index}.one_hot({classes})",
        lambda u, x: Value((x.array[..., None] == np.arange(classes)).astype(np.int64), "int64"),
        index,
    )  # fmt: skip


@row("embedding", smooth=True, weight=2)
def embedding(g: Maker, name: str) -> Any:
    table = g.pick(lambda r: r.ndim == 2 and 0 not in r.shape)
    rows = table.shape[0]
    found = [r for r in g.pool if r.value.is_int and r.id not in g.leaves and r.size < 200
             and np.all((r.value.array >= 0) & (r.value.array < rows))]  # fmt: skip
    index = g.r.choice(found) if found and g.r.random() < 0.7 else g.index(
        rows, g.r.choice(((), (1,), (5,), (2, 3))), negative=False)  # fmt: skip
    return g.emit(
        name, f"{index}.embedding({table})",
        lambda u, i, t: Value(np.take(t.array, safe(i.array, rows), 0), t.dtype), index, table,
    )  # fmt: skip


