"""LoopNest: what the work-items of a kernel do, statement by statement, as plain data.

Every decision (what runs in parallel, tiles, vectors, where a subexpression is computed) has been
taken; a backend only spells the statements in its language. Variables are assigned once, except
for accumulators. A statement stands in the outermost block where its operands are known.

``str(nest)`` is the form for people, printed with LAZYGRAD_DEBUG=5 and kept in dumps.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from lazygrad.element_types import DType
from lazygrad.graph import Scalar
from lazygrad.kernel.expr import KernelOp
from lazygrad.kernel.kernel import Kernel, named
from lazygrad.ops import Op


@dataclass(frozen=True)
class Sum:
    """``sum(coefficient * variable) + const`` over integer variables; a variable of several lanes
    makes it a vector."""

    terms: tuple[tuple[str, int], ...] = ()
    const: int = 0

    def __str__(self) -> str:
        return self.text("*")

    def text(self, times: str) -> str:
        """Spelled with ``times`` between a coefficient and its variable."""
        text = ""
        positive_first = sorted(self.terms, key=lambda term: term[1] < 0)
        for name, coefficient in positive_first:
            size = abs(coefficient)
            sign = "-" if coefficient < 0 else "+"
            before = f" {sign} " if text else sign.strip("+")
            text += f"{before}{name if size == 1 else f'{size}{times}{name}'}"
        if not text:
            return str(self.const)
        return text + (f" {'-' if self.const < 0 else '+'} {abs(self.const)}" if self.const else "")


@dataclass(frozen=True)
class Value:
    """An operand: a variable, or a literal where ``name`` is empty."""

    dtype: DType
    lanes: int
    name: str = ""
    literal: Scalar = 0

    def __str__(self) -> str:
        return self.name or str(self.literal)


@dataclass(frozen=True)
class Place:
    """Where to load or store: ``offset`` elements from a pointer variable, or from the start of
    the buffer ``slot`` where ``pointer`` is empty."""

    slot: int
    pointer: str
    offset: Sum

    def __str__(self) -> str:
        return f"{self.pointer or f'b{self.slot}'}[{self.offset}]"


# -- integers -----------------------------------------------------------------------------------


@dataclass(frozen=True)
class Int:
    """``name = value``."""

    name: str
    value: Sum
    lanes: int = 1


@dataclass(frozen=True)
class Lanes:
    """``name = (0, 1, ..., lanes - 1)``."""

    name: str
    lanes: int


@dataclass(frozen=True)
class Divide:
    """``name = value // divisor`` or ``value % divisor``, rounding down; ``negative`` tells that
    ``value`` may be below zero."""

    name: str
    value: Sum
    divisor: int
    remainder: bool
    negative: bool
    lanes: int = 1


@dataclass(frozen=True)
class ToInt:
    """An integer from a value that was computed (the index of a gather)."""

    name: str
    value: Value
    lanes: int = 1


@dataclass(frozen=True)
class Pointer:
    """``name = &place``; with a guard, where that is false, zeros to read instead."""

    name: str
    place: Place
    guard: str = ""


@dataclass(frozen=True)
class Test:
    """``name`` = every ``low <= sum < high`` (None: no bound) and every test in ``also``."""

    name: str
    bounds: tuple[tuple[Sum, int | None, int | None], ...]
    also: tuple[str, ...] = ()
    lanes: int = 1


# -- values -------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Let:
    """``name = op(operands)`` for the elementwise ops of ``lazygrad.ops``."""

    name: str
    dtype: DType
    lanes: int
    op: Op | KernelOp
    operands: tuple[Value, ...]


@dataclass(frozen=True)
class FromInt:
    """An integer as a value of ``dtype``."""

    name: str
    dtype: DType
    lanes: int
    value: Sum


@dataclass(frozen=True)
class Keep:
    """``operand`` where the test ``guard`` holds, else zero."""

    name: str
    dtype: DType
    lanes: int
    operand: Value
    guard: str


@dataclass(frozen=True)
class Load:
    """Contiguous elements; where ``guard`` is false, zero, and memory is not touched."""

    name: str
    dtype: DType
    lanes: int
    place: Place
    guard: str = ""


@dataclass(frozen=True)
class Gather:
    """Lane ``l`` is the element at ``place + stride * l + lane l of the vector index``; the guard
    may be one test for all lanes or a test with as many lanes."""

    name: str
    dtype: DType
    lanes: int
    place: Place
    stride: int
    index: str = ""
    guard: str = ""
    guard_lanes: int = 1


@dataclass(frozen=True)
class Move:
    """Lane ``l`` is lane ``l + by`` of the operand, and zero where it has none."""

    name: str
    dtype: DType
    lanes: int
    operand: Value
    by: int


@dataclass(frozen=True)
class Array:
    """Memory of a work-item's own: ``count`` vectors."""

    name: str
    dtype: DType
    lanes: int
    count: int


@dataclass(frozen=True)
class Shared:
    """Memory of a group: ``count`` elements. What stands in it can be read after a Barrier."""

    name: str
    dtype: DType
    count: int


@dataclass(frozen=True)
class Put:
    """``array[index] = value``; one element of what a group shares."""

    array: str
    index: Sum
    value: Value
    lanes: int


@dataclass(frozen=True)
class Get:
    """``name = array[index]``; of what a group shares, the ``lanes`` elements from ``index`` on, a
    multiple of ``lanes``."""

    name: str
    dtype: DType
    lanes: int
    array: str
    index: Sum


@dataclass(frozen=True)
class Declare:
    """An accumulator, at its first value."""

    name: str
    dtype: DType
    lanes: int
    first: Scalar


@dataclass(frozen=True)
class Accumulate:
    """``name = op(name, operands[0])``; with two operands ``name += operands[0] * operands[1]``."""

    name: str
    dtype: DType
    lanes: int
    op: Op
    operands: tuple[Value, ...]


@dataclass(frozen=True)
class Fold:
    """The lanes of a vector combined with ``op``."""

    name: str
    op: Op
    operand: Value


@dataclass(frozen=True)
class Combine:
    """``name`` = the operands of all work-items of a group, combined with ``op``. Every one of them
    comes here, and goes on when all have."""

    name: str
    op: Op
    operand: Value


@dataclass(frozen=True)
class Barrier:
    """Every work-item of a group comes here, and goes on when all have."""


@dataclass(frozen=True)
class Store:
    """Contiguous elements (lane ``l`` goes ``stride * l`` further)."""

    place: Place
    value: Value
    dtype: DType
    lanes: int
    stride: int = 1
    index: str = ""


@dataclass(frozen=True)
class Fetch:
    """Asks for what lies at ``place``, which is needed soon, maybe to be ``written``. There may be
    nothing."""

    place: Place
    written: bool


# -- control ------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Loop:
    """``body`` for every ``step``-th ``start <= name < stop``; a ``limit`` cuts ``stop`` short."""

    name: str
    start: Sum
    stop: Sum
    body: tuple[Statement, ...]
    limit: int | None = None
    step: int = 1


@dataclass(frozen=True)
class Last:
    """``body`` where ``variable == value``: what is left over, done by the last work-item, or what
    only one of a group may do."""

    variable: str
    value: int
    body: tuple[Statement, ...]


@dataclass(frozen=True)
class If:
    """``body`` where the test holds."""

    test: str
    body: tuple[Statement, ...]


Statement = (
    Int | Lanes | Divide | ToInt | Pointer | Test | Let | FromInt | Keep | Load | Gather | Move
    | Declare | Accumulate | Fold | Combine | Barrier | Store | Fetch | Array | Shared | Put | Get
    | Loop | Last | If
)  # fmt: skip
BLOCKS = Loop, Last, If  # statements with a body


@dataclass(frozen=True)
class LoopNest:
    """A kernel ready to be spelled out.

    Attributes:
        kernel: what it computes, as it was given.
        items: work-items; ``item``, the variable that the statements start from, counts them.
        group: work-items a group.
        together: the work-items of a group share the work of one: ``item`` counts groups, and
            ``member`` the work-items in one.
        wide: integers need 64 bits.
        zeros: bytes that must be readable at the pointer to zeros; 0 if none is used.
        plan: how the ranges were bound, in words.
    """

    kernel: Kernel
    items: int
    group: int
    wide: bool
    zeros: int
    body: tuple[Statement, ...]
    plan: tuple[str, ...] = ()
    together: bool = False

    def __str__(self) -> str:
        head = [f"{self.kernel.name}: {self.items} work-items in groups of {self.group}"]
        head += [f"  {line}" for line in self.plan]
        return named(self.kernel, "\n".join([*head, *_lines(self.body, 1)]))


def walk(body: tuple[Statement, ...]) -> Iterator[Statement]:
    """Every statement, outer ones first."""
    for statement in body:
        yield statement
        if isinstance(statement, BLOCKS):
            yield from walk(statement.body)


def _lines(body: tuple[Statement, ...], depth: int) -> Iterator[str]:
    for statement in body:
        yield "  " * depth + _PRINT[type(statement)](statement)
        if isinstance(statement, BLOCKS):
            yield from _lines(statement.body, depth + 1)


def _typed(s: Let | FromInt | Keep | Load | Gather | Move | Get | Array | Declare) -> str:
    return f"{s.name}: {s.dtype.name}{f'x{s.lanes}' if s.lanes > 1 else ''}"


def _where(guard: str) -> str:
    return f" where {guard}" if guard else ""


def _divide(s: Divide) -> str:
    return f"{s.name} = ({s.value}) {'%' if s.remainder else '//'} {s.divisor}"


def _test(s: Test) -> str:
    parts = []
    for total, low, high in s.bounds:
        below = f"{low} <= " if low is not None else ""
        parts.append(f"{below}{total}{f' < {high}' if high is not None else ''}")
    return f"{s.name} = {' and '.join([*s.also, *parts])}"


def _let(s: Let) -> str:
    return f"{_typed(s)} = {s.op.name.lower()}({', '.join(map(str, s.operands))})"


def _gather(s: Gather) -> str:
    index = f" + {s.index}" if s.index else ""
    return f"{_typed(s)} = gather {s.place}{index} stride {s.stride}{_where(s.guard)}"


def _accumulate(s: Accumulate) -> str:
    if len(s.operands) == 2:
        return f"{s.name} += {s.operands[0]} * {s.operands[1]}"
    return f"{s.name} = {s.op.name.lower()}({s.name}, {s.operands[0]})"


def _store(s: Store) -> str:
    index = f" + {s.index}" if s.index else ""
    stride = f" stride {s.stride}" if s.lanes > 1 and s.stride != 1 else ""
    return f"{s.place}{index}{stride} = {s.value}"


def _loop(s: Loop) -> str:
    stop = str(s.stop) if s.limit is None else f"min({s.stop}, {s.limit})"
    step = f" in steps of {s.step}" if s.step > 1 else ""
    return f"for {s.name} from {s.start} to {stop}{step}:"


_PRINT = {
    Int: lambda s: f"{s.name} = {s.value}",
    Lanes: lambda s: f"{s.name} = 0 ... {s.lanes - 1}",
    Divide: _divide,
    ToInt: lambda s: f"{s.name} = {s.value}",
    Pointer: lambda s: f"{s.name} = &{s.place}{_where(s.guard)}",
    Test: _test,
    Let: _let,
    FromInt: lambda s: f"{_typed(s)} = {s.value}",
    Keep: lambda s: f"{_typed(s)} = {s.operand}{_where(s.guard)}",
    Load: lambda s: f"{_typed(s)} = {s.place}{_where(s.guard)}",
    Gather: _gather,
    Move: lambda s: f"{_typed(s)} = lanes {s.by} ... {s.by + s.lanes - 1} of {s.operand}",
    Declare: lambda s: f"{_typed(s)} := {s.first}",
    Accumulate: _accumulate,
    Fold: lambda s: f"{s.name} = {s.op.name.lower()} of the lanes of {s.operand}",
    Combine: lambda s: f"{s.name} = {s.op.name.lower()} of {s.operand} over the group",
    Store: _store,
    Fetch: lambda s: f"fetch {s.place}{' to write' if s.written else ''}",
    Barrier: lambda s: "wait for the group",
    Array: lambda s: f"{_typed(s)}[{s.count}]",
    Shared: lambda s: f"{s.name}: {s.dtype.name}[{s.count}] of the group",
    Put: lambda s: f"{s.array}[{s.index}] = {s.value}",
    Get: lambda s: f"{_typed(s)} = {s.array}[{s.index}]",
    Loop: _loop,
    Last: lambda s: f"if {s.variable} is {s.value}:",
    If: lambda s: f"if {s.test}:",
}
