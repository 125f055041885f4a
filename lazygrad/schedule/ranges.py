"""Ranges of a lowered kernel: split where a reshape cuts through one, so that indices become
affine; then named in order."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from functools import cache

from lazygrad.kernel import expr as ex
from lazygrad.kernel.expr import Expr
from lazygrad.kernel.index import Index, Quotient, Range, Remainder, of as index_of
from lazygrad.kernel.kernel import Output

MAX_ROUNDS = 8  # each round splits every range once; deeper nests of reshapes are not seen


def make_affine(outputs: Sequence[Output]) -> tuple[Output, ...]:
    """Splits ranges until no ``r // d`` or ``r % d`` of a single range is left."""
    current = tuple(outputs)
    for _ in range(MAX_ROUNDS):
        cuts = _cuts(current)
        if not cuts:
            break
        current = _split(current, cuts)
    return current


def _cuts(outputs: Sequence[Output]) -> dict[Range, int]:
    """For each range that something divides, the divisor to split it at: the smallest, which
    the others are multiples of, if they are."""
    divisors: dict[Range, set[int]] = {}
    for index in _all_indices(outputs):
        for atom in _divided(index):
            r = atom.index.only_atom
            if isinstance(r, Range) and r.size % atom.divisor == 0:
                divisors.setdefault(r, set()).add(atom.divisor)
    return {r: min(found) for r, found in divisors.items()}


def _all_indices(outputs: Sequence[Output]) -> Iterable[Index]:
    for output in outputs:
        yield output.index
    for value in ex.toposort(output.value for output in outputs):
        yield from ex.indices(value)


def _divided(index: Index) -> Iterable[Quotient | Remainder]:
    for atom, _ in index.terms:
        if isinstance(atom, Quotient | Remainder):
            yield atom
            yield from _divided(atom.index)


def _split(outputs: Sequence[Output], cuts: Mapping[Range, int]) -> tuple[Output, ...]:
    parts = {
        r: (Range(r.name + "h", r.size // divisor), Range(r.name + "l", divisor))
        for r, divisor in cuts.items()
    }
    mapping = {r: index_of(high) * low.size + index_of(low) for r, (high, low) in parts.items()}
    return replace_ranges(outputs, mapping, parts)


def replace_ranges(
    outputs: Sequence[Output],
    mapping: Mapping[Range, Index],
    parts: Mapping[Range, tuple[Range, ...]],
) -> tuple[Output, ...]:
    """Ranges replaced everywhere, reductions and output loops included."""

    move = cache(lambda index: index.substitute(mapping))

    def expand(ranges: Sequence[Range]) -> tuple[Range, ...]:
        return tuple(part for r in ranges for part in parts.get(r, (r,)))

    def visit(value: Expr, src: tuple[Expr, ...]) -> Expr:
        if value.op in ex.BINDING:
            bound = expand(value.arg.ranges)
            return ex.rebind(value, src, bound, move)
        if value.op is ex.LOAD:
            slot, index, guard = value.arg
            return ex.load(slot, move(index), value.dtype, ex.substitute_guard(guard, mapping))
        if value.op is ex.INDEX:
            return ex.index_value(move(value.arg), value.dtype)
        if value.op is ex.GUARD:
            return ex.guarded(src[0], ex.substitute_guard(value.arg, mapping))
        return value if src == value.src else ex.rebuild(value, src, value.arg)

    values = ex.transform((output.value for output in outputs), visit)
    return tuple(
        replace(
            output,
            index=move(output.index),
            value=value,
            ranges=expand(output.ranges),
        )
        for output, value in zip(outputs, values, strict=True)
    )


def drop_single(outputs: Sequence[Output]) -> tuple[Output, ...]:
    """Ranges of size 1 are the constant 0."""
    single = {r for output in outputs for r in output.ranges if r.size == 1}
    for value in ex.toposort(output.value for output in outputs):
        if value.op in ex.BINDING:
            single.update(r for r in value.arg.ranges if r.size == 1)
    if not single:
        return tuple(outputs)
    return replace_ranges(outputs, {r: Index() for r in single}, dict.fromkeys(single, ()))


def rename(outputs: Sequence[Output], shared: Sequence[Range]) -> tuple[Output, ...]:
    """Outer ranges i0 i1 ..., further output ranges j0 ..., reduced ranges k0 k1 ...: equal
    kernels get equal names, so they are compiled once."""
    names: dict[Range, Range] = {}

    def name(prefix: str, r: Range) -> None:
        if r not in names:
            count = sum(1 for new in names.values() if new.name[0] == prefix)
            names[r] = Range(f"{prefix}{count}", r.size)

    for r in shared:
        name("i", r)
    for output in outputs:
        for r in output.ranges:
            name("j", r)
    for value in ex.toposort(output.value for output in outputs):
        if value.op in ex.BINDING:
            for r in value.arg.ranges:
                name("k", r)
    mapping = {old: index_of(new) for old, new in names.items()}
    return replace_ranges(outputs, mapping, {old: (new,) for old, new in names.items()})
