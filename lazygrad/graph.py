"""Node: the frozen, interned graph that every stage reads.

Two nodes with the same op, sources and argument are one object, so common subexpressions are
shared by construction and ``is`` compares expressions. Walks are iterative: graphs are as deep as
the program ran long.
"""

from __future__ import annotations

import math
import threading
from collections.abc import Callable, Collection, Hashable, Iterable
from operator import attrgetter
from typing import Any, NamedTuple

from lazygrad import ops
from lazygrad.element_types import FLOAT, DType
from lazygrad.errors import DeviceMismatchError
from lazygrad.interned import Interned
from lazygrad.locks import interning
from lazygrad.ops import Kind, Op
from lazygrad.shape import Shape
from lazygrad.walks import sources_first

Scalar = bool | int | float


class Const(NamedTuple):
    """Argument of CONST. ``sign`` keeps -0.0 apart from 0.0, which compare equal."""

    value: Scalar
    shape: Shape
    dtype: DType
    device: str
    sign: float = 1.0


class Iota(NamedTuple):
    """Argument of IOTA."""

    shape: Shape
    dtype: DType
    device: str


class Origin(NamedTuple):
    """The public operation that made a node, and the user's line that called it."""

    label: str
    filename: str
    line: int

    def __str__(self) -> str:
        return f"{self.label} ({self.filename.rpartition('/')[2]}:{self.line})"


class Node:
    """One operation of the graph. Build with ``node``; never change one.

    Attributes:
        op, src, arg: what it computes, from what, and the op's argument.
        shape, size, dtype, device: of the result.
        tracked: a derivative can flow through it to a VARIABLE.
        generation: how many plans had run when it was made; 0 for leaves but results of plans.
        lingers: untracked, but made of what is tracked, or of what was made before the last plan
            ran and is no part of it: without a value of its own it keeps all that alive. Or small,
            and made of results of plans.
        value: the memory that holds the result once it was realised, else None.
        origin: who asked for it (an ``Origin``), else None.

    ``value`` and ``origin`` are set later, and a realised node may turn into the leaf of its value
    (``forget_sources``): none of it changes what a node means.
    """

    __slots__ = (
        "__weakref__", "arg", "device", "dtype", "generation", "lingers", "op", "origin", "shape",
        "size", "src", "tracked", "value",
    )  # fmt: skip

    op: Op
    src: tuple[Node, ...]
    arg: Any
    shape: Shape
    size: int
    dtype: DType
    device: str
    tracked: bool
    generation: int
    lingers: bool
    value: Any
    origin: Origin | None

    def __repr__(self) -> str:
        return f"Node({self.op.name}, {self.shape}, {self.dtype.name}, {self.device})"

    @property
    def ndim(self) -> int:
        return len(self.shape)


_interned: Interned[Node] = Interned()


class Progress(threading.local):
    """``generation``: how many plans this thread has run."""

    generation: int = 0


progress = Progress()


def node(op: Op, src: tuple[Node, ...] = (), arg: Any = None) -> Node:
    """The one node of this op, sources and argument; infers and checks shape, dtype, device."""
    key = (op, src, arg)
    kept = _interned.get(key)
    found = None if kept is None else kept()
    if found is not None:
        return found
    made = Node()
    made.op, made.src, made.arg = op, src, arg
    made.shape, made.dtype = op.infer(op, src, arg)
    made.size = math.prod(made.shape)
    made.device = _device(op, src, arg)
    made.generation = progress.generation if src else 0
    made.tracked, made.lingers = _history(op, src, made)
    made.value = None
    made.origin = None
    return _interned.put(key, made)  # another thread may have made it meanwhile


def _device(op: Op, src: tuple[Node, ...], arg: Any) -> str:
    if op is ops.COPY:
        return str(arg)
    if not src:
        return str(arg.device)
    device = src[0].device
    for operand in src[1:]:
        if operand.device != device:
            listed = " and ".join(operand.device for operand in src)
            raise DeviceMismatchError(
                f"[{op.name}] operands are on {listed}; move one with .to(device)"
            )
    return device


SMALL = 1 << 10  # elements, at most, of a value that is kept although nothing else hangs on it


def _is_constant(value: Node) -> bool:
    """Whether a value shows a constant, which holds nothing alive: who else has made it, and when,
    is no history of whoever uses it."""
    return shown_by(value)[0].op in (ops.CONST, ops.IOTA)


def _history(op: Op, src: tuple[Node, ...], made: Node) -> tuple[bool, bool]:
    """Whether a node is tracked, and whether it lingers."""
    if op is ops.VARIABLE:
        return True, False
    below = lingers = False
    for operand in src:
        below = below or operand.tracked
        if operand.lingers or (operand.tracked and operand.op is not ops.VARIABLE):
            lingers = True
        elif not operand.src:
            goes_on = operand.generation and made.size <= SMALL and op in ops.ELEMENTWISE
            lingers = lingers or bool(goes_on)
        elif operand.generation != made.generation and operand.value is None:
            lingers = lingers or (operand.op is not ops.VARIABLE and not _is_constant(operand))
    tracked = below and op is not ops.DETACH and made.dtype.kind == FLOAT
    return tracked, lingers and not tracked


def const(value: Scalar, dtype: DType, shape: Shape, device: str) -> Node:
    """A tensor that holds ``value`` everywhere; the value is brought to the dtype's range, and
    rounded to it: what is computed from a constant must not depend on whether it was stored."""
    if dtype.kind == FLOAT:
        number = dtype.rounded(float(value))
        if number != number:
            number = math.nan  # one object: NaN is not equal to itself, but identical
        sign = math.copysign(1.0, number) if number == 0.0 else 1.0
        return node(ops.CONST, (), Const(number, shape, dtype, device, sign))
    if dtype.itemsize and dtype.name == "bool":
        return node(ops.CONST, (), Const(bool(value), shape, dtype, device))
    return node(ops.CONST, (), Const(_wrap(int(value), dtype), shape, dtype, device))


def _wrap(value: int, dtype: DType) -> int:
    """Two's complement, as a cast in C."""
    bits = 8 * dtype.itemsize
    value &= (1 << bits) - 1
    if dtype.is_signed and value >> (bits - 1):
        value -= 1 << bits
    return value


def forget_sources(current: Node, buffer: Any) -> None:
    """Turns a realised node into the BUFFER leaf of its value, so that what it was made from can
    be freed even while later graphs read it. Only for nodes that no derivative passes through.
    """
    if current.src and not current.tracked:
        become(current, ops.BUFFER, (), buffer)


def shown_by(value: Node) -> tuple[Node, list[Node]]:
    """What ``value`` is a view of, or itself, and the views that lead to it, the first one first;
    leaves that require a gradient are their values."""
    views: list[Node] = []
    while value.value is None and (value.op.kind is Kind.MOVEMENT or value.op is ops.VARIABLE):
        if value.op is not ops.VARIABLE:
            views.append(value)
        value = value.src[0]
    return value, views[::-1]


def through(views: Iterable[Node], value: Node) -> Node:
    """The same views of another value."""
    for view in views:
        value = node(view.op, (value,), view.arg)
    return value


def become(current: Node, op: Op, src: tuple[Node, ...], arg: Any) -> None:
    """Turns a node into another one that means the same: what it was made from can be freed even
    while later graphs read it."""
    with interning:
        _interned.pop((current.op, current.src, current.arg), None)
        current.op, current.src, current.arg = op, src, arg
        current.lingers = False
        _interned.put_again((op, src, arg), current)


def result_leaf(buffer: Any) -> Node:
    """The leaf of a buffer that a plan wrote."""
    leaf = node(ops.BUFFER, (), buffer)
    leaf.generation = leaf.generation or max(progress.generation, 1)
    return leaf


def set_origin(root: Node, origin: Origin) -> None:
    """Marks ``root``, and what it was made from as far as nobody else has claimed it."""
    stack = [root]
    while stack:
        current = stack.pop()
        if current.origin is None:
            current.origin = origin
            stack.extend(current.src)


_SOURCES: Callable[[Node], tuple[Node, ...]] = attrgetter("src")


def toposort(
    roots: Iterable[Node], sources: Callable[[Node], Collection[Node]] | None = None
) -> list[Node]:
    """Every node reachable from ``roots``, sources first. ``sources`` can cut the walk short."""
    return sources_first(roots, _SOURCES if sources is None else sources)


def call_of(value: Node) -> Hashable:
    """What is equal for the results of one call: their sources, or those behind the value."""
    return value.op, value.src[value.op.value_arity :], value.arg.call


def together(order: list[Node]) -> list[Node]:
    """The graph in an order in which the results of a call follow each other: what reads one of
    them comes after all."""
    results: dict[Hashable, list[Node]] = {}
    for value in [value for value in order if value.op in ops.RESULTS]:
        results.setdefault(call_of(value), []).append(value)
    if not results:
        return order
    found: list[Node] = []
    for value in order:
        found += results.pop(call_of(value), ()) if value.op in ops.RESULTS else (value,)
    return found


def interned_count() -> int:
    """How many nodes are alive; a training loop must keep it flat."""
    return len(_interned)
