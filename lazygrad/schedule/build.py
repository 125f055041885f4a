"""Drafts -> kernels: lower each one, choose layouts, repack operands where it pays."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from lazygrad import ops
from lazygrad.errors import InternalError
from lazygrad.graph import Node, node
from lazygrad.kernel import contraction, expr as ex
from lazygrad.kernel.expr import Expr
from lazygrad.kernel.index import Index, Range, of as index_of, ravel
from lazygrad.kernel.kernel import BufferSpec, Kernel, Output, loads
from lazygrad.kernel.target import Target
from lazygrad.schedule import naming, ranges
from lazygrad.schedule.draft import Draft, Partition
from lazygrad.schedule.layout import (
    Order,
    choose_lanes,
    follow_reads,
    row_major,
    strides_in_order,
    with_last,
)  # fmt: skip
from lazygrad.schedule.lower import Lowering
from lazygrad.shape import Shape


@dataclass(frozen=True)
class Built:
    """A kernel and the values (graph nodes) behind its buffer slots."""

    kernel: Kernel
    buffers: tuple[Node, ...]


@dataclass
class Builder:
    """Builds the kernels of a partition in order; remembers layouts and repacked copies."""

    cut: Partition
    target: Target
    order_of: dict[Node, Order] = field(default_factory=dict)
    repacked: dict[tuple[Node, Order], Node] = field(default_factory=dict)
    built: list[Built] = field(default_factory=list)

    def build_all(self) -> list[Built]:
        for draft in self.cut.drafts():
            self.built.append(self._build(draft))
        return self.built

    def strides(self, value: Node) -> Shape:
        order = self.order_of.get(value, row_major(value.shape))
        return strides_in_order(value.shape, order)

    # -- one draft -------------------------------------------------------------------------

    def _build(self, draft: Draft) -> Built:
        attempt = _Attempt(self, draft, {})
        lanes = None
        found = attempt.contraction()
        if found is not None:
            repacks = not self.target.blas
            lanes = choose_lanes(found, max(self.target.lanes, 8), repacks, attempt.dim_of)
            if lanes is not None and lanes.repack is not None and repacks:
                attempt = _Attempt(self, draft, self._repack(attempt, lanes.repack, lanes.over))
        self._choose_orders(draft, attempt, lanes.over if lanes else None)
        return attempt.finish()

    def _choose_orders(self, draft: Draft, attempt: _Attempt, lane: Range | None) -> None:
        primary = draft.primary
        order = row_major(primary.shape)
        if lane is not None and lane in attempt.dim_of:
            order = with_last(order, attempt.dim_of[lane])
        elif lane is None and primary.op is not ops.SCATTER:  # it fills whole rows
            by_dim = {dim: r for r, dim in attempt.dim_of.items()}
            order = follow_reads(primary.shape, by_dim, attempt.outputs, attempt.sizes())
        for root in draft.roots:
            free = root not in self.cut.outputs and root.shape == primary.shape
            self.order_of[root] = order if free else row_major(root.shape)

    def _repack(self, attempt: _Attempt, load: Expr, lane: Range) -> dict[Node, Node]:
        """Copies the loaded value so that the dim that moves with ``lane`` lies innermost."""
        value = attempt.inputs[load.arg.slot]
        dims = attempt.dims_moving_with(value, lane)
        if len(dims) != 1:
            return {}
        order = with_last(attempt.order_of_reads(value, load), dims[0])
        copy = self.repacked.get((value, order))
        if copy is None:
            copy = node(ops.CONTIGUOUS, (value,), ("repacked", order))
            self.repacked[value, order] = copy
            self.order_of[copy] = order
            draft = Draft([copy], ["it repacks an operand for vector loads"])
            self.built.append(_Attempt(self, draft, {}).finish())
        return {value: copy}


class _Attempt:
    """One draft lowered with the layouts that are known."""

    def __init__(self, builder: Builder, draft: Draft, instead: dict[Node, Node]) -> None:
        self.builder = builder
        self.draft = draft
        self.instead = instead
        self.slots: dict[Node, int] = {root: i for i, root in enumerate(draft.roots)}
        self.lowering = Lowering(self._in_memory)
        primary = draft.primary
        self.ranges = tuple(Range(f"i{axis}", n) for axis, n in enumerate(primary.shape))
        self.dim_of = {r: dim for dim, r in enumerate(self.ranges) if r.size != 1}
        point = tuple(index_of(r) if r.size != 1 else Index() for r in self.ranges)
        self.lowering.lower(primary, point, from_memory=False)
        self.points = {root: self._point_of(root, point) for root in draft.roots}
        self.outputs = tuple(self._output(root) for root in draft.roots)

    @property
    def inputs(self) -> dict[int, Node]:
        return {slot: value for value, slot in self.slots.items()}

    def sizes(self) -> dict[int, int]:
        return {slot: value.size for value, slot in self.slots.items()}

    def _in_memory(self, value: Node) -> tuple[int, Shape] | None:
        cut = self.builder.cut
        if value in self.draft.roots:
            return None
        if value.op is not ops.BUFFER and value not in cut.owner:
            return None
        stored = self.instead.get(value, value)
        slot = self.slots.setdefault(stored, len(self.slots))
        return slot, self.builder.strides(stored)

    def _point_of(self, root: Node, whole: tuple[Index, ...]) -> tuple[Index, ...]:
        if root is self.draft.primary:
            return whole
        points = [index for n, index in self.lowering.values if n is root]
        if len(points) == 1:
            return points[0]
        if not points and root.shape == self.draft.primary.shape:
            self.lowering.lower(root, whole, from_memory=False)
            return whole
        raise InternalError(f"[schedule] {root} is not computed at one point of its kernel")

    def _output(self, root: Node) -> Output:
        point = self.points[root]
        value = self.lowering.values[root, point]
        used = frozenset[Range]().union(*(index.ranges for index in point))
        own = tuple(r for r in self.ranges if r in used or (r.size == 0 and not root.size))
        flat = ravel(point, self.builder.strides(root))
        return Output(self.slots[root], flat, value, own)

    def contraction(self) -> contraction.Contraction | None:
        trial = Kernel("trial", self.ranges, self.outputs, ())
        kinds = contraction.find, contraction.find_in_sum, contraction.find_in_windows
        return next((found for find in kinds if (found := find(trial)) is not None), None)

    def dims_moving_with(self, value: Node, lane: Range) -> list[int]:
        """The dims of a loaded value whose index depends on ``lane``."""
        found: dict[int, None] = {}
        for reader, index in self.lowering.values:
            if reader is value:
                for dim, i in enumerate(index):
                    if lane in i.ranges:
                        found[dim] = None
        return list(found)

    def order_of_reads(self, value: Node, load: Expr) -> Order:
        """The dims of a repacked value with those last that the other operand has close together
        in memory: they are the innermost loops."""
        others = [e for e in loads([self.outputs[0].value]) if e is not load]

        def stride(dim: int) -> int:
            moving = frozenset[Range]().union(
                *(index[dim].ranges for n, index in self.lowering.values if n is value)
            )
            strides = [abs(e.arg.index.coefficient(r)) for e in others for r in moving]
            return min((s for s in strides if s), default=0)

        before = self.builder.order_of.get(value, row_major(value.shape))
        return tuple(sorted(before, key=lambda dim: -stride(dim)))

    # -- the finished kernel ----------------------------------------------------------------------

    def finish(self) -> Built:
        """The kernel with final layouts: indices affine, ranges in the order of memory."""
        outputs = tuple(self._output(root) for root in self.draft.roots)
        outputs = ranges.drop_single(outputs)
        outputs = ranges.make_affine(outputs)
        primary = outputs[0]
        shared = _shared_ranges(outputs)
        by_stride = _by_stride(primary.index, shared)
        inner = _by_stride(primary.index, [r for r in primary.ranges if r not in shared])
        outputs = tuple(_with_order(output, by_stride, inner) for output in outputs)
        outputs = ranges.rename(outputs, by_stride)
        outer = outputs[0].ranges[: len(by_stride)]
        values = sorted(self.slots, key=self.slots.__getitem__)
        buffers = tuple(BufferSpec(value.dtype, value.size) for value in values)
        inside, _ = self.builder.cut.region(self.draft)
        kernel = Kernel(
            name=naming.kernel_name(self.draft, inside),
            ranges=outer,
            outputs=outputs,
            buffers=buffers,
            origins=naming.origins(inside),
            reasons=tuple(self.draft.reasons),
        )
        return Built(kernel, tuple(values))


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
    return Output(output.slot, output.index, output.value, (*outer, *rest))
