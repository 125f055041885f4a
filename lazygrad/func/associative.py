"""Scans by an operation that is associative: in steps that double, instead of one by one."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from lazygrad import pytree
from lazygrad.bridge import wrap
from lazygrad.errors import ArgumentError, ShapeError
from lazygrad.func.steps import Leaves, leaves_of
from lazygrad.graph import Node
from lazygrad.lang.join import cat, stack
from lazygrad.lang.movement import flip, movedim, narrow, reshape
from lazygrad.public import public
from lazygrad.shape import normalize_axis

Combine = Callable[[list[Node], list[Node]], list[Node]]


@public
def associative_scan(
    fn: Callable[[Any, Any], Any], elems: Any, reverse: bool = False, axis: int = 0
) -> Any:
    """What an associative operation makes of all elements up to each, as jax.lax.associative_scan:
    in about 2 log2(n) steps over many elements at once (Blelloch, 1990), where ``scan`` takes n.

    Args:
        fn: ``fn(left, right)``, associative, of containers like ``elems`` with any number of
            elements along ``axis``; it must treat each by itself.
        elems: a tensor, or a container of tensors, with as many elements along ``axis``.
        reverse: from the last element to the first.
        axis: the dim that counts the elements.

    Returns:
        Tensors of the same shapes, in the same container.

    Raises:
        ArgumentError: for what is no tensor; if ``fn`` returns another container.
        AxisError: for an ``axis`` that is not there.
        ShapeError: if tensors differ in their number of elements, or ``fn`` changes a shape.

    >>> from lazygrad import Tensor
    >>> from lazygrad.func import associative_scan
    >>> associative_scan(lambda a, b: a * b, Tensor([1, 2, 3, 4])).tolist()
    [1, 2, 6, 24]
    """
    given = leaves_of("associative_scan", "elems", elems)
    axes = [normalize_axis("associative_scan", axis, x.ndim) for x in given.tensors]
    nodes = [movedim(x, a, 0) for x, a in zip(given.tensors, axes, strict=True)]
    if len({x.shape[0] for x in nodes}) > 1:
        shapes = ", ".join(str(x.shape) for x in given.tensors)
        raise ShapeError(
            f"[associative_scan] elems of shapes {shapes} differ in their length along dim {axis}"
        )

    def combine(left: list[Node], right: list[Node]) -> list[Node]:
        first, second = (right, left) if reverse else (left, right)
        return _combined(fn, given, axes, first, second)

    if reverse:
        nodes = [flip(x, 0) for x in nodes]
    found = _scanned(combine, nodes) if nodes else []
    if reverse:
        found = [flip(x, 0) for x in found]
    pairs = zip(found, axes, strict=True)
    return given.put(wrap(movedim(x, 0, a), "associative_scan") for x, a in pairs)


def _combined(
    fn: Callable[[Any, Any], Any],
    given: Leaves,
    axes: Sequence[int],
    left: Sequence[Node],
    right: Sequence[Node],
) -> list[Node]:
    """``fn`` on elements that lie along dim 0."""
    sides = [
        given.put(wrap(movedim(x, 0, a)) for x, a in zip(side, axes, strict=True))
        for side in (left, right)
    ]
    made = leaves_of("associative_scan", "what fn returns", fn(*sides))
    if made.spec != given.spec:
        raise ArgumentError(
            f"[associative_scan] fn returns {pytree.text(made.spec)}, and elems are "
            f"{pytree.text(given.spec)}; return the same container"
        )
    found = [movedim(x, a, 0) for x, a in zip(made.tensors, axes, strict=True)]
    for before, after in zip(left, found, strict=True):
        if before.shape != after.shape or before.dtype is not after.dtype:
            raise ShapeError(
                f"[associative_scan] fn makes {after.dtype.name} {after.shape} of "
                f"{before.dtype.name} {before.shape}; it must keep shapes and dtypes"
            )
    return found


def _scanned(combine: Combine, elems: list[Node]) -> list[Node]:
    """Pairs are combined and scanned, which gives every second result; each of the others is the
    one before it, combined with its own element."""
    count = elems[0].shape[0]
    if count < 2:
        return elems
    pairs = count // 2
    odd = _scanned(combine, combine(_every(elems, 0, pairs), _every(elems, 1, pairs)))
    first = [narrow(x, 0, 0, 1) for x in elems]
    rest = (count - 1) // 2
    if not rest:
        even = first
    else:
        before = [narrow(x, 0, 0, rest) for x in odd]
        made = combine(before, _every(elems, 2, rest))
        even = [cat([x, y], 0) for x, y in zip(first, made, strict=True)]
    return [_in_turn(x, y) for x, y in zip(even, odd, strict=True)]


def _every(elems: Sequence[Node], start: int, count: int) -> list[Node]:
    """``count`` elements, each the second after the one before."""
    found = []
    for x in elems:
        part = narrow(x, 0, start, min(2 * count, x.shape[0] - start))
        if part.shape[0] < 2 * count:  # the last one has none after it
            part = cat([part, narrow(x, 0, 0, 1)], 0)
        halves = reshape(part, (count, 2, *x.shape[1:]))
        found.append(reshape(narrow(halves, 1, 0, 1), (count, *x.shape[1:])))
    return found


def _in_turn(even: Node, odd: Node) -> Node:
    count = odd.shape[0]
    pairs = stack([narrow(even, 0, 0, count), odd], 1)
    joined = reshape(pairs, (2 * count, *odd.shape[1:]))
    return joined if even.shape[0] == count else cat([joined, narrow(even, 0, count, 1)], 0)
