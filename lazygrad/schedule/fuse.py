"""Fusion: which values are written to memory, and by which kernel.

One walk from the outputs back. When it comes to a value, all that reads it has been placed, so it
is known which kernels need the value, at which positions and how often. Then it is computed inside
each of them (and what it is made of is needed there), or it is written: by a kernel that computes
it anyway, or by one of its own. What costs least is done, as far as kernels allow it; each decision
leaves its reason. At the end kernels are merged that go on, element by element, with what others
write, and those that read the same memory over the same loops.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterable

from lazygrad import ops
from lazygrad.graph import Node, together, toposort
from lazygrad.kernel.target import Target
from lazygrad.ops import Kind
from lazygrad.schedule import followers, meet, price, siblings, sums
from lazygrad.schedule.draft import (
    MAX_BUFFERS,
    MAX_OPS,
    MAX_REDUCTIONS,
    Draft,
    is_pointwise,
    nbytes,
    work_of,
)  # fmt: skip
from lazygrad.schedule.partition import Partition
from lazygrad.schedule.split import SPLIT
from lazygrad.shape import without_ones
from lazygrad.units import duration

OPERAND_READS = 4  # a computed operand of a contraction that is read as often is written first
PIECE = "it is stored where it belongs in a join"
FEW = 1 << 12  # evaluations that are not worth a thought


def partition(outputs: Iterable[Node], target: Target, *, fuse: bool) -> Partition:
    """Cuts the graph below ``outputs`` into drafts of kernels."""
    roots = list(dict.fromkeys(outputs))
    cut = Partition(together(toposort(roots)), frozenset(roots))
    place = _Fusion(cut, target).place if fuse else _write_each(cut)
    for value in reversed(cut.order):
        if value.op is ops.JOIN:
            cut.spread(value)
        elif value.op.kind is Kind.CALL:
            cut.call(value)
        elif value.op.kind not in (Kind.MOVEMENT, Kind.LEAF):
            place(value)
    if fuse:
        if cut.within:
            siblings.merge_pieces(cut, target)
        followers.merge(cut, target)
        siblings.merge(cut, target)
    return cut


class _Fusion:
    def __init__(self, cut: Partition, target: Target) -> None:
        self.cut, self.target = cut, target
        # the last draft of a kind of pieces, what it computes, and what it reads
        self.pieces: dict[Hashable, tuple[Draft, set[Node], set[Node]]] = {}

    def place(self, value: Node) -> None:
        """Decides where ``value`` is computed."""
        if value.op is ops.SCATTER:
            self.cut.write(value, "it is a scatter")
        elif value in self.cut.outputs:
            self._write(value, "it is an output")
        elif value in self.cut.operands:
            self._write(value, "a step that is no kernel reads it")
        elif value in self.cut.within:
            self._piece(value)
        elif value.op is ops.CONTIGUOUS:
            self.cut.write(value, _asked(value))
        elif value.op.kind is Kind.REDUCE:
            self._reduction(value)
        else:
            self._elementwise(value)

    def _write(self, value: Node, reason: str) -> None:
        """By a kernel that needs it, if one can."""
        found = self._keeper(value, list(self.cut.users.get(value, ())))
        if found is None:
            self.cut.write(value, reason)
        else:
            self._keep(value, *found, reason)

    def _piece(self, value: Node) -> None:
        """Writes a piece of a join: by the kernel of another one that has the same loops and is
        made of the same values, so that these are computed once for both."""
        computed, reads = price.in_place(self.cut, value)
        kind = self.cut.memory_of(value)[0], without_ones(value.shape)
        if kind in self.pieces:
            draft, others, read = self.pieces[kind]
            all_computed, all_read = computed | others, reads | read
            few = len(all_read) < min(MAX_BUFFERS, self.target.buffers)
            small = len(all_computed) + len(draft.roots) < MAX_OPS
            if few and small and not computed.isdisjoint(others):
                self.cut.write_beside(value, draft)
                self.pieces[kind] = draft, all_computed, all_read
                return
        self.pieces[kind] = self.cut.write(value, PIECE), computed, reads

    def _keep(self, value: Node, draft: Draft, loops: meet.Loops, reason: str) -> None:
        draft.share(loops)
        self.cut.keep(value, draft, reason)

    def _keeper(self, value: Node, among: list[Draft]) -> tuple[Draft, meet.Loops] | None:
        """The draft that can write ``value`` where it computes it, and run before all others that
        need it; and the outer loops that it then has. Of several, the one that reads most of what
        ``value`` is made of anyway."""
        meets = meet.of_reduction if value.op.kind is Kind.REDUCE else meet.of_output
        most = min(MAX_BUFFERS, self.target.buffers)
        users = self.cut.users.get(value, ())
        found: list[tuple[Draft, meet.Loops]] = []
        for draft in among:
            if draft.roots[0] in self.cut.within:  # equal ones share a kernel, with nothing else
                continue
            if draft.primary.op.kind is Kind.CALL:
                continue
            if not self._room(draft, value, most - 1):
                continue
            loops = meets(draft, value, self.target)
            if loops is None:
                continue
            if any(self.cut.depends(draft, on=user) for user in users if user is not draft):
                continue
            found.append((draft, loops))
        if len(found) < 2:
            return found[0] if found else None
        made_of = price.made_of(self.cut, value)
        return max(found, key=lambda one: sum(nbytes(b) for b in made_of if b in one[0].at))

    def _room(self, draft: Draft, value: Node, most: int) -> bool:
        """Whether a draft can compute ``value`` besides the rest."""
        operations = draft.operations + len(draft.at[value])
        if is_pointwise(value) and operations > MAX_OPS:
            return False
        if value.op.kind is Kind.REDUCE and len(draft.reductions) >= MAX_REDUCTIONS:
            return False
        more = set(self.cut.sources[value]).difference(draft.reads)
        return len(draft.roots) + len(draft.reads) - 1 + len(more) <= most

    # -- reductions -------------------------------------------------------------------------

    def _reduction(self, value: Node) -> None:
        """Never computed twice: inside the one kernel that needs it, or written."""
        users = list(self.cut.users[value])
        if len(users) == 1 and self._room(users[0], value, self.target.buffers):
            (draft,) = users
            loops = meet.of_reduction(draft, value, self.target)
            if loops is not None:
                draft.share(loops)
                self.cut.inline(value)
                return
            if draft.windows is value:
                self.cut.inline(value)
                return
            one = sums.of_sums(draft, value, self.target) or sums.in_windows(
                draft, value, value, self.target
            )
            if one is not None:
                draft.reasons.append(one)
                self.cut.inline(value)
                return
        self._write(value, "it is a reduction")

    # -- elementwise values ---------------------------------------------------------------------

    def _elementwise(self, value: Node) -> None:
        users = list(self.cut.users[value])
        reason = self._too_much(value, users)
        if reason is None and self._follows_apart(value, users):
            return
        if reason is None and not self._repeats(value, users):
            self.cut.inline(value)
            return
        dear = {draft: why for draft in users if (why := _dear(draft, value)) is not None}
        reason = reason or next(iter(dear.values()), None)
        found = self._keeper(value, [d for d in users if d not in dear] if users[1:] else [])
        cost = price.prices(self.cut, value, users, found and found[0], self.target)
        self.cut.prices[value] = cost
        if reason is None and cost.repeated <= cost.written:
            self.cut.inline(value)
            return
        reason = reason or _compared(users, cost)
        if found is None:
            self.cut.write(value, reason)
        else:
            self._keep(value, *found, reason)

    def _follows_apart(self, value: Node, users: list[Draft]) -> bool:
        """Places what follows a reduction element by element, but is read in another order: it is
        written by the kernel of the reduction, unless that is taken in as well."""
        if any(draft.windows or meet.is_in_order(draft, value) for draft in users):
            return False
        total = price.below(self.cut, value).total
        if total is None:
            return False
        windows = sums.in_windows(users[0], value, total, self.target) if not users[1:] else None
        if windows is None:
            self.cut.write(value, "it follows a reduction, element by element")
        else:
            users[0].reasons.append(windows)
            users[0].windows = total
            self.cut.inline(value)
        return True

    def _too_much(self, value: Node, users: list[Draft]) -> str | None:
        most = self.target.buffers
        for draft in users:
            if draft.operations + len(draft.at[value]) > MAX_OPS:
                return f"the kernel would grow beyond {MAX_OPS} operations"
            if not self._room(draft, value, most):
                return f"a kernel would have more than {most} buffers"
        return None

    def _repeats(self, value: Node, users: list[Draft]) -> bool:
        """Whether computing it in place would be more than computing it once."""
        return len(users) > 1 or users[0].evaluations(value) > value.size


def _asked(value: Node) -> str:
    """Who wants a value in memory."""
    if value.arg == (SPLIT,):
        return "it is half of a long reduction, which is taken in two so that each unit has work"
    return f"{value.origin.label if value.origin else 'someone'} asks for it in memory"


def _dear(draft: Draft, value: Node) -> str | None:
    """What speaks against computing ``value`` inside ``draft``, whatever it costs."""
    if value.op is ops.GATHER and any(map(draft.axes.is_picked, draft.at[value])):
        return "it reads by index, and is read by index"
    cost = work_of(value) * value.size
    evaluations = draft.evaluations(value)
    if draft.repeated + cost * draft.shifts(value) > draft.distinct + cost:
        return "shifted as it is, most of the kernel would compute values again"
    operand = any(map(meet.contracts, draft.reductions)) and evaluations > FEW
    if operand and cost and evaluations >= OPERAND_READS * value.size:
        return f"each element is read {evaluations // value.size} times by a contraction"
    return None


def _compared(users: list[Draft], cost: price.Prices) -> str:
    if cost == price.FAR_OFF:
        return f"it is made of more than {price.FAR} values, too many to compute them again"
    where = f"in {len(users)} kernels" if len(users) > 1 else "where it is read"
    return (
        f"computing it {where} would take {duration(cost.repeated)}, "
        f"writing it {duration(cost.written)}"
    )


def _write_each(cut: Partition) -> Callable[[Node], object]:
    """Without fusion every operation has a kernel."""

    def write(value: Node) -> None:
        reason = "it is an output" if value in cut.outputs else "fusion is off"
        cut.write(value, reason)

    return write
