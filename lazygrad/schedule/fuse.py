"""Fusion: which values are written to memory, decided by bytes moved against work repeated.

Every value starts out computed where it is used. A value is written if it must be (outputs), if it
is a reduction, or if computing it again would cost more than reading it back. Then kernels are
merged as long as they meet at the same outer index. Each decision leaves its reason.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from lazygrad import ops
from lazygrad.graph import Node, toposort
from lazygrad.kernel.target import Target
from lazygrad.ops import Kind
from lazygrad.schedule import absorb, limits
from lazygrad.schedule.draft import Partition, is_leaf, readers_through_views
from lazygrad.schedule.simplify import base_of

REUSE = 4  # an operand that is read this often is worth writing to memory, if it is computed
EXPENSIVE = 8  # operations an element that are never worth repeating
OPS_PER_BYTE = 4  # weighted operations that take as long as moving a byte
LAUNCH = 1 << 15  # bytes that could be moved in the time of a launch


def partition(outputs: Iterable[Node], target: Target, *, fuse: bool) -> Partition:
    """Cuts the graph below ``outputs`` into drafts of kernels."""
    roots = list(dict.fromkeys(outputs))
    order = toposort(roots)
    cut = Partition(order, frozenset(roots), readers_through_views(order), {})
    _write_what_must_be(cut)
    if not fuse:
        _write_everything(cut)
        return cut
    _write_reused_operands(cut)
    limits.operations(cut)
    absorb.sums_into_sums(cut)
    _move_to_end_of_chain(cut)
    absorb.contractions_into_windows(cut, target)
    absorb.into_readers(cut, target)
    _write_shared(cut)
    limits.buffers(cut, target.buffers)
    return cut


def _write_what_must_be(cut: Partition) -> None:
    pointing: set[Node] = set()  # what reads by index where it is used
    for value in cut.order:
        if value.op is ops.GATHER and base_of(value.src[0]) in pointing:
            # elsewhere as well: what points to what points would double with each step
            cut.add(base_of(value.src[0]), "it reads by index, and is read by index")
        if value in cut.outputs and value.op is not ops.BUFFER:
            cut.add(value, "it is an output")
        elif value.op.kind is Kind.REDUCE:
            cut.add(value, "it is a reduction")
        elif value.op is ops.SCATTER:
            cut.add(value, "it is a scatter")
        elif value.op is ops.CONTIGUOUS:
            cut.add(value, "it was asked to be contiguous")
        below = (operand in pointing and operand not in cut.owner for operand in value.src)
        if value not in cut.owner and (value.op is ops.GATHER or any(below)):
            pointing.add(value)


def _write_everything(cut: Partition) -> None:
    for value in cut.order:
        if value.op.kind in (Kind.ELEMENTWISE, Kind.INDEXED):
            cut.add(value, "fusion is off")


# -- values that are read again and again ------------------------------------------------------


def _write_reused_operands(cut: Partition) -> None:
    """Computed operands of contractions, of wide broadcasts and of long gathers."""
    for value in cut.order:
        if value.op.kind not in (Kind.ELEMENTWISE, Kind.REDUCE, Kind.INDEXED):
            continue
        for operand in value.src:
            base = base_of(operand)
            computed = base.op.kind in (Kind.ELEMENTWISE, Kind.INDEXED)
            if not computed or base in cut.owner or base.size == 0:
                continue
            seen = value if value.op is ops.GATHER else operand  # a gather reads what it returns
            reuse = seen.size / base.size
            contracted = value.op is ops.MUL and _feeds_sum(cut, value)
            limit = 1 if contracted else EXPENSIVE
            if reuse >= REUSE and _cost(cut, base) >= limit and seen.size > 4096:
                cut.add(base, f"each element is read {reuse:.0f} times by {value.op.name.lower()}")


def _feeds_sum(cut: Partition, product: Node) -> bool:
    readers = cut.readers[product]
    return len(readers) == 1 and readers[0].op is ops.SUM


def _cost(cut: Partition, value: Node) -> int:
    """Weighted operations to compute an element of ``value`` from memory; stops counting when it
    is expensive anyway."""
    total = 0
    stack, seen = [value], {value}
    while stack and total < 4 * EXPENSIVE:
        current = stack.pop()
        if current.op.kind in (Kind.ELEMENTWISE, Kind.INDEXED):
            total += 0 if current.op is ops.CAST else current.op.cost
        elif current.op.kind is Kind.REDUCE:
            return 4 * EXPENSIVE
        for operand in current.src:
            if operand not in seen and operand not in cut.owner and not is_leaf(operand):
                seen.add(operand)
                stack.append(operand)
    return total


# -- epilogues ----------------------------------------------------------------------------------


def _move_to_end_of_chain(cut: Partition) -> None:
    """A reduction that is read once, element by element, is written after what follows it: bias
    and relu ride along with their convolution."""
    taken: set[Node] = set()
    for value in cut.order:
        if value.op.kind is not Kind.REDUCE or value not in cut.owner:
            continue
        end = value
        while True:
            following = _only_pointwise_reader(cut, end)
            if following is None or following in taken:
                break
            end = following
            if end in cut.outputs or end in cut.owner:
                break
        if end is value or value in cut.outputs:
            continue
        reason = cut.owner[value].reasons[0]
        cut.drop(value)
        cut.add(end, f"{reason}, followed element by element")
        taken.update(_chain(cut, value, end))


def _chain(cut: Partition, start: Node, end: Node) -> Iterable[Node]:
    current = start
    while current is not end:
        current = cut.readers[current][0]
        yield current


def _only_pointwise_reader(cut: Partition, value: Node) -> Node | None:
    """The one reader of ``value``, if it is elementwise and sees each element once, in place."""
    if value in cut.outputs or len(cut.readers[value]) != 1:
        return None
    reader = cut.readers[value][0]
    follows = reader.op.kind is Kind.ELEMENTWISE or reader.op is ops.CONTIGUOUS
    if not follows or reader.size != value.size:
        return None
    return reader if all(_keeps_index(operand, value) for operand in reader.src) else None


def _keeps_index(view: Node, value: Node) -> bool:
    """``view`` does not read ``value``, or reads it in order (only dims of size 1 may move)."""
    if base_of(view) is not value:
        return True
    while view is not value:
        if view.op not in (ops.RESHAPE, ops.PERMUTE):
            return False
        before, after = view.src[0].shape, view.shape
        if view.op is ops.RESHAPE and _without_ones(before) != _without_ones(after):
            return False
        view = view.src[0]
    return True


def _without_ones(shape: tuple[int, ...]) -> tuple[int, ...]:
    return tuple(size for size in shape if size != 1)


# -- values that several kernels need -----------------------------------------------------------


@dataclass
class _Uses:
    """The drafts that compute a value, as far as they are known: at most two matter."""

    drafts: list[object]

    def add(self, others: Iterable[object]) -> None:
        for other in others:
            if other not in self.drafts and len(self.drafts) < 8:
                self.drafts.append(other)


def _write_shared(cut: Partition) -> None:
    """From the outputs back: a value that two kernels would compute is written if repeating it
    costs more than the memory traffic."""
    uses: dict[Node, _Uses] = {value: _Uses([]) for value in cut.order}
    cost = _inline_costs(cut)
    for value in reversed(cut.order):
        if value in cut.owner:
            mine: list[object] = [cut.owner[value]]
        else:
            mine = uses[value].drafts
            worth = value.op.kind in (Kind.ELEMENTWISE, Kind.REDUCE, Kind.INDEXED)
            if worth and len(mine) > 1 and _worth_writing(value, len(mine), cost[value]):
                cut.add(value, f"{len(mine)} kernels need it")
                mine = [cut.owner[value]]
        for operand in value.src:
            uses[operand].add(mine)


@dataclass(frozen=True)
class _Cost:
    """What it takes to compute a value from memory, an upper estimate."""

    work: int  # weighted operations
    traffic: int  # bytes read
    reduces: bool  # a reduction is among it, which only its own kernel may hold


def _inline_costs(cut: Partition) -> dict[Node, _Cost]:
    cost: dict[Node, _Cost] = {}
    for value in cut.order:
        work, traffic, reduces = 0, 0, value.op.kind is Kind.REDUCE
        for operand in dict.fromkeys(value.src):
            if operand.op is ops.BUFFER or operand in cut.owner:
                read = min(operand.size, value.size) if value.op is ops.GATHER else operand.size
                traffic += read * operand.dtype.itemsize
            else:
                below = cost[operand]
                work += below.work
                traffic += below.traffic
                reduces = reduces or below.reduces
        computes = value.op.kind in (Kind.ELEMENTWISE, Kind.INDEXED)
        if computes and value.op is not ops.CAST:
            work += value.op.cost * value.size
        cost[value] = _Cost(min(work, 10**15), min(traffic, 10**15), reduces)
    return cost


def _worth_writing(value: Node, kernels: int, cost: _Cost) -> bool:
    """Whether writing a value once costs less than computing it in each of ``kernels``."""
    if cost.reduces:
        return True
    own = value.size * value.dtype.itemsize
    repeated = (kernels - 1) * (cost.traffic + cost.work // OPS_PER_BYTE)
    return cost.work > 0 and repeated > (kernels + 1) * own + LAUNCH
