"""Indices that are not a strided walk, rewritten as integer arithmetic on arrays and TAKEs.

Slow but right: the scheduler leaves such indices only where data decides them, or where no split
of ranges makes them affine.
"""

from __future__ import annotations

from collections.abc import Callable
from math import prod

from lazygrad.plugin import (
    DType,
    Expr,
    Index,
    Kernel,
    Range,
    dtype as dt,
    expr as ex,
    index as ix,
    ops,
)
from lazygrad_numpy.access import classify

FLOOR_DIVIDE = ex.KernelOp("FLOOR_DIVIDE", "quotient rounded down")
REMAINDER = ex.KernelOp("REMAINDER", "remainder with the sign of the divisor")
TAKE = ex.KernelOp("TAKE", "arg: slot; the buffer's element at src[0], clipped to its size")
TAKE_ROWS = ex.KernelOp("TAKE_ROWS", "arg: row count; row src[0] of where src[1] is row 0, clipped")

MOST_VALUES = 64  # of a quotient or remainder, tried one by one
Rewrite = Callable[[Expr], Expr]


def with_takes(kernel: Kernel) -> Kernel:
    """``kernel`` in which each LOAD is strided or padded, each INDEX affine, and no GUARD left."""

    def rewrite(inside: Expr) -> Expr:
        return ex.transform([inside], visit)[0]

    def visit(value: Expr, src: tuple[Expr, ...]) -> Expr:
        if value.op is ex.LOAD:
            return _load(value, kernel, rewrite)
        if value.op is ex.INDEX and not value.arg.is_affine:
            return _cast(_arithmetic(value.arg, rewrite), value.dtype)
        if value.op is ex.GUARD:
            return _where(_mask(value.arg, rewrite), src[0])
        return ex.rebuild(value, src, value.arg)

    return kernel.transformed(visit)


def _load(load: Expr, kernel: Kernel, rewrite: Rewrite) -> Expr:
    slot, index, guard = load.arg
    size = kernel.buffers[slot].size
    if classify(load, size) is not None:
        return load
    taken = _rows(load, size, rewrite)
    if taken is None:
        taken = ex.extension(TAKE, (_arithmetic(index, rewrite),), slot, load.dtype)
    return _where(_mask(guard, rewrite), taken) if guard else taken


def with_fixed_atoms(kernel: Kernel) -> Kernel:
    """Loads in which what the guard holds to one value, as ``i % 2 == 0``, is that value."""

    def visit(value: Expr, src: tuple[Expr, ...]) -> Expr:
        return _fixed(value) if value.op is ex.LOAD else ex.rebuild(value, src, value.arg)

    return kernel.transformed(visit)


def _fixed(load: Expr) -> Expr:
    slot, index, guard = load.arg
    for bound in guard:
        if len(bound.index.terms) != 1 or not isinstance(
            bound.index.terms[0][0], ix.Quotient | ix.Remainder
        ):
            continue
        atom, coefficient = bound.index.terms[0]
        low, high = atom.interval
        values = [v for v in range(low, min(high, low + MOST_VALUES) + 1)
                  if bound.low <= v * coefficient + bound.index.const < bound.high]  # fmt: skip
        if len(values) != 1 or high - low >= MOST_VALUES:
            continue
        index = _with_value(index, atom, values[0])
        guard = tuple(
            b if b == bound else ex.Bound(_with_value(b.index, atom, values[0]), b.low, b.high)
            for b in guard
        )
    return ex.load(slot, index, load.dtype, ex.simplify_guard(guard))


def _with_value(index: Index, atom: ix.Atom, value: int) -> Index:
    coefficient = index.coefficient(atom)
    if not coefficient:
        return index
    rest = [(a, c) for a, c in index.terms if a != atom]
    return Index(rest, index.const + coefficient * value)


def _rows(load: Expr, size: int, rewrite: Rewrite) -> Expr | None:
    """A gather of whole rows, as from an embedding table."""
    slot, index, _ = load.arg
    atoms = [(atom, c) for atom, c in index.terms if isinstance(atom, ix.DataAtom)]
    walk = [(r, c) for r, c in index.terms if isinstance(r, Range)]
    if len(atoms) != 1 or not walk or len(index.terms) != 1 + len(walk) or index.const:
        return None
    atom, row = atoms[0]
    step = 1
    for r, c in reversed(walk):  # terms come with larger strides first
        if c != step or r in atom.ranges:
            return None
        step *= r.size
    if step != row or size % row:
        return None
    first_row = ex.load(slot, Index(walk), load.dtype)
    number = _cast(rewrite(atom.value), dt.int64)
    return ex.extension(TAKE_ROWS, (number, first_row), size // row, load.dtype)


def taken_whole(kernel: Kernel) -> frozenset[Range]:
    """The ranges of rows that are gathered: a block of a row cannot be taken alone."""
    rows = (e.src[1] for e in ex.toposort(kernel.values) if e.op is TAKE_ROWS)
    return frozenset(r for row in rows for r in row.ranges)


def _arithmetic(index: Index, rewrite: Rewrite) -> Expr:
    """``index`` as an int64 value, small parts added first."""
    affine = Index([(a, c) for a, c in index.terms if isinstance(a, Range)], index.const)
    parts = [ex.index_value(affine, dt.int64)] if affine.terms or affine.const else []
    for atom, coefficient in index.terms:
        if isinstance(atom, Range):
            continue
        part = _atom(atom, rewrite)
        if coefficient != 1:
            part = ex.elementwise(ops.MUL, (part, _number(coefficient)), dt.int64)
        parts.append(part)
    parts.sort(key=lambda e: prod(r.size for r in e.ranges))
    total = parts[0] if parts else _number(0)
    for part in parts[1:]:
        total = ex.elementwise(ops.ADD, (total, part), dt.int64)
    return total


def _atom(atom: ix.Atom, rewrite: Rewrite) -> Expr:
    if isinstance(atom, ix.DataAtom):
        return _cast(rewrite(atom.value), dt.int64)
    assert isinstance(atom, ix.Quotient | ix.Remainder)
    op = FLOOR_DIVIDE if isinstance(atom, ix.Quotient) else REMAINDER
    inside = _arithmetic(atom.index, rewrite)
    return ex.extension(op, (inside, _number(atom.divisor)), None, dt.int64)


def _mask(guard: ex.Guard, rewrite: Rewrite) -> Expr:
    """A bool: inside every bound."""
    inside: Expr | None = None
    for bound in guard:
        position = _arithmetic(bound.index, rewrite)
        low, high = bound.index.interval
        tests = []
        if low < bound.low:
            below = ex.elementwise(ops.LT, (position, _number(bound.low)), dt.bool_)
            tests.append(ex.elementwise(ops.NE, (below, ex.literal(True, dt.bool_)), dt.bool_))
        if high >= bound.high:
            tests.append(ex.elementwise(ops.LT, (position, _number(bound.high)), dt.bool_))
        for test in tests:
            both = (inside, test) if inside is not None else None
            inside = ex.elementwise(ops.AND, both, dt.bool_) if both else test
    return inside if inside is not None else ex.literal(True, dt.bool_)


def _where(mask: Expr, value: Expr) -> Expr:
    return ex.elementwise(ops.WHERE, (mask, value, ex.zero(value.dtype)), value.dtype)


def _cast(value: Expr, dtype: DType) -> Expr:
    return value if value.dtype is dtype else ex.elementwise(ops.CAST, (value,), dtype)


def _number(value: int) -> Expr:
    return ex.literal(value, dt.int64)
