"""Graph -> kernel values: every dim of a result becomes a range, movement becomes index
arithmetic, and what is not in memory is computed in place.

The walk is iterative and remembers (node, index), so that a value needed twice at the same point
is one expression, and computed once.
"""

from __future__ import annotations

from collections.abc import Callable, Container, Sequence
from dataclasses import dataclass, field

from lazygrad import element_types as dt, ops, semantics
from lazygrad.errors import InternalError
from lazygrad.graph import Node
from lazygrad.kernel import expr as ex
from lazygrad.kernel.expr import Expr, Guard
from lazygrad.kernel.index import ANYWHERE, DataAtom, Index, Range, of as index_of, ravel
from lazygrad.ops import Kind, Op
from lazygrad.schedule.views import MOVE, Indices, Moved
from lazygrad.shape import Shape

Point = tuple[Node, Indices]


def whole(shape: Shape) -> tuple[tuple[Range, ...], Indices]:
    """A range for each dim, and the index of every element by them; dims of size 1 need none."""
    ranges = tuple(Range(f"i{dim}", size) for dim, size in enumerate(shape))
    return ranges, tuple(index_of(r) if r.size != 1 else Index() for r in ranges)


@dataclass
class Lowering:
    """One kernel being lowered.

    Attributes:
        in_memory: where a node's value can be loaded from: its slot and strides, else None.
        values: the expression of each (node, index) met so far.
        points: the indices at which each node was met.
        reads: the nodes loaded from memory, in order of first use.
        inside: the loads whose index lies inside the loaded value without any guard.
    """

    in_memory: Callable[[Node], tuple[int, Shape] | None]
    values: dict[Point, Expr] = field(default_factory=dict)
    points: dict[Node, list[Indices]] = field(default_factory=dict)
    reads: dict[Node, int] = field(default_factory=dict)
    inside: set[Expr] = field(default_factory=set)
    reduce_ranges: dict[Point, dict[int, Range]] = field(default_factory=dict)
    moved: dict[Point, Moved] = field(default_factory=dict)
    counter: int = 0

    def new_range(self, size: int) -> Range:
        self.counter += 1
        return Range(f"r{self.counter}", size)

    def lower(self, root: Node, index: Indices, *, from_memory: bool) -> Expr:
        """The value of ``root`` at ``index``. ``from_memory=False``: compute it, even if it will
        be in memory, as its own kernel does."""
        start: Point = (root, index)
        stack: list[tuple[Point, list[Point] | None]] = [(start, None)]
        while stack:
            point, needed = stack.pop()
            if point in self.values:
                continue
            if needed is None:
                computing = point == start and not from_memory
                loaded = None if computing else self._load(*point)
                if loaded is not None:
                    self._met(point, loaded)
                    continue
                needed = self._operands(*point)
            missing = [operand for operand in needed if operand not in self.values]
            if missing:  # a gather knows its operands when it has the first one
                stack.append((point, None if point[0].op is ops.GATHER else needed))
                stack += [(operand, None) for operand in reversed(missing)]
                continue
            self._met(point, self._build(*point, [self.values[o] for o in needed]))
        return self.values[start]

    def _met(self, point: Point, value: Expr) -> None:
        self.values[point] = value
        self.points.setdefault(point[0], []).append(point[1])

    def _load(self, value: Node, index: Indices) -> Expr | None:
        place = self.in_memory(value)
        if place is None:
            return None
        slot, strides = place
        self.reads.setdefault(value, slot)
        loaded = ex.load(slot, ravel(index, strides), value.dtype)
        bounds = [i.interval for i in index]
        if all(low >= 0 and high < n for (low, high), n in zip(bounds, value.shape, strict=True)):
            self.inside.add(loaded)
        return loaded

    def _operands(self, value: Node, index: Indices) -> list[Point]:
        kind = value.op.kind
        if kind is Kind.MOVEMENT:
            moved = self.moved[value, index] = MOVE[value.op](value, index)
            return [(value.src[0], moved[0])]
        if kind is Kind.REDUCE:
            ranges = self._ranges_of(value, index)
            inner = tuple(
                index_of(ranges[axis]) if axis in ranges else i for axis, i in enumerate(index)
            )
            return [(value.src[0], inner)]
        if kind is Kind.MARK:
            return [(value.src[0], index)]
        if value.op is ops.SCATTER:
            axis = value.arg.axis
            turn = index_of(self._ranges_of(value, index)[axis])
            inner = (*index[:axis], turn, *index[axis + 1 :])
            return [(operand, inner) for operand in value.src]
        if value.op is ops.GATHER:
            table, place = value.src[0], (value.src[1], index)
            if place not in self.values:  # it says where the table is needed
                return [place]
            at = _gathered(self.values[place], table.shape[value.arg])
            return [place, (table, (*index[: value.arg], at, *index[value.arg + 1 :]))]
        return [(operand, index) for operand in value.src]

    def _ranges_of(self, value: Node, index: Indices) -> dict[int, Range]:
        found = self.reduce_ranges.get((value, index))
        if found is None:
            sizes = value.src[0].shape
            axes = (value.arg.axis,) if value.op is ops.SCATTER else value.arg
            found = {axis: self.new_range(sizes[axis]) for axis in axes}
            self.reduce_ranges[value, index] = found
        return found

    def _build(self, value: Node, index: Indices, src: list[Expr]) -> Expr:
        kind = value.op.kind
        if kind is Kind.ELEMENTWISE:
            operands = _as_stored(src) if value.op in ops.COMPARISONS else src
            if all(operand.op is ex.LITERAL for operand in operands):
                # compilers leave open what functions make of a NaN that they know
                constants = [(operand.arg, operand.dtype) for operand in operands]
                return ex.literal(semantics.fold(value.op, constants, value.dtype), value.dtype)
            return ex.elementwise(value.op, tuple(operands), value.dtype)
        if kind is Kind.MOVEMENT:
            return apply_guard(src[0], self.moved[value, index][1], self.inside)
        if kind is Kind.REDUCE:
            return reduction(value.op, src[0], tuple(self._ranges_of(value, index).values()))
        if value.op is ops.GATHER:
            return _guard_gathered(src[1], src[0], value.src[0].shape[value.arg])
        if value.op is ops.SCATTER:
            ((axis, r),) = self._ranges_of(value, index).items()
            arg = ex.Collect(value.arg.combine, index[axis], index_of(r), (r,))
            return ex.collect(arg, *src)
        if value.op is ops.CONST:
            return ex.literal(value.arg.value, value.dtype)
        if value.op is ops.IOTA:
            if not index[0].terms:
                return ex.literal(semantics.cast(index[0].const, value.dtype).item(), value.dtype)
            return ex.index_value(index[0], value.dtype)
        if value.op is ops.CONTIGUOUS:
            return src[0]
        raise InternalError(f"[lower] {value} should be in memory by now")


# -- half precision ---------------------------------------------------------------------------


def _as_stored(operands: list[Expr]) -> list[Expr]:
    """Operands of a comparison: a kernel carries halves in float32, but a value that is computed
    again must equal the one that was stored. Against a number there is nothing to agree with."""
    if any(operand.op is ex.LITERAL for operand in operands):
        return operands
    return [_rounded(operand) for operand in operands]


def _rounded(value: Expr) -> Expr:
    if value.dtype not in dt.HALVES or value.op in (ex.LOAD, ops.CAST):
        return value
    wide = ex.elementwise(ops.CAST, (value,), dt.float32)
    return ex.elementwise(ops.CAST, (wide,), value.dtype)


# -- guards -----------------------------------------------------------------------------------


def apply_guard(value: Expr, guard: Guard, inside: Container[Expr] = ()) -> Expr:
    """``value`` inside the guard, 0 outside, touching no memory outside.

    ``inside`` are loads that are safe without it: a factor made of them needs no guard where the
    other factor is 0.
    """
    guard = ex.simplify_guard(guard) if guard else ()
    if not guard:
        return value
    if ex.never(guard):
        return ex.zero(value.dtype)
    depends = frozenset[Range]().union(*(bound.index.ranges for bound in guard))
    done: dict[Expr, _Guarded] = {}
    for current in ex.toposort([value]):
        done[current] = _guard_one(current, guard, depends, inside, done)
    result = done[value]
    return result.value if result.vanishes else ex.guarded(result.value, guard)


@dataclass(frozen=True)
class _Guarded:
    """An expression under a guard: guarded where it must be; whether it is 0 outside; whether it
    could as well be left as it is; and whether it may be infinite or NaN outside, where loads are
    0, so that 0 times it is not 0."""

    value: Expr
    vanishes: bool
    safe: bool
    singular: bool = False


def _guard_one(
    current: Expr,
    guard: Guard,
    depends: frozenset[Range],
    inside: Container[Expr],
    done: dict[Expr, _Guarded],
) -> _Guarded:
    below = [done[operand] for operand in current.src]
    singular = _is_singular(current) or any(b.singular for b in below)
    if not current.ranges & depends:
        return _Guarded(current, _is_zero(current), True, singular)
    if current.op is ex.LOAD:
        slot, index, before = current.arg
        both = ex.simplify_guard((*before, *guard))
        return _Guarded(ex.load(slot, index, current.dtype, both), True, current in inside)
    safe = all(b.safe for b in below)
    src = [b.value for b in below]
    if current.op is ops.MUL:
        for this, other in ((0, 1), (1, 0)):
            if below[this].vanishes and below[other].safe:
                src[other] = current.src[other]
                break
        for this, other in ((0, 1), (1, 0)):
            if below[this].vanishes and below[other].singular:
                src[other] = ex.guarded(below[other].value, guard)
    vanishes = _vanishes(current, [b.vanishes for b in below])
    rebuilt = ex.rebuild(current, tuple(src), current.arg)
    return _Guarded(rebuilt, vanishes, safe, singular and not vanishes)


def _is_singular(value: Expr) -> bool:
    """Whether its op may give infinity or NaN for finite operands."""
    return isinstance(value.op, Op) and value.op.singular and value.dtype.is_floating_point


def _is_zero(value: Expr) -> bool:
    return value.op is ex.LITERAL and value.arg == 0


def _vanishes(value: Expr, zeros: list[bool]) -> bool:
    """Whether the value is 0 where the operands marked in ``zeros`` are."""
    if isinstance(value.op, Op):
        return value.op.vanishes(zeros)
    if value.op is ex.REDUCE:
        return value.arg.op.vanishes(zeros)
    return all(zeros) if value.op is ex.GUARD else _is_zero(value)


# -- reductions -------------------------------------------------------------------------------


def reduction(op: Op, value: Expr, ranges: Sequence[Range]) -> Expr:
    """REDUCE, with sums of sums merged."""
    if op is ops.SUM and value.op is ex.REDUCE and value.arg.op is ops.SUM:
        return reduction(op, value.src[0], (*ranges, *value.arg.ranges))
    return ex.reduce(op, value, ranges)


# -- gathers ----------------------------------------------------------------------------------


def _gathered(position: Expr, size: int) -> Index:
    """The index that ``position`` is where it lies inside; nothing is read where it does not."""
    return Index([(DataAtom(position, (0, max(size - 1, 0))), 1)])


def _guard_gathered(value: Expr, position: Expr, size: int) -> Expr:
    """``value``, which reads at ``position``; 0 and nothing read where that lies outside."""
    atom = DataAtom(position, (0, max(size - 1, 0)))
    guard = (ex.Bound(Index([(DataAtom(position, ANYWHERE), 1)]), 0, size),)

    def moves(load: Expr) -> bool:
        return any(_uses(index, atom) for index in ex.indices(load))

    safe = ex.guard_loads(value, guard, moves)
    return safe if value.op is ex.LOAD and moves(value) else ex.guarded(safe, guard)


def _uses(index: Index, atom: object) -> bool:
    return any(a == atom or (hasattr(a, "index") and _uses(a.index, atom)) for a, _ in index.terms)
