"""Values of a nest: expressions at a point of their ranges, as statements.

The value of an expression depends on the indices of its ranges only, so that is what it is
remembered by: in a tile of rows and columns, a load that moves with the rows alone is written once
a row. What moves with the lanes is a vector: loaded as one where its stride is 1, lane by lane
otherwise. Everything else stays a scalar.
"""

from __future__ import annotations

from collections.abc import Callable, Container, Iterable, Sequence
from functools import partial
from weakref import proxy

from lazygrad import ops
from lazygrad.codegen import folded, nest
from lazygrad.codegen.integers import Integers
from lazygrad.codegen.nest import Value
from lazygrad.codegen.scope import Point, Scope
from lazygrad.errors import InternalError
from lazygrad.kernel import expr as ex, forms
from lazygrad.kernel.expr import Bound, Expr
from lazygrad.kernel.index import Index, Range
from lazygrad.kernel.kernel import Output


class Values:
    """Writes expressions. REDUCE expressions must be known already (see ``reductions``)."""

    def __init__(self, scope: Scope, buffers: Sequence[str]) -> None:
        self.scope = scope
        self.buffers = buffers  # their names
        # as a proxy, so that what was written goes with the last who needs it, not as garbage
        self.integers = Integers(scope, buffers, partial(Values.at, proxy(self)))
        self._copied: dict[Expr, Callable[[Point], Value]] = {}  # to panels and rows
        self._orders: dict[Expr, list[Expr]] = {}
        self._forms: dict[Expr, forms.Form] = {}

    def at(self, value: Expr, point: Point) -> Value:
        """``value`` at ``point``."""
        found = self.known(value, point)
        if found is not None:
            return found
        if value in self._copied:
            return self._copied[value](point)
        for e in self._order(value):
            if self.known(e, point) is None:
                write = _WRITE.get(e.op, _elementwise)
                copied = self._copied.get(e)
                self.remember(e, point, copied(point) if copied else write(self, e, point))
        return self._must(value, point)

    def read_back(self, value: Expr, get: Callable[[Point], Value]) -> None:
        """From now on, ``get`` reads ``value`` from where it was copied to."""
        self._copied[value] = get
        self._orders.clear()
        self._forms.clear()

    def compute_again(self) -> None:
        """Forgets all copies."""
        self._copied.clear()
        self._orders.clear()
        self._forms.clear()

    def known(self, value: Expr, point: Point) -> Value | None:
        """What ``value`` is called at ``point``, if it was computed."""
        key, depth = point.key(value.ranges)
        found = self.scope.stack[depth].known.get((value, key))
        return found if isinstance(found, Value) else None

    def remember(self, value: Expr, point: Point, result: Value) -> None:
        key, depth = point.key(value.ranges)
        self.scope.stack[depth].known[value, key] = result

    def _must(self, value: Expr, point: Point) -> Value:
        found = self.known(value, point)
        if found is None:
            raise InternalError(f"[codegen] {value} is needed before it is computed")
        return found

    def _order(self, value: Expr) -> list[Expr]:
        """What is below ``value``, operands first, without what is inside reductions or was copied
        to be read back."""
        found = self._orders.get(value)
        if found is None:
            found = self._orders[value] = _order(value, self._copied, self._form)
        return found

    def _form(self, e: Expr) -> forms.Form:
        """``e`` as it is written."""
        found = self._forms.get(e)
        if found is None:
            op, src = forms.form(e)
            if op is not e.op and any(s in self._copied for s in e.src):
                op, src = e.op, e.src
            found = self._forms[e] = op, src
        return found

    # -- one method a kernel op ------------------------------------------------------------------

    def load(self, e: Expr, point: Point) -> Value:
        slot, index, guard = e.arg
        depth = point.key(e.ranges)[1]
        index = self.integers.bind(index, point)
        bounds = self.integers.bind_guard(guard, point)
        if ex.never(tuple(bounds)):
            return Value(e.dtype, 1, "", ops.SUM.identity(e.dtype))
        lanes = self.integers.width(index)
        lanes = max([lanes, *(self.integers.width(b.index) for b in bounds)])
        scalar = [b for b in bounds if self.integers.width(b.index) == 1]
        test = self.integers.test(scalar)
        if lanes == 1 or (len(scalar) == len(bounds) and self._contiguous(index, lanes)):
            return self._load(e, slot, index, test, lanes, depth)
        vector = [b for b in bounds if self.integers.width(b.index) > 1]
        by = self._over_edge(vector, lanes) if self._contiguous(index, lanes) else 0
        if by:
            inside = self._load(e, slot, index - by, test, lanes, depth)
            name = self.scope.once(
                ("moved", inside, by), depth, self.buffers[slot],
                lambda name: nest.Move(name, e.dtype, lanes, inside, by),
            )  # fmt: skip
            return Value(e.dtype, lanes, name)
        test_lanes = lanes if vector else 1
        test = self.integers.test(vector, test)
        base, stride, moving = self._split_lane(index, lanes)
        place = self.integers.place(slot, base)
        name = self.scope.once(
            ("gather", place, stride, moving, lanes, test), depth, self.buffers[slot],
            lambda name: nest.Gather(
                name, e.dtype, lanes, place, stride, moving, test, test_lanes
            ),
        )  # fmt: skip
        return Value(e.dtype, lanes, name)

    def _load(self, e: Expr, slot: int, index: Index, test: str, lanes: int, depth: int) -> Value:
        base = _without(index, self._lane_of(index)) if lanes > 1 else index
        if test:
            place, test = self.integers.guarded_place(slot, base, test, lanes, e.dtype.itemsize)
        else:
            place = self.integers.place(slot, base)
        name = self.scope.once(
            ("load", place, lanes, test), depth, self.buffers[slot],
            lambda name: nest.Load(name, e.dtype, lanes, place, test),
        )  # fmt: skip
        return Value(e.dtype, lanes, name)

    def literal(self, e: Expr, point: Point) -> Value:
        return Value(e.dtype, 1, "", e.arg)

    def index(self, e: Expr, point: Point) -> Value:
        bound = self.integers.bind(e.arg, point)
        if not bound.terms:
            return Value(e.dtype, 1, "", bound.const)
        total = self.integers.hoisted(self.integers.total(bound))
        lanes = self.integers.width(bound)
        name = self.scope.once(
            ("index", total, e.dtype), point.key(e.ranges)[1], "number",
            lambda name: nest.FromInt(name, e.dtype, lanes, total),
        )  # fmt: skip
        return Value(e.dtype, lanes, name)

    def guard(self, e: Expr, point: Point) -> Value:
        bounds = self.integers.bind_guard(e.arg, point)
        if ex.never(tuple(bounds)):
            return Value(e.dtype, 1, "", ops.SUM.identity(e.dtype))
        operand = self._must(e.src[0], point)
        if not bounds:
            return operand
        test = self.integers.test(bounds)
        lanes = max([operand.lanes, *(self.integers.width(b.index) for b in bounds)])
        name = self.scope.once(
            ("keep", operand, test), point.key(e.ranges)[1], "kept",
            lambda name: nest.Keep(name, e.dtype, lanes, operand, test),
        )  # fmt: skip
        return Value(e.dtype, lanes, name)

    def elementwise(self, e: Expr, point: Point) -> Value:
        op, src = self._form(e)
        return self.let(op, tuple([self._must(s, point) for s in src]), e, point.key(e.ranges)[1])

    def let(self, op: ops.Op | ex.KernelOp, src: tuple[Value, ...], e: Expr, depth: int) -> Value:
        """``op(src)`` with the dtype of ``e``, in the block at ``depth``."""
        known = folded.value(op, src, e.dtype)
        if known is not None:
            return known
        lanes = max(s.lanes for s in src)
        name = self.scope.once(
            (op, e.dtype, src, _signs(src)), depth, forms.STEMS.get(op, "value"),
            lambda name: nest.Let(name, e.dtype, lanes, op, src),
        )  # fmt: skip
        return Value(e.dtype, lanes, name)

    def get(self, e: Expr, depth: int, array: str, place: nest.Sum, lanes: int) -> Value:
        """``e``, read back in the block at ``depth`` from where it was put."""
        name = self.scope.once(
            ("get", array, place, lanes), depth, f"from_{array}",
            lambda name: nest.Get(name, e.dtype, lanes, array, place),
        )  # fmt: skip
        return Value(e.dtype, lanes, name)

    # -- vectors ---------------------------------------------------------------------------------

    def _lane_of(self, index: Index) -> Range:
        return next(r for r in index.ranges if r in self.integers.lanes)

    def _contiguous(self, index: Index, lanes: int) -> bool:
        """Lanes lie side by side in memory."""
        if self.integers.width(index) != lanes:
            return False
        lane = self._lane_of(index)
        return index.affine_in(lane) and index.coefficient(lane) == 1

    def _over_edge(self, bounds: Sequence[Bound], lanes: int) -> int:
        """How many lanes reach over an edge: below zero if over the upper one, and 0 if nobody
        knows."""
        below = above = 0
        for b in bounds:
            lane = self._lane_of(b.index)
            if b.index.terms != ((lane, 1),):
                return 0
            below = max(below, b.low - b.index.const)
            above = max(above, b.index.const + lanes - b.high)
            if b.high - b.low < lanes:
                return 0
        return 0 if min(below, above) > 0 or max(below, above) >= lanes else -below or above

    def _split_lane(self, index: Index, lanes: int) -> tuple[Index, int, str]:
        """The scalar part of a vector index, its stride, and a variable with the rest."""
        if self.integers.width(index) == 1:
            return index, 0, ""
        lane = self._lane_of(index)
        if index.affine_in(lane):
            return _without(index, lane), index.coefficient(lane), ""
        moving = Index([(a, c) for a, c in index.terms if lane in a.ranges])
        return index - moving, 0, self.integers.vector(moving)

    # -- stores ----------------------------------------------------------------------------------

    def write(self, outputs: Iterable[Output], points: Sequence[Point]) -> None:
        """All ``outputs`` at all ``points``: computed first, because an output may be the memory of
        an input, and stored then."""
        listed = [(output, point) for output in outputs for point in points]
        for output, point in listed:
            self.at(output.value, point)
        for output, point in listed:
            self.store(output, point)

    def store(self, output: Output, point: Point) -> None:
        """``output``'s element or vector at ``point``, in the innermost block."""
        value = self.at(output.value, point)
        index = self.integers.bind(output.index, point)
        lanes = self.integers.width(index)
        base, stride, moving = self._split_lane(index, lanes)
        place = self.integers.place(output.slot, base)
        dtype = output.value.dtype
        self.scope.add(nest.Store(place, value, dtype, lanes, stride or 1, moving))

    def combine(self, output: Output, point: Point, op: ops.Op | None) -> None:
        """``output``'s element or contiguous vector at ``point``, combined with what is in memory
        (None: instead of it), in the innermost block."""
        added = self.at(output.value, point)
        index = self.integers.bind(output.index, point)
        lanes = self.integers.width(index)
        place = self.integers.place(output.slot, self._split_lane(index, lanes)[0])
        dtype = output.value.dtype
        if op is not None:
            name = self.scope.define(self.scope.fresh("before"), self.scope.depth)
            self.scope.add(nest.Load(name, dtype, lanes, place))
            before = Value(dtype, lanes, name)
            added = self.let(op, (before, added), output.value, self.scope.depth)
        self.scope.add(nest.Store(place, added, dtype, lanes))


def _order(root: Expr, copied: Container[Expr], form: Callable[[Expr], forms.Form]) -> list[Expr]:
    """Toposort that does not enter reductions, nor what was copied."""
    order: list[Expr] = []
    seen: set[Expr] = set()
    stack = [(root, False)]
    while stack:
        current, ready = stack.pop()
        if ready:
            order.append(current)
        elif current not in seen:
            seen.add(current)
            stack.append((current, True))
            if current.op is not ex.REDUCE and current not in copied:
                op, src = form(current)
                below = current.operands if op is current.op else src
                stack.extend((operand, False) for operand in below)
    return order


def _without(index: Index, lane: Range) -> Index:
    return Index([(a, c) for a, c in index.terms if a != lane], index.const)


def _signs(src: tuple[Value, ...]) -> tuple[str, ...]:
    """Keeps literals apart that compare equal: 0.0 from -0.0, NaN from itself it does not hurt."""
    return tuple(str(s.literal) for s in src if not s.name)


def _elementwise(values: Values, e: Expr, point: Point) -> Value:
    return values.elementwise(e, point)


def _missing(values: Values, e: Expr, point: Point) -> Value:
    raise InternalError(f"[codegen] {e} is needed before it is computed")


_WRITE: dict[ops.Op | ex.KernelOp, Callable[[Values, Expr, Point], Value]] = {
    ex.LOAD: Values.load,
    ex.LITERAL: Values.literal,
    ex.INDEX: Values.index,
    ex.GUARD: Values.guard,
    ex.REDUCE: _missing,
}
