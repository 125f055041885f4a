"""Products in the graph: sums of several ones taken apart, for a library that multiplies two
matrices at a time; numbers that scale a factor, moved behind the sum."""

from __future__ import annotations

from collections.abc import Sequence
from math import isfinite

from lazygrad import ops
from lazygrad.element_types import accumulator
from lazygrad.graph import Node, const, node
from lazygrad.ops import Kind
from lazygrad.rewrite import Rules
from lazygrad.schedule.simplify import base_of, simplification

MOST_PRODUCTS = 1 << 10  # in one sum: an unrolled loop has one a step
LARGEST_SCALE = 2.0**32  # or its inverse: what is summed first must not overflow, nor vanish

rules = Rules(simplification)


@rules.on(ops.SUM)
def split(current: Node) -> Node | None:
    """A sum for each product: the gradient of a value that three matrices multiply is one sum of
    three products otherwise."""
    products = _products(current.src[0])
    if len(products) < 2:
        return None
    total, *others = (node(ops.SUM, (product,), current.arg) for product in products)
    for other in others:
        total = node(ops.ADD, (total, other))
    return total


def _products(value: Node) -> list[Node]:
    """The matrix products that are added up in ``value``, each seen through the views around it;
    none if it adds up anything else."""
    found: list[Node] = []
    left: list[tuple[Node, tuple[Node, ...]]] = [(value, ())]
    while left:
        current, views = left.pop()
        while current.op.kind is Kind.MOVEMENT:
            views = (*views, current)
            current = current.src[0]
        if current.op is ops.ADD:
            left += [(operand, views) for operand in reversed(current.src)]
        elif is_matrix_product(current) and len(found) < MOST_PRODUCTS:
            found.append(_seen(current, views))
        else:
            return []
    return found


def _seen(value: Node, views: Sequence[Node]) -> Node:
    for view in reversed(views):
        value = node(view.op, (value,), view.arg)
    return value


def is_matrix_product(value: Node) -> bool:
    """Both factors are repeated along dims of the other one."""
    if value.op is not ops.MUL or not value.dtype.is_floating_point:
        return False
    return all(base_of(factor).size < factor.size for factor in value.src)


# -- factors times a number -----------------------------------------------------------------------


def scale_behind(current: Node) -> Node | None:
    """SUM((x * number) * y) is SUM(x * y) * number: a result is scaled as it is written, where the
    scaled factor, which is read again and again, would be written before. The scale of an
    attention."""
    product = base_of(current.src[0])
    if not is_matrix_product(product):
        return None
    for position, factor in enumerate(product.src):
        scaled, views = _below(factor)
        if not _is_scaled(scaled):
            continue
        factors = list(product.src)
        factors[position] = _seen(scaled.src[0], views)
        bare = _from(product, node(ops.MUL, tuple(factors)))
        summed = _seen(bare, _below(current.src[0])[1])
        total = _from(current, node(ops.SUM, (summed,), current.arg))
        number = const(scaled.src[1].arg.value, total.dtype, total.shape, total.device)
        return node(scaled.op, (total, number))
    return None


def _from(before: Node, made: Node) -> Node:
    """``made``, which stands for the user's operation that ``before`` came from."""
    if made.origin is None:
        made.origin = before.origin
    return made


def _below(value: Node) -> tuple[Node, tuple[Node, ...]]:
    """What ``value`` is a view of, maybe in a wider dtype, and the views, outer ones first."""
    views: tuple[Node, ...] = ()
    while value.op.kind is Kind.MOVEMENT or _widens(value):
        views = (*views, value)
        value = value.src[0]
    return value, views


def _widens(value: Node) -> bool:
    """A half, carried in float32: nothing is rounded before it is summed."""
    return value.op is ops.CAST and value.dtype is accumulator(value.src[0].dtype)


def _is_scaled(value: Node) -> bool:
    """A number times what is in memory, or what will be; what is computed for it alone is written
    in any case, with its scale."""
    if value.op not in (ops.MUL, ops.DIV) or value.src[1].op is not ops.CONST:
        return False
    number = value.src[1].arg.value
    fits = isfinite(number) and 1 / LARGEST_SCALE <= abs(number) <= LARGEST_SCALE
    return fits and value.src[0].op.kind is not Kind.ELEMENTWISE
