"""What a kernel may hold at most: operations, and pieces of memory. What is too much is parted by
writing values in between."""

from __future__ import annotations

from lazygrad import ops
from lazygrad.graph import Node, toposort
from lazygrad.ops import Kind
from lazygrad.schedule.draft import MAX_OPS, Draft, Partition, is_leaf
from lazygrad.schedule.simplify import base_of


def operations(cut: Partition) -> None:
    """Writes a value wherever a chain of operations grows too long for one kernel."""
    count: dict[Node, int] = {}
    for value in cut.order:
        if value.op.kind is not Kind.ELEMENTWISE:
            below = [count[operand] for operand in value.src if operand not in cut.owner]
            count[value] = max(below, default=0)
            continue
        below = [count[operand] for operand in set(value.src) if operand not in cut.owner]
        count[value] = 1 + sum(below)
        if count[value] > MAX_OPS and value not in cut.owner:
            shared = _region_size(cut, value)
            count[value] = shared
            if shared > MAX_OPS:
                cut.add(value, f"the kernel would grow beyond {MAX_OPS} operations")


def _region_size(cut: Partition, value: Node) -> int:
    """Distinct operations needed to compute ``value`` from memory."""
    inside = toposort(
        [value], lambda n: [s for s in n.src if s not in cut.owner and not is_leaf(s)]
    )
    return sum(1 for n in inside if n.op.kind is Kind.ELEMENTWISE)


def buffers(cut: Partition, most: int) -> None:
    """Takes kernels apart until each reads and writes ``most`` pieces of memory or fewer."""
    stored = len(cut.owner) + sum(1 for value in cut.order if value.op is ops.BUFFER)
    if stored <= most:
        return
    while wide := [draft for draft in cut.drafts() if _buffers(cut, draft) > most]:
        for draft in wide:
            if len(draft.roots) > 1:
                for root in draft.roots[1:]:
                    cut.owner[root] = Draft([root], [_reason(most)])
                del draft.roots[1:]
            else:
                _part(cut, draft, most)


def _buffers(cut: Partition, draft: Draft) -> int:
    return len(draft.roots) + len(cut.region(draft)[1])


def _reason(most: int) -> str:
    return f"a kernel would have more than {most} buffers"


def _part(cut: Partition, draft: Draft, most: int) -> None:
    """Writes operands of what would read too much, those first that read most themselves."""
    inside, reads = cut.region(draft)
    below = {value: frozenset([value]) for value in reads}  # the memory that a value is made of
    for value in inside:
        found = frozenset[Node]().union(*(below[operand] for operand in value.src))
        operands = sorted({base_of(s) for s in value.src}, key=lambda base: len(below[base]))
        while len(found) >= most and operands:
            base = operands.pop()
            cut.add(base, _reason(most))
            below |= {view: frozenset([base]) for view in _views(value, base)}
            found = frozenset[Node]().union(*(below[operand] for operand in value.src))
        below[value] = found


def _views(reader: Node, base: Node) -> list[Node]:
    """``base`` and the views of it through which ``reader`` sees it."""
    found = [base]
    for view in reader.src:
        while view is not base and view.op.kind is Kind.MOVEMENT:
            found.append(view)
            view = view.src[0]
    return found
