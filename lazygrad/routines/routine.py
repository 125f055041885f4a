"""Routines: what is no loop nest, by name. The op CALL computes one of a routine's results."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np

from lazygrad.errors import LinAlgError, ShapeError
from lazygrad.shape import Shape

Array = np.ndarray[Any, Any]
Shapes = tuple[Shape, ...]
Wanted = frozenset[int]

EYE = "eye"


class Routine(NamedTuple):
    """One row of the table: a function of stacks of matrices, all of one float dtype.

    Attributes:
        name: of the routine, and of the function that users call.
        shapes: the shapes of its results, from those of its operands and its options.
        compute: its results in NumPy, from the numbers of those that are wanted, the operands and
            the options; of others anything. Leading dims of the operands are equal. What has no
            result raises LinAlgError.
        nothing: each result where an operand has no elements: a number everywhere, or EYE.
        doc: what it computes.
    """

    name: str
    shapes: Callable[..., Shapes]
    compute: Callable[..., tuple[Array, ...]]
    nothing: tuple[int | str, ...]
    doc: str


def square(name: str, shape: Shape) -> int:
    """The size of square matrices.

    Raises:
        ShapeError: they are none.
    """
    if len(shape) < 2 or shape[-1] != shape[-2]:
        raise ShapeError(f"[{name}] needs square matrices in the last two dims, got shape {shape}")
    return shape[-1]


def matrices(name: str, shape: Shape) -> tuple[int, int]:
    """Rows and columns.

    Raises:
        ShapeError: there are no two dims.
    """
    if len(shape) < 2:
        raise ShapeError(f"[{name}] needs matrices, at least 2 dims, got shape {shape}")
    return shape[-2], shape[-1]


def tried(function: Callable[..., Any], problem: str, *stacks: Array) -> Any:
    """``function(*stacks)``; where NumPy finds no result, an error that says of which matrix."""
    try:
        return function(*stacks)
    except np.linalg.LinAlgError:
        raise LinAlgError(f"{_first(function, stacks)} {problem}") from None


def require_finite(x: Array) -> None:
    """Iterations on anything else end in nothing, or nowhere.

    Raises:
        LinAlgError: a matrix holds NaN or infinity.
    """
    if np.isfinite(x).all():
        return
    place = tuple(map(int, np.argwhere(~np.isfinite(x).all((-2, -1)))[0]))
    raise LinAlgError(f"{_named(x, place)} holds NaN or infinity")


def _first(function: Callable[..., Any], stacks: tuple[Array, ...]) -> str:
    """The first matrix that it fails for, in words."""
    for place in np.ndindex(*stacks[0].shape[:-2]):
        try:
            function(*(stack[place] for stack in stacks))
        except np.linalg.LinAlgError:
            return _named(stacks[0], place)
    return f"one of the matrices of shape {stacks[0].shape}"


def _named(stack: Array, place: tuple[int, ...]) -> str:
    rows, columns = stack.shape[-2:]
    which = f" {place if len(place) > 1 else place[0]}" if place else ""
    return f"the {rows} x {columns} matrix{which}"


def transposed(x: Array) -> Array:
    return np.swapaxes(x, -1, -2)
