"""Values computed at a point of a kernel's ranges.

An ``Expr`` is interned like a graph node. Besides the elementwise ops of ``lazygrad.ops`` it can
be one of the kernel ops below. It has no movement ops: those have become index arithmetic.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from operator import attrgetter
from typing import Any, NamedTuple

from lazygrad import element_types as dt, ops
from lazygrad.element_types import DType
from lazygrad.graph import Scalar
from lazygrad.interned import Interned
from lazygrad.kernel.index import DataAtom, Index, Quotient, Range, Remainder
from lazygrad.ops import Op
from lazygrad.walks import sources_first


class KernelOp:
    """An op that only kernels have; identity is equality."""

    __slots__ = ("doc", "name")

    def __init__(self, name: str, doc: str) -> None:
        self.name = name
        self.doc = doc

    def __repr__(self) -> str:
        return self.name


LOAD = KernelOp("LOAD", "arg: Load; the element at an index, or 0 outside the guard")
LITERAL = KernelOp("LITERAL", "arg: Scalar")
INDEX = KernelOp("INDEX", "arg: Index; an integer index as a value")
GUARD = KernelOp("GUARD", "arg: Guard; src[0] inside the guard, 0 outside")
REDUCE = KernelOp("REDUCE", "arg: Reduce; src[0] combined over ranges")

COLLECT = KernelOp("COLLECT", "arg: Collect; what goes to a place of all src[1], by src[0]")

BINDING = REDUCE, COLLECT  # whose argument lists ranges that are none of the value's own


class Bound(NamedTuple):
    """``low <= index < high``."""

    index: Index  # type: ignore[assignment]  # hides tuple.index, which nobody needs
    low: int
    high: int

    def __str__(self) -> str:
        return f"{self.low} <= {self.index} < {self.high}"


Guard = tuple[Bound, ...]


class Load(NamedTuple):
    """Argument of LOAD: element ``index`` of the kernel's buffer ``slot``.

    Outside the guard the value is 0 and memory must not be touched.
    """

    slot: int
    index: Index  # type: ignore[assignment]  # as above
    guard: Guard


class Reduce(NamedTuple):
    """Argument of REDUCE: combine with ``op`` (SUM or REDUCE_MAX) over ``ranges``."""

    op: Op
    ranges: tuple[Range, ...]


class Collect(NamedTuple):
    """Argument of COLLECT: at the place ``at``, the values src[1] of those points of ``ranges``
    where src[0] equals it, combined with ``op`` in the order of ``turn`` (None: the last one);
    ``ops.NOTHING`` where there are none.

    It is all that its kernel computes: the places are filled and visited in one launch.

    Attributes:
        at: a range of the kernel that src does not depend on, or the only place, 0.
        turn: counts the points of ``ranges``.
    """

    op: Op | None
    at: Index
    turn: Index
    ranges: tuple[Range, ...]

    @property
    def places(self) -> Range | None:
        """The range of places, None where there is one place only."""
        atom = self.at.only_atom
        return atom if isinstance(atom, Range) else None


class Expr:
    """One interned value expression: ``op``, ``src``, ``arg``, ``dtype``; ``operands``, which are
    ``src`` and the expressions inside its indices (gathers); and ``ranges``, the free ranges that
    it depends on (those of an enclosed REDUCE are bound, so not among them)."""

    __slots__ = ("__weakref__", "arg", "dtype", "op", "operands", "ranges", "src")

    op: Op | KernelOp
    src: tuple[Expr, ...]
    arg: Any
    dtype: DType
    operands: tuple[Expr, ...]
    ranges: frozenset[Range]

    def __repr__(self) -> str:
        return f"Expr({self.op.name}, {self.dtype.name})"

    def __str__(self) -> str:
        """In prefix form; what grows too long is cut, since shared parts multiply when printed."""
        shown: dict[Expr, str] = {}
        for value in toposort([self]):
            text = _text(value, ", ".join(shown[operand] for operand in value.src))
            shown[value] = text if len(text) <= LONGEST_TEXT else text[: LONGEST_TEXT - 3] + "..."
        return shown[self]

    def substitute(self, mapping: Mapping[Range, Index]) -> Expr:
        """Free ranges replaced by indices."""
        return substitute(self, mapping)


LONGEST_TEXT = 600  # characters of a printed expression


def _text(value: Expr, operands_text: str) -> str:
    if value.op is LOAD:
        guard = "".join(f" if {bound}" for bound in value.arg.guard)
        return f"b{value.arg.slot}[{value.arg.index}{guard}]"
    if value.op is LITERAL or value.op is INDEX:
        return str(value.arg)
    if value.op is REDUCE:
        names = " ".join(r.name for r in value.arg.ranges)
        return f"{value.arg.op.name.lower()}[{names}]({operands_text})"
    if value.op is COLLECT:
        how = "last" if value.arg.op is None else value.arg.op.name.lower()
        names = " ".join(r.name for r in value.arg.ranges)
        return f"collect_{how}[{names} to {value.arg.at}]({operands_text})"
    if value.op is GUARD:
        return f"guard({' and '.join(map(str, value.arg))}, {operands_text})"
    suffix = f"<{value.dtype.name}>" if value.op is ops.CAST else ""
    return f"{value.op.name.lower()}{suffix}({operands_text})"


_interned: Interned[Expr] = Interned()


def _make(op: Op | KernelOp, src: tuple[Expr, ...], arg: Any, dtype: DType) -> Expr:
    if (op is LOAD and _never(arg.guard)) or (op is GUARD and _never(arg)):
        return zero(dtype)
    sign = str(arg) if op is LITERAL else None  # keeps -0.0 apart from 0.0
    key = (op, src, arg, dtype, sign)
    kept = _interned.get(key)
    found = None if kept is None else kept()
    if found is None:
        found = Expr()
        found.op, found.src, found.arg, found.dtype = op, src, arg, dtype
        found.operands = src + tuple(e for index in indices(found) for e in _data_in(index))
        found.ranges = _free_ranges(op, src, arg)
        return _interned.put(key, found)
    return found


def _never(guard: Guard) -> bool:
    """Whether a bound holds nowhere, as where a part of a range lies in the padding."""
    for bound in guard:
        low, high = bound.index.interval
        if high < bound.low or low >= bound.high:
            return True
    return False


def _free_ranges(op: Op | KernelOp, src: tuple[Expr, ...], arg: Any) -> frozenset[Range]:
    found = src[0].ranges if src else frozenset[Range]()
    for operand in src[1:]:
        if not operand.ranges <= found:
            found |= operand.ranges
    if op is LOAD:
        return found.union(arg.index.ranges, *(bound.index.ranges for bound in arg.guard))
    if op is INDEX:
        return found | arg.ranges
    if op is GUARD:
        return found.union(*(bound.index.ranges for bound in arg))
    if op is REDUCE:
        return found - frozenset(arg.ranges)
    if op is COLLECT:
        return (found - frozenset(arg.ranges)) | arg.at.ranges
    return found


def load(slot: int, index: Index, dtype: DType, guard: Guard = ()) -> Expr:
    """The element at ``index``; what no point of the kernel may touch is 0."""
    return zero(dtype) if never(guard) else _make(LOAD, (), Load(slot, index, guard), dtype)


def literal(value: Scalar, dtype: DType) -> Expr:
    return _make(LITERAL, (), value, dtype)


def index_value(index: Index, dtype: DType) -> Expr:
    return literal(index.const, dtype) if not index.terms else _make(INDEX, (), index, dtype)


def reduce(op: Op, value: Expr, ranges: Iterable[Range]) -> Expr:
    return _make(REDUCE, (value,), Reduce(op, tuple(ranges)), value.dtype)


def collect(arg: Collect, place: Expr, value: Expr) -> Expr:
    return _make(COLLECT, (place, value), arg, value.dtype)


def rebind(
    value: Expr, src: tuple[Expr, ...], ranges: tuple[Range, ...], move: Callable[[Index], Index]
) -> Expr:
    """A REDUCE or COLLECT of other sources over other ranges; ``move`` brings indices there."""
    if value.op is COLLECT:
        op, at, turn, _ = value.arg
        return collect(Collect(op, move(at), move(turn), ranges), *src)
    return reduce(value.arg.op, src[0], ranges) if ranges else src[0]


def guarded(value: Expr, guard: Guard) -> Expr:
    if never(guard):
        return zero(value.dtype)
    return _make(GUARD, (value,), guard, value.dtype) if guard else value


def guard_loads(
    value: Expr, guard: Guard, wanted: Callable[[Expr], bool] = lambda load: True
) -> Expr:
    """``value`` with ``guard`` on the loads below it that are ``wanted``."""

    def visit(current: Expr, src: tuple[Expr, ...]) -> Expr:
        if current.op is LOAD and wanted(current):
            slot, index, before = current.arg
            return load(slot, index, current.dtype, (*before, *guard))
        return rebuild(current, src, current.arg)

    return transform([value], visit)[0]


def elementwise(op: Op, src: tuple[Expr, ...], dtype: DType) -> Expr:
    return _make(op, src, None, dtype)


def extension(op: KernelOp, src: tuple[Expr, ...], arg: Any, dtype: DType) -> Expr:
    """An op that a backend adds for rewriting of its own."""
    return _make(op, src, arg, dtype)


def zero(dtype: DType) -> Expr:
    """What padding holds."""
    return literal(0.0 if dtype.kind == dt.FLOAT else dtype.name != "bool" and 0, dtype)


_OPERANDS: Callable[[Expr], tuple[Expr, ...]] = attrgetter("operands")


def toposort(roots: Iterable[Expr]) -> list[Expr]:
    """Every expression below ``roots``, operands first; data-dependent indices included."""
    return sources_first(roots, _OPERANDS)


def indices(value: Expr) -> list[Index]:
    """The indices that stand in the argument of LOAD, INDEX, GUARD or COLLECT."""
    if value.op is LOAD:
        return [value.arg.index, *(bound.index for bound in value.arg.guard)]
    if value.op is GUARD:
        return [bound.index for bound in value.arg]
    if value.op is COLLECT:
        return [value.arg.at, value.arg.turn]
    return [value.arg] if value.op is INDEX else []


def _data_in(index: Index) -> list[Expr]:
    found: list[Expr] = []
    for atom, _ in index.terms:
        if isinstance(atom, DataAtom):
            found.append(atom.value)
        elif isinstance(atom, Quotient | Remainder):
            found.extend(_data_in(atom.index))
    return found


def transform(roots: Iterable[Expr], visit: Callable[[Expr, tuple[Expr, ...]], Expr]) -> list[Expr]:
    """Rebuilds expressions bottom-up: ``visit(expr, new_src)`` returns what stands for ``expr``."""
    listed = list(roots)
    done: dict[Expr, Expr] = {}
    for current in toposort(listed):
        done[current] = visit(current, tuple(done[operand] for operand in current.src))
    return [done[root] for root in listed]


def rebuild(value: Expr, src: tuple[Expr, ...], arg: Any) -> Expr:
    """The same operation on other sources or with another argument."""
    if src == value.src and arg is value.arg:
        return value
    return _make(value.op, src, arg, value.dtype)


def substitute(root: Expr, mapping: Mapping[Range, Index]) -> Expr:
    """``root`` with free ranges replaced by indices; bounds that always hold are dropped."""

    def visit(value: Expr, src: tuple[Expr, ...]) -> Expr:
        if value.op is LOAD:
            slot, index, guard = value.arg
            moved = index.substitute(mapping)
            return load(slot, moved, value.dtype, substitute_guard(guard, mapping))
        if value.op is INDEX:
            return index_value(value.arg.substitute(mapping), value.dtype)
        if value.op is GUARD:
            return guarded(src[0], substitute_guard(value.arg, mapping))
        if value.op is COLLECT:
            return rebind(value, src, value.arg.ranges, lambda index: index.substitute(mapping))
        return rebuild(value, src, value.arg)

    return transform([root], visit)[0]


def never(guard: Guard) -> bool:
    """Whether no index lies inside."""
    return any(b.index.interval[1] < b.low or b.index.interval[0] >= b.high for b in guard)


def substitute_guard(guard: Guard, mapping: Mapping[Range, Index]) -> Guard:
    moved = (Bound(b.index.substitute(mapping), b.low, b.high) for b in guard)
    return simplify_guard(moved)


def guard_of(value: Expr) -> Guard:
    """The bounds outside of which a LOAD or a GUARD is 0; none for others."""
    if value.op is LOAD:
        guard: Guard = value.arg.guard
        return guard
    return value.arg if value.op is GUARD else ()


def simplify_guard(bounds: Iterable[Bound]) -> Guard:
    """Without the bounds that always hold; the others once each, in a stable order."""
    kept = []
    for bound in bounds:
        low, high = bound.index.interval
        if (low < bound.low or high >= bound.high) and bound not in kept:
            kept.append(bound)
    return tuple(kept)
