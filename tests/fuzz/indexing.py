"""Rows of indexing: by slices, and by integers that the program computes itself."""

from __future__ import annotations

from collections.abc import Callable
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
    return (
        slice(g.r.choice(ends), g.r.choice(ends), step)
        if g.r.random() < 0.7
        else slice(None, None, step)
    )


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
    return g.emit(
        "__getitem__", f"{x}[{text}]", lambda u, x: Value(x.array[tuple(key)], x.dtype), x
    )


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


def computed(g: Maker, low: int, size: int, fits: Callable[[Ref], bool]) -> Ref | None:
    """Integers in [low, size) that the program has computed, if there are any that fit."""
    found = [
        r for r in g.pool
        if r.value.is_int and r.id not in g.leaves and r.size <= 600 and fits(r)
        and np.all((r.value.array >= low) & (r.value.array < size))
    ]  # fmt: skip
    return g.r.choice(found) if found and g.r.random() < 0.7 else None


def _index(g: Maker, size: int, shape: tuple[int, ...]) -> Ref:
    """An index of the shape, or one that the program has computed, of whatever shape."""
    return computed(g, -size, size, lambda r: True) or g.index(size, shape)


@row("gather", smooth=True, weight=3)
def gather(g: Maker, name: str) -> Any:
    x = g.pick(lambda r: r.ndim > 0 and 0 not in r.shape)
    dim = g.dim(x)
    axis = dim % x.ndim

    def fits(r: Ref) -> bool:
        pairs = enumerate(zip(r.shape, x.shape, strict=False))
        return r.ndim == x.ndim and all(n <= m for d, (n, m) in pairs if d != axis)

    index = computed(g, -x.shape[axis], x.shape[axis], fits)
    if index is None:
        shape = [g.r.choice((1, 2, 5)) if d == axis else g.r.randint(1, n)
                 for d, n in enumerate(x.shape)]  # fmt: skip
        index = g.index(x.shape[axis], tuple(shape))

    def meaning(u: Universe, x: Value, index: Value) -> Value:
        cut = tuple(slice(None) if d == axis else slice(0, n) for d, n in enumerate(index.shape))
        at = safe(index.array, x.shape[axis])
        return Value(np.take_along_axis(x.array[cut], at, axis), x.dtype)

    return g.emit(name, f"{x}.gather({dim}, {index})", meaning, x, index)


@row("index_select", smooth=True, weight=2)
def index_select(g: Maker, name: str) -> Any:
    x = g.pick(lambda r: r.ndim > 0 and 0 not in r.shape)
    dim = g.dim(x)
    size = x.shape[dim]
    index = computed(g, 0, size, lambda r: r.ndim == 1)
    index = index or g.index(size, (g.r.choice((1, 2, 5, 7)),), negative=False)

    def meaning(u: Universe, x: Value, index: Value) -> Value:
        return Value(np.take(x.array, safe(index.array, size), dim), x.dtype)

    return g.emit(name, f"{x}.index_select({dim}, {index})", meaning, x, index)


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
    index = computed(g, 0, rows, lambda r: r.size < 200)
    index = index or g.index(rows, g.r.choice(((), (1,), (5,), (2, 3))), negative=False)

    def meaning(u: Universe, index: Value, table: Value) -> Value:
        return Value(np.take(table.array, safe(index.array, rows), 0), table.dtype)

    return g.emit(name, f"{index}.embedding({table})", meaning, index, table)
