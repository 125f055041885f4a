"""Merging drafts: a kernel takes in the kernels whose results it reads, as long as both meet at
the same outer index.

Whether they meet is decided by trying: the merged kernel is lowered, and each absorbed value must
come out at one single point of the shared outer ranges.
"""

from __future__ import annotations

from math import prod

from lazygrad import ops
from lazygrad.graph import Node
from lazygrad.kernel import expr as ex
from lazygrad.kernel.contraction import LARGEST_WINDOW
from lazygrad.kernel.index import Index, Range, of as index_of
from lazygrad.kernel.target import Target
from lazygrad.ops import Kind
from lazygrad.schedule.draft import MAX_OPS, Draft, Partition
from lazygrad.schedule.lower import Lowering
from lazygrad.schedule.simplify import base_of
from lazygrad.shape import strides_of

GUARD_WASTE = 1.9  # merged sums may visit so many times the points of the innermost one
MAX_BUFFERS = 24  # of a merged kernel, where the target allows as many
SEARCH = 64  # drafts looked at for a cycle before giving up
SMALL = 1 << 15  # elements that one unit handles faster than a second kernel is launched


# -- a sum of sums is one sum -------------------------------------------------------------------


def sums_into_sums(cut: Partition) -> None:
    """The transpose of a sliding window sums what a contraction has just summed: one kernel."""
    work: dict[Node, int] = {}  # points that a sum visits, without what merging wastes
    for value in cut.order:
        if value.op is not ops.SUM or value not in cut.owner:
            continue
        work[value] = value.src[0].size
        inner = base_of(value.src[0])
        if inner not in work or inner in cut.outputs or cut.readers[inner] != [value]:
            continue
        visited = _merged_work(cut, value, inner)
        if visited is not None and visited <= GUARD_WASTE * work[inner]:
            work[value] = work[inner]
            cut.owner[value].reasons.append("it sums a sum: both are one reduction")
            cut.drop(inner)


def _merged_work(cut: Partition, value: Node, inner: Node) -> int | None:
    """The points that both sums together visit, if they come out as one reduction."""
    trial = _lower(cut, [value], inside={value, inner})
    reductions = [e for e in ex.toposort([trial.value]) if e.op is ex.REDUCE]
    if len(reductions) != 1:
        return None
    return value.size * prod(r.size for r in reductions[0].arg.ranges)


# -- a contraction into the windows of its results ------------------------------------------------


def contractions_into_windows(cut: Partition, target: Target) -> None:
    """A pooling whose windows do not overlap takes in the convolution before it: the results of a
    window stay in registers, and those that no window holds are never computed."""
    if target.blas or target.is_gpu:  # a library writes all results; so do the groups of a GPU
        return
    for draft in cut.drafts():
        inside, reads = cut.region(draft)
        reductions = [value for value in inside if value.op.kind is Kind.REDUCE]
        if len(reductions) != 1:
            continue
        (pooling,) = reductions
        inner = base_of(pooling.src[0])
        if inner in reads and _stays_in_registers(cut, pooling, inner):
            cut.owner[draft.primary].reasons.append("its windows hold results of one contraction")
            cut.drop(inner)


def _stays_in_registers(cut: Partition, pooling: Node, inner: Node) -> bool:
    producer = cut.owner.get(inner)
    if producer is None or producer.roots != [inner] or inner in cut.outputs:
        return False
    if inner.op is ops.CONTIGUOUS:  # a part of a sum that was split on purpose
        return False
    windows = pooling.src[0]
    small = windows.size <= LARGEST_WINDOW * pooling.size
    once = windows.size <= inner.size and cut.readers[inner] == [pooling]
    if not small or not once or not _contracts(cut, producer):
        return False
    trial = _lower(cut, [pooling], inside={pooling, inner})
    value = trial.value
    return value.op is ex.REDUCE and not any(e.op is ex.GUARD for e in ex.toposort([value]))


# -- producers into their readers -----------------------------------------------------------------


class _Trial:
    """A kernel lowered to see what it would look like."""

    def __init__(self, lowering: Lowering, ranges: tuple[Range, ...], value: ex.Expr) -> None:
        self.lowering = lowering
        self.ranges = ranges
        self.value = value

    def points_of(self, value: Node) -> list[tuple[Index, ...]]:
        return [index for n, index in self.lowering.values if n is value]


def _lower(cut: Partition, roots: list[Node], inside: set[Node]) -> _Trial:
    def in_memory(value: Node) -> tuple[int, tuple[int, ...]] | None:
        stored = value.op is ops.BUFFER or (value in cut.owner and value not in inside)
        return (0, strides_of(value.shape)) if stored else None

    lowering = Lowering(in_memory)
    ranges = tuple(Range(f"i{axis}", size) for axis, size in enumerate(roots[0].shape))
    index = tuple(index_of(r) if r.size != 1 else Index() for r in ranges)
    value = lowering.lower(roots[0], index, from_memory=False)
    return _Trial(lowering, ranges, value)


def into_readers(cut: Partition, target: Target) -> None:
    """Row reductions into the kernel that normalises the row, first maxima into the pooling that
    finds them, and elementwise results that others read as well, as further outputs."""
    for draft in cut.drafts():
        if cut.owner.get(draft.primary) is not draft:
            continue  # taken in by another one meanwhile
        changed = True
        while changed:
            changed = False
            for read in reversed(cut.region(draft)[1]):
                producer = cut.owner.get(read)
                if producer is not None and _absorb(cut, producer, draft, target):
                    changed = True
                    break


def _absorb(cut: Partition, producer: Draft, consumer: Draft, target: Target) -> bool:
    """Merges ``producer`` into ``consumer`` if they meet; its roots that others read as well
    become further outputs."""
    if any(root.op is ops.CONTIGUOUS for root in producer.roots):
        return False
    if any(root.op is ops.SCATTER for root in (*producer.roots, *consumer.roots)):
        return False  # a kernel of its own
    if _contracts(cut, producer) or _contracts(cut, consumer):
        return False
    if not _indices_read(cut, consumer).isdisjoint(producer.roots):
        return False
    if _operations(cut, producer) + _operations(cut, consumer) > MAX_OPS:
        return False
    kept = [root for root in producer.roots if _read_elsewhere(cut, root, consumer)]
    if kept and _reaches(cut, producer, consumer):
        return False
    merged = [*consumer.roots, *kept]
    if not _meets(cut, merged, [*producer.roots, *consumer.roots], target):
        return False
    for root in producer.roots:
        if root in kept:
            cut.owner[root] = consumer
        else:
            cut.drop(root)
    consumer.roots = merged
    consumer.reasons.extend(producer.reasons if kept else ())
    return True


def _indices_read(cut: Partition, draft: Draft) -> set[Node]:
    """What the indices of a draft's gathers are computed from: it stays in memory, because an
    index is computed at every access, where no reduction can be."""
    inside = cut.region(draft)[0]
    found = {index for value in inside if value.op is ops.GATHER for index in value.src[1:]}
    for value in reversed(inside):
        if value in found:
            found.update(value.src)
    return found


def _operations(cut: Partition, draft: Draft) -> int:
    return sum(1 for value in cut.region(draft)[0] if value.op.kind is Kind.ELEMENTWISE)


def _contracts(cut: Partition, draft: Draft) -> bool:
    """It holds a sum of products with reuse: a kernel whose tiles leave room for nothing else."""
    for value in cut.region(draft)[0]:
        if value.op is not ops.SUM:
            continue
        product = base_of(value.src[0])
        if product.op is ops.CAST:
            product = product.src[0]
        if product.op is ops.MUL and all(s.op.kind is Kind.MOVEMENT for s in product.src):
            reuse = [s.size / max(base_of(s).size, 1) for s in product.src]
            if min(reuse) >= 4:
                return True
    return False


def _read_elsewhere(cut: Partition, root: Node, consumer: Draft) -> bool:
    if root in cut.outputs:
        return True
    inside = set(cut.region(consumer)[0])
    return any(reader not in inside for reader in cut.readers[root])


def _reaches(cut: Partition, producer: Draft, consumer: Draft) -> bool:
    """Whether ``consumer`` also depends on ``producer`` through a third draft (or may do so)."""
    earliest = min(cut.position[root] for root in producer.roots)
    stack = [consumer]
    seen: set[Draft] = {consumer}
    while stack:
        draft = stack.pop()
        for read in cut.region(draft)[1]:
            above = cut.owner.get(read)
            if above is None or above in seen:
                continue
            if above is producer:
                if draft is not consumer:
                    return True
                continue
            if max(cut.position[root] for root in above.roots) > earliest:
                seen.add(above)
                stack.append(above)
        if len(seen) > SEARCH:
            return True
    return False


def _meets(cut: Partition, merged: list[Node], watched: list[Node], target: Target) -> bool:
    """Whether the merged kernel computes each watched value at one point of its outer ranges."""
    primary = merged[0]
    inside = {*merged, *watched}
    trial = _lower(cut, merged, inside)
    if len(trial.lowering.reads) + len(merged) > min(MAX_BUFFERS, target.buffers):
        return False
    outer: tuple[Range, ...] | None = None
    for value in watched:
        if value is primary:
            continue
        shared = _single_point(trial, value)
        if shared is None or (outer is not None and shared != outer):
            return False
        outer = shared
    if outer is None:
        return False
    for reduction in ex.toposort([trial.value]):
        if reduction.op is ex.REDUCE and not reduction.ranges <= frozenset(outer):
            return False
    whole = tuple(r for r in trial.ranges if r.size != 1)
    return outer == whole or _rows_fit(primary, whole, outer, target)


def _single_point(trial: _Trial, value: Node) -> tuple[Range, ...] | None:
    """The ranges that index ``value``, in order, if it is computed at one point only and each of
    its dims has a range of the kernel to itself."""
    points = trial.points_of(value)
    if len(points) != 1:
        return None
    found: list[Range] = []
    for index, size in zip(points[0], value.shape, strict=True):
        if size == 1:
            if index.terms or index.const:
                return None  # padded: the element is not there at every point
            continue
        alone = len(index.terms) == 1 and index.terms[0][1] == 1 and index.const == 0
        if not alone or index.terms[0][0] not in trial.ranges:
            return None
        r = index.terms[0][0]
        if not isinstance(r, Range) or r in found or r.size != size:
            return None
        found.append(r)
    return tuple(sorted(found, key=trial.ranges.index))


def _rows_fit(
    primary: Node, whole: tuple[Range, ...], outer: tuple[Range, ...], target: Target
) -> bool:
    """The ranges that are not shared are the last ones, so that a row is contiguous; it stays in
    cache; and there are rows enough for every unit, or little to do."""
    if whole[: len(outer)] != outer:
        return False
    row = prod(r.size for r in whole[len(outer) :])
    rows = prod(r.size for r in outer)
    if row * primary.dtype.itemsize > target.cache // 4:
        return False
    return rows >= 4 * target.units or rows * row <= SMALL
