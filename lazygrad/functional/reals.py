"""PyTorch's functions of complex numbers, of real ones: there are no others here."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from lazygrad.aliases import view_of
from lazygrad.bridge import read, wrap
from lazygrad.errors import ShapeError
from lazygrad.lang import comparison, elementwise, operands
from lazygrad.lang.movement import transpose
from lazygrad.public import alias, public

if TYPE_CHECKING:
    from lazygrad.tensor_class import Tensor


@public
def real(input: Tensor) -> Tensor:
    """The tensor itself.

    >>> x = Tensor([1.0])
    >>> x.real is x
    True
    """
    return input


@public
def angle(input: Tensor) -> Tensor:
    """0, pi for negative numbers, and NaN for NaN.

    >>> Tensor([2.0, -2.0]).angle().realize()
    Tensor([0.    , 3.1416])
    """
    own = operands.to_float(read(input))
    turned = elementwise.where(comparison.lt(own, 0), math.pi, operands.zeros_like(own))
    return wrap(elementwise.flat(elementwise.where(comparison.isnan(own), own, turned), own))


@public
def adjoint(input: Tensor) -> Tensor:
    """The last two dims exchanged.

    >>> lazygrad.zeros(5, 2, 3).adjoint().shape
    (5, 3, 2)
    """
    if input.ndim < 2:
        raise ShapeError(f"[adjoint] needs 2 dims, got shape {input.shape}")
    return view_of(input, transpose, -2, -1)


@public
def is_conj(input: Tensor) -> bool:
    """False.

    >>> Tensor([1.0]).is_conj()
    False
    """
    return False


conj = alias(real, "conj")
conj_physical = alias(real, "conj_physical")
resolve_conj = alias(real, "resolve_conj")
resolve_neg = alias(real, "resolve_neg")
is_neg = alias(is_conj, "is_neg")
mT, mH = alias(adjoint, "mT"), alias(adjoint, "mH")
