"""Naming arrays: declarations of their memory, and slices of them inside loops."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import pairwise
from math import prod
from typing import Any

import numpy as np

from lazygrad.plugin import Range
from lazygrad_numpy.code import Array, Line, Loop, Region, Scope

Dims = tuple[tuple[Range, ...], ...]  # each dim: the ranges that it runs over, merged


def name_of(dtype: np.dtype[Any]) -> str:
    """What NumPy calls a dtype."""
    return "bool_" if dtype.kind == "b" else dtype.name


@dataclass(frozen=True)
class Declaration:
    """A name for scratch memory, made in ``prepare``."""

    name: str
    array: Array
    shape: tuple[int, ...]
    strides: tuple[int, ...]  # in bytes

    def text(self) -> str:
        """What is called by it."""
        home, dtype = self.array.home, self.array.dtype
        assert isinstance(home, Region)
        start = home.offset + self.array.offset * dtype.itemsize
        tail = strides_text(self.shape, self.strides, dtype.itemsize)
        return f"scratch({tuple_text(self.shape)}, {name_of(dtype)}, {start}{tail})"


@dataclass
class Names:
    """The arrays of one program and what they are called.

    Attributes:
        order: all ranges, outermost axis first.
        loops: the ranges that are walked in blocks.
        buffers: what the kernel's buffers are called.
        prepare, launch: the bodies of the program's two functions.
        declared: names for scratch memory.
        constants: 0-d arrays, by name.
        spread: arrays repeated along further ranges, by all their ranges.
    """

    order: tuple[Range, ...]
    loops: Mapping[Range, Loop]
    buffers: tuple[str, ...] = ()
    prepare: Scope = field(default_factory=Scope)
    declared: list[Declaration] = field(default_factory=list)
    constants: dict[str, np.ndarray[Any, Any]] = field(default_factory=dict)
    spread: dict[Array, dict[frozenset[Range], Array]] = field(default_factory=dict)
    _used: dict[str, int] = field(default_factory=dict)
    _constant_names: dict[tuple[str, bytes], str] = field(default_factory=dict)
    _names: dict[tuple[Array, Dims], str] = field(default_factory=dict)
    _variants: dict[Array, int] = field(default_factory=dict)
    _made: dict[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.launch = Scope(parent=self.prepare)

    # -- making arrays --

    def fresh(self, label: str) -> str:
        """A name that is not in use: sum_0, sum_1, ... or in1, in1_2, ..."""
        count = self._used.get(label, 0)
        self._used[label] = count + 1
        if label.isalpha():
            return f"{label}_{count}"
        return label if count == 0 else f"{label}_{count + 1}"

    def extent(self, r: Range) -> int:
        """How many elements of ``r`` an array in a block holds."""
        return self.loops[r].block if r in self.loops else r.size

    def in_order(self, ranges: Iterable[Range]) -> list[Range]:
        wanted = frozenset(ranges)
        return [r for r in self.order if r in wanted]

    def scratch(
        self,
        ranges: Iterable[Range],
        dtype: np.dtype[Any],
        scope: Scope,
        layout: Sequence[Range] | None = None,
        label: str = "value",
    ) -> Array:
        """Scratch for one block of ``ranges``; ``layout``: outermost in memory first. What is
        computed in ``prepare`` gets memory of its own instead."""
        if scope is self.prepare:
            made = self.prepared(ranges, dtype, label)
            shape = tuple_text(self.shape(self.axes(made.ranges), made.extents))
            self.prepare.add(f"{made.label} = empty({shape}, {name_of(dtype)})")
            return made
        laid = list(layout) if layout is not None else self.in_order(ranges)
        extents, strides, size = self.packed(laid)
        home = Region(size * dtype.itemsize)
        return Array(self.fresh(label), dtype, strides, extents, home, scope)

    def prepared(
        self, ranges: Iterable[Range], dtype: np.dtype[Any], label: str = "value"
    ) -> Array:
        """An array that a statement of ``prepare`` makes."""
        extents, strides, _ = self.packed(self.in_order(ranges))
        return Array(self.fresh(label), dtype, strides, extents, None, self.prepare)

    def packed(self, laid: Sequence[Range]) -> tuple[dict[Range, int], dict[Range, int], int]:
        """Extents, strides and size of an array of one block."""
        extents = {r: self.extent(r) for r in laid}
        strides: dict[Range, int] = {}
        step = 1
        for r in reversed(laid):
            strides[r] = step
            step *= extents[r]
        return extents, strides, step

    def constant(self, value: Any, dtype: np.dtype[Any], label: str = "") -> Array:
        """A 0-d array; NumPy takes those without the checks that Python numbers get."""
        made = np.array(value).astype(dtype)
        key = (dtype.name, made.tobytes())
        name = self._constant_names.get(key)
        if name is None:
            name = label or _constant_name(made)
            name = f"{name}_{dtype.name}" if name in self.constants else name
            while name in self.constants:  # there are many NaN
                name += "_too"
            self._constant_names[key] = name
            self.constants[name] = made
        return Array(name, dtype, {}, {}, None, self.prepare)

    def axes(self, ranges: Iterable[Range]) -> Dims:
        """One dim an axis of the kernel, of size 1 where the array does not vary."""
        present = frozenset(ranges)
        return tuple((r,) if r in present else () for r in self.order) or ((),)

    @staticmethod
    def shape(dims: Dims, extents: Mapping[Range, int]) -> tuple[int, ...]:
        return tuple(prod(extents[r] for r in dim) for dim in dims)

    # -- calling them by name --

    def of(self, array: Array, scope: Scope, dims: Dims | None = None) -> str:
        """What ``array`` is called in ``scope``: all of it, or in a loop the part of this step."""
        if array.label in self.constants:
            return array.label
        dims = dims if dims is not None else self.axes(array.ranges)
        key = (array, dims)
        cuts = [
            (s, s.loop)
            for s in reversed(scope.chain())
            if s.loop is not None and _is_cut(array, s.loop)
        ]
        if cuts and key in cuts[-1][0].names:
            return cuts[-1][0].names[key]
        if key not in self._names:
            self._names[key] = self._declare(array, dims, sliced=bool(cuts))
        name = self._names[key]
        whole = name.removesuffix("_all")
        for s, loop in cuts:
            if key not in s.names:
                s.names[key] = whole if s is cuts[-1][0] else f"{whole}_{loop.range.name}"
                s.head.append(Line(f"{s.names[key]} = {name}[{_cut_text(array, dims, loop)}]"))
            name = s.names[key]
        return name

    def box(self, array: Array, sizes: Sequence[int]) -> str:
        """The whole memory of ``array`` as a box of ``sizes``, whatever its ranges."""
        whole = replace(array, offset=0)
        name = f"{array.label}_padded"
        strides: list[int] = []
        step = array.dtype.itemsize
        for size in reversed(sizes):
            strides.insert(0, step)
            step *= size
        self.declared.append(Declaration(name, whole, tuple(sizes), tuple(strides)))
        return name

    def spare(self, region: Region, shape: tuple[int, ...], dtype: np.dtype[Any]) -> str:
        """A name for ``region`` that has nothing to do with ranges."""
        name = self.fresh("spare")
        array = Array(name, dtype, {}, {}, region, self.launch)
        steps = [dtype.itemsize * prod(shape[i + 1 :]) for i in range(len(shape))]
        self.declared.append(Declaration(name, array, shape, tuple(steps)))
        return name

    def prepared_once(self, made: str, label: str) -> str:
        """The name of what the expression ``made`` gives in ``prepare``."""
        name = self._made.get(made)
        if name is None:
            name = self._made[made] = self.fresh(label)
            self.prepare.add(f"{name} = {made}")
        return name

    def _declare(self, array: Array, dims: Dims, *, sliced: bool) -> str:
        variant = self._variants.get(array, 0)
        self._variants[array] = variant + 1
        name = f"{array.label}_{'as' * variant}" if variant else array.label
        if array.home is None:
            if sliced:
                self.prepare.add(f"{name}_all = {name}")
            return f"{name}_all" if sliced else name
        name = f"{name}_all" if sliced else name
        shape = self.shape(dims, array.extents)
        strides = _byte_strides(array, dims, shape)
        if isinstance(array.home, Region):
            self.declared.append(Declaration(name, array, shape, strides))
            return name
        size = array.dtype.itemsize
        tail = strides_text(shape, strides, size)
        start = f", {array.offset * size}" if array.offset or tail else ""
        self.seen(name, array.home, shape, array.dtype, start + tail)
        return name

    def seen(
        self, name: str, slot: int, shape: Sequence[int], dtype: np.dtype[Any], tail: str = ""
    ) -> None:
        """``name`` for the memory of a buffer, as an array."""
        memory = f"{self.buffers[slot]}_bytes"
        made = f"ndarray({tuple_text(shape)}, {name_of(dtype)}, {memory}{tail})"
        self.launch.head.append(Line(f"{name} = {made}"))


def _constant_name(value: np.ndarray[Any, Any]) -> str:
    """After the number: c0_5, c1em05, cm1 for 0.5, 1e-05 and -1."""
    text = str(value).removesuffix(".0")
    return "c" + text.replace(".", "_").replace("-", "m").replace("+", "").lower()


def _cut_text(array: Array, dims: Dims, loop: Loop) -> str:
    """The subscript for one step of ``loop``."""
    position = next(i for i, dim in enumerate(dims) if loop.range in dim)
    dim = dims[position]
    inner = prod(array.extents[r] for r in dim[dim.index(loop.range) + 1 :])
    start, end = loop.range.name, loop.end
    if loop.range not in array.absolute:
        start, end = "", f"{end} - {start}"
    if inner != 1:
        start = f"{start} * {inner}" if start else ""
        end = f"({end}) * {inner}"
    return f"{':, ' * position}{start}:{end}"


def is_mergeable(array: Array, dims: Dims) -> bool:
    """Whether the ranges of each dim lie in memory as one."""
    return all(
        array.strides[outer] == array.strides[inner] * array.extents[inner]
        for dim in dims
        for outer, inner in pairwise(dim)
    )


def _is_cut(array: Array, loop: Loop) -> bool:
    """Whether a step of ``loop`` needs a slice of ``array``."""
    if loop.range not in array.strides:
        return False
    return loop.range in array.absolute or loop.is_ragged


def _byte_strides(array: Array, dims: Dims, shape: Sequence[int]) -> tuple[int, ...]:
    """Strides of dims; one of size 1 counts as contiguous, which BLAS insists on."""
    found: list[int] = []
    step = array.dtype.itemsize
    for dim, size in zip(reversed(dims), reversed(shape), strict=True):
        if dim and size > 1:
            step = array.strides[dim[-1]] * array.dtype.itemsize
        found.append(step)
        step *= size
    return tuple(reversed(found))


def strides_text(shape: Sequence[int], strides: Sequence[int], itemsize: int) -> str:
    """``, (strides)`` as a further argument, or nothing where they are C order."""
    step = itemsize
    for size, stride in zip(reversed(shape), reversed(strides), strict=True):
        if size != 1 and stride != step:
            return f", {tuple_text(strides)}"
        step *= size
    return ""


def tuple_text(numbers: Sequence[int]) -> str:
    inside = ", ".join(map(str, numbers))
    return f"({inside},)" if len(numbers) == 1 else f"({inside})"
