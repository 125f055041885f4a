"""Products of arrays, which stand in ``linalg`` as well."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from lazygrad.array_api.arguments import of_two, together
from lazygrad.errors import ShapeError
from lazygrad.functional import linalg, spectra
from lazygrad.functional.reals import mT as matrix_transpose

if TYPE_CHECKING:
    from lazygrad.tensor_class import Tensor

__all__ = ["matmul", "matrix_transpose", "tensordot", "vecdot"]

matmul = of_two(linalg.matmul, "matmul")


def tensordot(
    x1: Tensor, x2: Tensor, /, *, axes: int | tuple[Sequence[int], Sequence[int]] = 2
) -> Tensor:
    """The sum over pairs of axes of the product of all other ones: so many, the last of ``x1``
    with the first of ``x2``, or those of ``x1`` and of ``x2``."""
    left, right = together("tensordot", x1, x2)
    return linalg.tensordot(left, right, axes)


def vecdot(x1: Tensor, x2: Tensor, /, *, axis: int = -1) -> Tensor:
    """The sum of ``x1 * x2`` over ``axis``, of one size in both; the other dims broadcast.

    Raises:
        ShapeError: for other sizes of ``axis``.
    """
    left, right = together("vecdot", x1, x2)
    if left.size(axis) != right.size(axis):
        raise ShapeError(f"[vecdot] axis {axis} of shapes {x1.shape} and {x2.shape} differs")
    return spectra.vecdot(left, right, dim=axis).to(left.dtype)
