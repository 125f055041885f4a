"""Drafts -> kernels: lower each one, choose layouts, repack operands where it pays."""

from __future__ import annotations

from collections.abc import Container, Hashable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from math import prod
from operator import mul

from lazygrad import ops
from lazygrad.errors import InternalError
from lazygrad.graph import Node, node
from lazygrad.kernel import contraction, expr as ex
from lazygrad.kernel.index import Index, Range, of as index_of, ravel
from lazygrad.kernel.kernel import BufferSpec, Kernel, Output, loads
from lazygrad.kernel.ranges import without_single
from lazygrad.kernel.starts import moved, without_starts
from lazygrad.kernel.target import Target
from lazygrad.schedule import affine, calls, loops, naming
from lazygrad.schedule.alike import Form, form_of
from lazygrad.schedule.draft import Draft
from lazygrad.schedule.layout import (
    COPY_WORK,
    Lanes,
    Order,
    Places,
    choose_lanes,
    follow_reads,
    row_major,
    strides_in_order,
    with_last,
)  # fmt: skip
from lazygrad.schedule.loops import Planner
from lazygrad.schedule.lower import Lowering, whole
from lazygrad.schedule.partition import IN_MEMORY, Partition
from lazygrad.shape import Shape, without_ones

FEW = 1 << 12  # results that can be stored one by one
SCATTERED = 2  # pieces of memory that the lanes of a contraction may touch out of order


@dataclass(frozen=True)
class Built:
    """A kernel and the values (graph nodes) behind its buffer slots."""

    kernel: Kernel
    buffers: tuple[Node, ...]


Step = Built | calls.BuiltCall


@dataclass(frozen=True)
class _Known:
    """A kernel that was built: the numbers of the values behind its buffers, the orders in which
    those are repacked first (None: they are not), the orders of what it writes, where it begins to
    read them; and the kernels that it became, for other lines and reasons and from elsewhere."""

    kernel: Kernel
    buffers: tuple[int, ...]
    repacked: tuple[Order | None, ...]
    orders: tuple[Order, ...]
    starts: Mapping[int, Shape]
    called: dict[Hashable, Kernel]


@dataclass
class Builder:
    """Builds the kernels of a partition in order, bodies of loops by ``of_body``; remembers layouts
    and repacked copies.

    Attributes:
        lasting: the leaves that stay the same from run to run, in a body its constants: they are
            repacked ``before``, as often as there is a loop, which costs the steps nothing.
    """

    cut: Partition
    target: Target
    of_body: Planner
    lasting: Container[Node] = ()
    before: dict[Node, tuple[Node, Order]] = field(default_factory=dict)
    order_of: dict[Node, Order] = field(default_factory=dict)
    repacked: dict[tuple[Node, Order], Node] = field(default_factory=dict)
    original: dict[Node, Node] = field(default_factory=dict)
    known: dict[Hashable, _Known] = field(default_factory=dict)
    names: dict[str, tuple[Kernel, dict[Kernel, int]]] = field(default_factory=dict)
    built: list[Step] = field(default_factory=list)

    def build_all(self) -> list[Step]:
        for draft in self.cut.ordered():
            if draft.primary.op is ops.LOOP:
                self.built.append(loops.built(draft, self.of_body, self.repacked_operand))
            elif isinstance(draft, calls.CallDraft):
                self.built.append(calls.built(draft))
            else:
                self.built.append(self._known_or_built(draft))
        return self.built

    def order(self, value: Node) -> Order:
        return self.order_of.get(value, row_major(value.shape))

    def strides(self, value: Node) -> Shape:
        return strides_in_order(value.shape, self.order(value))

    def named(self, kernel: Kernel) -> Kernel:
        """``kernel`` under a name that no other one has; one that computes the same, be it on other
        slices, has it too."""
        first, alike = self.names.setdefault(kernel.name, (kernel, {}))
        if first == kernel:
            return kernel
        if not alike:
            alike[without_starts(first)[0]] = 0
        number = alike.setdefault(without_starts(kernel)[0], len(alike))
        return replace(kernel, name=f"{kernel.name}__{number + 1}") if number else kernel

    # -- equal drafts ----------------------------------------------------------------------

    def _known_or_built(self, draft: Draft) -> Built:
        """Drafts that compute the same from other memory have one kernel (see ``alike``), but each
        says whose lines it came from."""
        inside = self.cut.region(draft)
        form = form_of(draft, inside, self.cut, partial(self._told, bool(draft.reductions)))
        told = tuple([value.origin for value in inside]), tuple(draft.reasons)
        known = self.known.get(form.key)
        if known is None:
            before = len(self.cut.drafts)
            built = self._build(draft)
            if len(self.cut.drafts) > before:  # it was built in two
                return built
            number = {value: i for i, value in enumerate(form.values)}
            self.known[form.key] = _Known(
                built.kernel,
                tuple(number[self.original.get(v, v)] for v in built.buffers),
                tuple(self.order_of[v] if v in self.original else None for v in built.buffers),
                tuple(self.order_of[root] for root in draft.roots),
                form.starts,
                {(*told, ()): built.kernel},
            )
            return built
        for root, order in zip(draft.roots, known.orders, strict=True):
            self.order_of[root] = order
        buffers = tuple(
            form.values[i] if order is None else self._copy(form.values[i], order, draft.primary)
            for i, order in zip(known.buffers, known.repacked, strict=True)
        )
        by = self._further(known, form, buffers)
        if (*told, by) not in known.called:
            kernel = _described(moved(known.kernel, dict(by)), draft, inside)
            known.called[(*told, by)] = self.named(kernel)
        return Built(known.called[(*told, by)], buffers)

    def _told(self, reduces: bool, value: Node) -> Hashable:
        """What a kernel depends on that reads ``value``; only one that ``reduces`` repacks it."""
        return self.order(value), self._copying_cost(value) if reduces else None

    def _further(
        self, known: _Known, form: Form, buffers: Sequence[Node]
    ) -> tuple[tuple[int, int], ...]:
        """The slots of which ``form`` reads elements further on than what is known, how many."""
        found = []
        for slot, (number, buffer) in enumerate(zip(known.buffers, buffers, strict=True)):
            if number in form.starts:
                starts = zip(form.starts[number], known.starts[number], strict=True)
                steps = [start - before for start, before in starts]
                if any(steps):
                    found.append((slot, sum(map(mul, steps, self.strides(buffer)))))
        return tuple(found)

    # -- one draft -------------------------------------------------------------------------

    def _build(self, draft: Draft) -> Built:
        attempt = _Attempt(self, draft, {})
        lanes = None
        found = attempt.contraction()
        if found is not None:
            places = Places(attempt.dim_of, self._copying(attempt))
            repacks = not self.target.blas
            lanes = choose_lanes(found, max(self.target.lanes, 8), repacks, places)
            copies = self._repack(attempt, lanes) if lanes is not None else {}
            if copies:
                attempt = _Attempt(self, draft, copies)
            if lanes is not None and self._scatters(draft, attempt.dim_of[lanes.over]):
                return self._build_in_two(draft)
        self._choose_orders(draft, attempt, lanes.over if lanes else None)
        return attempt.finish()

    def _copying(self, attempt: _Attempt) -> dict[int, float]:
        """What a copy of each buffer costs every one of the kernels that read it."""
        return {slot: self._copying_cost(value) for slot, value in attempt.inputs.items()}

    def _copying_cost(self, value: Node) -> float:
        if value in self.lasting:
            return 0.0
        launch = self.target.launch * self.target.throughput
        return (COPY_WORK * value.size + launch) / max(1, len(self.cut.users.get(value, ())))

    def _scatters(self, draft: Draft, lane: int) -> bool:
        """Whether what follows a contraction would read and write much memory against the order of
        the lanes, because it is an output, and so row-major: element by element, where a kernel of
        its own has vectors. A single result is scattered faster than it is copied."""
        last = max((dim for dim, n in enumerate(draft.primary.shape) if n != 1), default=lane)
        follows = len(draft.reductions) == 1 and draft.reductions[0] is not draft.primary
        if self.target.blas or not follows or lane == last or draft.primary.size <= FEW:
            return False
        fixed = sum(1 for root in draft.roots if root in self.cut.fixed)
        beside = sum(1 for value in draft.reads if value.size == draft.primary.size)
        return fixed > 0 and fixed + beside > SCATTERED

    def _build_in_two(self, draft: Draft) -> Built:
        """The contraction by itself, and then what follows it."""
        (total,) = draft.reductions
        self.built.append(self._known_or_built(self.cut.part(draft, total)))
        return self._build(draft)

    def _choose_orders(self, draft: Draft, attempt: _Attempt, lane: Range | None) -> None:
        primary = draft.primary
        order = row_major(primary.shape)
        if lane is not None and lane in attempt.dim_of:
            order = with_last(order, attempt.dim_of[lane])
        elif lane is None and primary.op is not ops.SCATTER:  # it fills whole rows
            by_dim = {dim: r for r, dim in attempt.dim_of.items()}
            order = follow_reads(primary.shape, by_dim, attempt.outputs, attempt.sizes())
        for root in draft.roots:
            free = root not in self.cut.fixed and root.shape == primary.shape
            self.order_of[root] = order if free else row_major(root.shape)

    def _repack(self, attempt: _Attempt, lanes: Lanes) -> dict[Node, Node]:
        """Copies of loaded values in which the dim that moves with the lanes lies innermost. For a
        library, which packs what it is given, only those that are made once for many runs."""
        copies: dict[Node, Node] = {}
        for load in lanes.repack:
            value = attempt.inputs[load.arg.slot]
            if self.target.blas and value not in self.lasting:
                continue
            dims = attempt.dims_moving_with(value, lanes.over)
            if len(dims) == 1:
                by_reads = not lanes.in_both
                order = attempt.order_of_reads(value, lanes) if by_reads else self.order(value)
                copies[value] = self._copy(value, with_last(order, dims[0]), attempt.draft.primary)
        return copies

    def _copy(self, value: Node, order: Order, reader: Node) -> Node:
        """``value`` in another order, in which ``reader`` and others read it."""
        copy = self.repacked.get((value, order))
        if copy is None:
            copy = node(ops.CONTIGUOUS, (value,), (naming.REPACKED, order))
            copy.origin = reader.origin
            self.repacked[value, order] = copy
            self.original[copy] = value
            self.order_of[copy] = order
            if value in self.lasting:
                self.before[copy] = value, order
            else:
                draft = Draft(-1, copy, "it repacks an operand for vector loads")
                self.built.append(_Attempt(self, draft, {}).finish())
        return copy

    def repacked_operand(self, operand: Node, order: Order, reader: Node) -> Node:
        """An operand of a loop in the order that its body wants."""
        return self._copy(operand, order, reader)


class _Attempt:
    """One draft lowered with the layouts that are known."""

    def __init__(self, builder: Builder, draft: Draft, instead: dict[Node, Node]) -> None:
        self.builder = builder
        self.draft = draft
        self.instead = instead
        self.slots: dict[Node, int] = {}
        for root in draft.roots:
            self.slots.setdefault(builder.cut.memory_of(root)[0], len(self.slots))
        self.lowering = Lowering(partial(_in_memory, builder, draft, instead, self.slots))
        primary = draft.primary
        self.ranges, point = whole(primary.shape)
        self.alone: dict[Shape, tuple[Index, ...]] = {}
        self.dim_of = {r: dim for dim, r in enumerate(self.ranges) if r.size != 1}
        self.size_of = {index_of(r): r.size for r in self.dim_of}
        self.lowering.lower(primary, point, from_memory=False)
        self.points = {root: self._point_of(root, point) for root in draft.roots}
        self.outputs = tuple(self._output(root) for root in draft.roots)

    @property
    def inputs(self) -> dict[int, Node]:
        return {slot: value for value, slot in self.slots.items()}

    def sizes(self) -> dict[int, int]:
        return {slot: value.size for value, slot in self.slots.items()}

    def _point_of(self, root: Node, primary: tuple[Index, ...]) -> tuple[Index, ...]:
        if root is self.draft.primary:
            return primary
        points = self.lowering.points.get(root, [])
        found = [index for index in points if self._covers(root, index)]
        if found:  # at several, as a matrix that is read transposed too, each covers all of it
            return found[0]
        if without_ones(root.shape) == without_ones(self.draft.primary.shape):
            loops = iter(map(index_of, self.dim_of))
            point = tuple(Index() if size == 1 else next(loops) for size in root.shape)
            self.lowering.lower(root, point, from_memory=False)
            return point
        if not points and root in self.builder.cut.within:
            return self._point_alone(root)
        raise InternalError(f"[schedule] {root} is not computed at one point of its kernel")

    def _point_alone(self, root: Node) -> tuple[Index, ...]:
        """The point of a root that has loops of its own, those of other such roots of its shape."""
        if root.shape not in self.alone:
            named, index = whole(root.shape)
            number = len(self.alone)
            own = {r: Range(f"{r.name}_{number}", r.size) for r in named}
            self.ranges += tuple(own.values())
            mapping = {r: index_of(new) for r, new in own.items()}
            self.alone[root.shape] = tuple(i.substitute(mapping) for i in index)
        point = self.alone[root.shape]
        self.lowering.lower(root, point, from_memory=False)
        return point

    def _covers(self, root: Node, point: tuple[Index, ...]) -> bool:
        """Whether a point runs over all of ``root``: each dim along an outer loop of its own. One
        element, in one turn of a loop, a piece or a diagonal, read beside it, does not."""
        rows = [*zip(point, root.shape, strict=True)]
        size_of = self.size_of
        whole = all(size_of.get(i) == size or (size == 1 and not i.ranges) for i, size in rows)
        along = [i for i, size in rows if size != 1]
        return whole and len(set(along)) == len(along)

    def _output(self, root: Node) -> Output:
        point = self.points[root]
        value = self.lowering.values[root, point]
        used = frozenset[Range]().union(*(index.ranges for index in point))
        if prod(r.size for r in used) != root.size:
            raise InternalError(f"[schedule] {root} is written at {point}, which is not all of it")
        own = tuple(r for r in self.ranges if r in used or (r.size == 0 and not root.size))
        memory, start = self.builder.cut.memory_of(root)
        strides = self.builder.strides(memory)
        first = sum(map(mul, start, strides))
        return Output(self.slots[memory], ravel(point, strides) + first, value, own)

    def contraction(self) -> contraction.Contraction | None:
        if not self.draft.reductions:
            return None
        trial = Kernel("trial", self.ranges, self.outputs, ())
        return contraction.find(trial)

    def dims_moving_with(self, value: Node, lane: Range) -> list[int]:
        """The dims of a loaded value whose index depends on ``lane``."""
        found: dict[int, None] = {}
        for index in self.lowering.points[value]:
            for dim, i in enumerate(index):
                if lane in i.ranges:
                    found[dim] = None
        return list(found)

    def order_of_reads(self, value: Node, lanes: Lanes) -> Order:
        """The dims of a repacked value with those last that the other operand has close together
        in memory: they are the innermost loops."""
        others = [e for e in loads([self.outputs[0].value]) if e not in lanes.repack]

        def stride(dim: int) -> int:
            points = self.lowering.points[value]
            moving = frozenset[Range]().union(*(index[dim].ranges for index in points))
            strides = [abs(e.arg.index.coefficient(r)) for e in others for r in moving]
            return min((s for s in strides if s), default=0)

        return tuple(sorted(self.builder.order(value), key=lambda dim: -stride(dim)))

    # -- the finished kernel ----------------------------------------------------------------------

    def finish(self) -> Built:
        """The kernel with final layouts: indices affine, ranges in the order of memory."""
        outputs = tuple(self._output(root) for root in self.draft.roots)
        outputs = without_single(outputs)
        outputs = affine.make_affine(outputs)
        primary = outputs[0]
        shared = _shared_ranges(outputs)
        by_stride = _by_stride(primary.index, shared)
        inner = _by_stride(primary.index, [r for r in primary.ranges if r not in shared])
        outputs = tuple(_with_order(output, by_stride, inner) for output in outputs)
        outputs = affine.rename(outputs, by_stride)
        outer = outputs[0].ranges[: len(by_stride)]
        values = sorted(self.slots, key=self.slots.__getitem__)
        buffers = tuple(BufferSpec(value.dtype, value.size) for value in values)
        inside = self.builder.cut.region(self.draft)
        kernel = _described(Kernel("", outer, outputs, buffers), self.draft, inside)
        return Built(self.builder.named(kernel), tuple(values))


def _in_memory(
    builder: Builder, draft: Draft, instead: dict[Node, Node], slots: dict[Node, int], value: Node
) -> tuple[int, Shape] | None:
    """Where ``draft`` loads ``value`` from, if it does. No method of the attempt: its lowering and
    it would keep each other alive, and leave all of the plan to the garbage collector."""
    if value in draft.roots:
        return None
    if value.op not in IN_MEMORY and value not in builder.cut.owner:
        return None
    stored = instead.get(value, value)
    return slots.setdefault(stored, len(slots)), builder.strides(stored)


def _described(kernel: Kernel, draft: Draft, inside: Sequence[Node]) -> Kernel:
    """What ``draft`` computes ``inside``, by the names of the user's operations."""
    return replace(
        kernel,
        name=naming.kernel_name(draft, inside),
        origins=naming.origins(inside),
        reasons=tuple(draft.reasons),
    )


def _shared_ranges(outputs: Sequence[Output]) -> list[Range]:
    """The ranges that every output and every outermost reduction runs over.

    Without a reduction inside a row these are all ranges of the primary output.
    """
    primary = outputs[0].ranges
    needed = [frozenset(output.ranges) for output in outputs]
    for value in ex.toposort(output.value for output in outputs):
        if value.op is ex.REDUCE:
            needed.append(value.ranges)
    common = frozenset(primary).intersection(*needed)
    return [r for r in primary if r in common]


def _by_stride(index: Index, found: Sequence[Range]) -> tuple[Range, ...]:
    """Ranges in the order of memory: large strides outside."""
    return tuple(sorted(found, key=lambda r: -abs(index.coefficient(r))))


def _with_order(output: Output, outer: Sequence[Range], inner: Sequence[Range]) -> Output:
    own = set(output.ranges)
    rest = [r for r in inner if r in own]
    alone = _by_stride(output.index, [r for r in output.ranges if r not in (*outer, *rest)])
    return Output(output.slot, output.index, output.value, (*outer, *rest, *alone))
