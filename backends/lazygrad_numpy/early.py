"""Outputs whose memory holds a value of the block before the last one.

Memory that is written for the first time has to come into the cache, and NumPy's operations on it
wait for that: a division that writes there takes twice as long. A slow function does not, because
the memory comes while it computes. So the last slow function writes to the output, and what
follows works in its place.
"""

from __future__ import annotations

from lazygrad.plugin import Expr, expr as ex, forms, ops
from lazygrad_numpy.code import Array, Scope
from lazygrad_numpy.elementwise import UFUNCS
from lazygrad_numpy.indexing import TAKE
from lazygrad_numpy.lower import Lowering, compute_dtype

SLOW = frozenset((*ops.COSTLY, forms.TANH))
IN_PLACE = frozenset((*UFUNCS, ops.DIV, ops.WHERE)) - SLOW  # may write to what they read


def begin(lo: Lowering, root: Expr, target: Array, scope: Scope) -> None:
    """Computes the last slow function of ``root``, if it has one, in the memory of its output
    ``target``. Not where some of that would be read too late: ``root`` overwrites it, and it may be
    the memory of an input that is read at the same place."""
    if root.op not in IN_PLACE or lo.products or lo.channelwise:
        return
    inside = ex.toposort([root])
    slow = [e for e in inside if e.op in SLOW and _fits(lo, e, target, scope)]
    if slow and _is_early(lo, slow[-1], frozenset(inside), target):
        for operand in slow[-1].operands:
            lo.need(operand, scope)
        scope.values[slow[-1]] = lo.compute(slow[-1], scope, target)


def _fits(lo: Lowering, e: Expr, target: Array, scope: Scope) -> bool:
    """Whether ``e`` is computed in ``scope``, in the form of ``target``."""
    return (
        e.ranges == target.ranges
        and compute_dtype(e.dtype) == target.dtype
        and lo.home(e, scope) is scope
        and lo.available(e, scope) is None
    )


def _is_early(lo: Lowering, e: Expr, inside: frozenset[Expr], target: Array) -> bool:
    """Whether nothing but ``inside`` reads ``e``, and what may be the memory of ``target`` is read
    for it or before."""
    kernel, before = lo.kernel, frozenset(ex.toposort([e]))
    assert isinstance(target.home, int)
    nbytes = kernel.buffers[target.home].nbytes
    if e in kernel.values:
        return False
    for reader in ex.toposort(kernel.values):
        if e in reader.operands and reader not in inside:
            return False
        if reader not in before and any(
            kernel.buffers[slot].nbytes == nbytes for slot in _slots(reader)
        ):
            return False
    return True


def _slots(reader: Expr) -> list[int]:
    """The buffers that are read when ``reader`` is computed."""
    found = [e.arg.slot for e in (reader, *reader.operands) if e.op is ex.LOAD]
    return [*found, reader.arg] if reader.op is TAKE else found
