"""NumPy's functions of Tensors: ``np.sqrt(tensor)`` and ``array + tensor`` are the Tensor's."""

from __future__ import annotations

import operator
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from lazygrad.errors import ArgumentError

# Operators, which also take what is no Tensor on their left.
INFIX: Mapping[str, Callable[..., Any]] = {
    "add": operator.add, "subtract": operator.sub, "multiply": operator.mul,
    "divide": operator.truediv, "floor_divide": operator.floordiv, "remainder": operator.mod,
    "power": operator.pow, "matmul": operator.matmul, "bitwise_and": operator.and_,
    "bitwise_or": operator.or_, "bitwise_xor": operator.xor, "less": operator.lt,
    "less_equal": operator.le, "greater": operator.gt, "greater_equal": operator.ge,
    "equal": operator.eq, "not_equal": operator.ne,
}  # fmt: skip
# Methods of another name.
RENAMED = {
    "invert": "bitwise_not", "fabs": "abs", "rint": "round", "degrees": "rad2deg",
    "radians": "deg2rad", "left_shift": "bitwise_left_shift", "right_shift": "bitwise_right_shift",
}  # fmt: skip


def array_ufunc(self: Any, ufunc: np.ufunc, method: str, *inputs: Any, **options: Any) -> Any:
    """NumPy's protocol for its functions of elements, where a Tensor is among the operands.

    Raises:
        ArgumentError: for what Tensor has no function for, and for arrays to be written to.
    """
    name = ufunc.__name__
    function = INFIX.get(name) or getattr(type(self), RENAMED.get(name, name), None)
    if function is None or method != "__call__" or any(v is not None for v in options.values()):
        asked = "" if method == "__call__" else f".{method}"
        raise ArgumentError(
            f"[{name}] np.{name}{asked} does not take a Tensor with {sorted(options) or 'this use'}"
            "; give it tensor.numpy()"
        )
    return function(*(_operand(x, self) for x in inputs))


def _operand(given: Any, like: Any) -> Any:
    """NumPy's scalars as numbers, its arrays as Tensors: else its operators would come back."""
    if isinstance(given, np.generic):
        return given.item()
    if isinstance(given, np.ndarray):
        return type(like).from_numpy(given, like.device)
    return given
