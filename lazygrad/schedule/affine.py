"""Ranges of a lowered kernel: split where a reshape cuts through one, so that indices become
affine; then named in order."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from lazygrad.kernel import expr as ex
from lazygrad.kernel.index import Index, Quotient, Range, Remainder, of as index_of
from lazygrad.kernel.kernel import Output
from lazygrad.kernel.ranges import substitute_in

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
    return substitute_in(outputs, mapping, parts)


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
    return substitute_in(outputs, mapping, {old: (new,) for old, new in names.items()})
