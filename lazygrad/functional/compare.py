"""Comparisons, and what is true or false."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from lazygrad.bridge import operand, read, required, wrap
from lazygrad.errors import ArgumentError
from lazygrad.functional import selecting
from lazygrad.functional.arguments import Operand
from lazygrad.functional.maps import binary, unary
from lazygrad.lang import comparison, elementwise
from lazygrad.public import alias, public

if TYPE_CHECKING:
    from lazygrad.tensor_class import Tensor


isnan = unary(comparison.isnan, 'Tensor([1.0, float("nan")]).isnan().tolist()', "[False, True]")
isinf = unary(comparison.isinf, 'Tensor([1.0, float("-inf")]).isinf().tolist()', "[False, True]")
isfinite = unary(
    comparison.isfinite,
    'Tensor([1.0, float("inf"), float("nan")]).isfinite().tolist()',
    "[True, False, False]",
)
logical_not = unary(
    comparison.logical_not, "Tensor([0, 3]).logical_not().tolist()", "[True, False]"
)


lt = binary(comparison.lt, "Tensor([1, 2, 3]).lt(2).tolist()", "[True, False, False]")
le = binary(comparison.le, "Tensor([1, 2, 3]).le(2).tolist()", "[True, True, False]")
gt = binary(
    comparison.gt, "Tensor([[1], [2]]).gt(Tensor([0, 1])).tolist()", "[[True, False], [True, True]]"
)
ge = binary(comparison.ge, "Tensor([1, 2, 3]).ge(2).tolist()", "[False, True, True]")
eq = binary(
    comparison.eq,
    'Tensor([1.0, float("nan")]).eq(Tensor([1.0, float("nan")])).tolist()',
    "[True, False]",
)
ne = binary(comparison.ne, "Tensor([1, 2, 3]).ne(2).tolist()", "[True, False, True]")
logical_and = binary(
    comparison.logical_and,
    "Tensor([0, 1, 2]).logical_and(Tensor([True, False, True])).tolist()",
    "[False, False, True]",
)
logical_or = binary(
    comparison.logical_or,
    "Tensor([0, 1, 0]).logical_or(Tensor([True, False, False])).tolist()",
    "[True, True, False]",
)
logical_xor = binary(
    comparison.logical_xor,
    "Tensor([0, 1, 2]).logical_xor(Tensor([True, False, True])).tolist()",
    "[True, True, False]",
)


isposinf = unary(
    comparison.isposinf,
    'Tensor([float("inf"), float("-inf")]).isposinf().tolist()',
    "[True, False]",
)
isneginf = unary(
    comparison.isneginf,
    'Tensor([float("inf"), float("-inf")]).isneginf().tolist()',
    "[False, True]",
)
isreal = unary(comparison.isreal, 'Tensor([1.0, float("nan")]).isreal().tolist()', "[True, True]")


@public
def where(condition: Tensor, input: Operand | None = None, other: Operand | None = None) -> Any:
    """``input`` where ``condition`` (bool) holds, else ``other``: tensors or numbers. With the
    condition alone ``nonzero(condition, as_tuple=True)``.

    Raises:
        ArgumentError: for one of the two alone.

    >>> x = Tensor([-1.0, 2.0])
    >>> lazygrad.where(x > 0, x, 0.0).tolist()
    [0.0, 2.0]
    """
    if input is None and other is None:
        return selecting.nonzero(condition, as_tuple=True)
    if input is None or other is None:
        raise ArgumentError("[where] takes both input and other, or neither")
    left, right = operand(input, condition), operand(other, condition)
    return wrap(elementwise.where(read(condition), left, right))


def _where_self(input: Tensor, condition: Tensor, other: Operand) -> Tensor:
    """``input`` where ``condition`` holds, else ``other``.

    >>> x = Tensor([-1.0, 2.0])
    >>> x.where(x > 0, 0.0).tolist()
    [0.0, 2.0]
    """
    found: Tensor = where(condition, input, other)
    return found


where_self = public(_where_self, "where")


@public
def contains(input: Tensor, value: Any) -> bool:
    """Whether an element equals ``value``.

    >>> 2.0 in Tensor([1.0, 2.0])
    True
    """
    return bool(eq(input, value).any())


@public
def isclose(
    input: Tensor, other: Operand, rtol: float = 1e-5, atol: float = 1e-8, equal_nan: bool = False
) -> Tensor:
    """Whether each pair differs by at most ``atol + rtol * |other|``.

    >>> Tensor([1.0, 1.0]).isclose(Tensor([1.0 + 1e-6, 1.1])).tolist()
    [True, False]
    """
    operand = required("isclose", other, input)
    return wrap(comparison.isclose(read(input), operand, rtol, atol, equal_nan))


@public
def allclose(
    input: Tensor, other: Operand, rtol: float = 1e-5, atol: float = 1e-8, equal_nan: bool = False
) -> bool:
    """Whether all pairs are close.

    >>> Tensor([1.0, float("nan")]).allclose(Tensor([1.0, float("nan")]), equal_nan=True)
    True
    """
    return bool(isclose(input, other, rtol, atol, equal_nan).all())


@public
def equal(input: Tensor, other: Tensor) -> bool:
    """Whether shape and all values are the same.

    >>> Tensor([1, 2]).equal(Tensor([[1, 2]]))
    False
    """
    return input.shape == other.shape and bool(eq(input, other).all())


less = alias(lt, "less")
less_equal = alias(le, "less_equal")
greater = alias(gt, "greater")
greater_equal = alias(ge, "greater_equal")
not_equal = alias(ne, "not_equal")
