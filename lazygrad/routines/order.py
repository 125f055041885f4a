"""Sorting."""

from __future__ import annotations

import numpy as np

from lazygrad.errors import ShapeError
from lazygrad.routines.routine import Array, Routine, Shapes, Wanted
from lazygrad.shape import Shape


def _shapes(x: Shape, descending: bool) -> Shapes:
    if not x:
        raise ShapeError("[order] a scalar has no order")
    return (x,)


def _order(wanted: Wanted, x: Array, descending: bool) -> tuple[Array, ...]:
    if not descending:
        return (np.argsort(x, axis=-1, kind="stable"),)
    turned = np.argsort(x[..., ::-1], axis=-1, kind="stable")[..., ::-1]  # equals stay in order
    return (x.shape[-1] - 1 - turned,)


ROWS = (
    Routine(
        "order", _shapes, _order, (0,),
        "where along the last dim the elements in order are, as numbers of this dtype; equals stay"
        " in order, and NaN counts as the largest; option: whether it is descending",
    ),
)  # fmt: skip
