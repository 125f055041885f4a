# ruff: noqa: E501 (tables: one line a case)
"""Routines: steps of a plan between kernels, whole values in and out."""

from __future__ import annotations

from typing import Any

import numpy as np

from lazygrad import linalg
from lazygrad.tensor_class import Tensor
from lazygrad.testing.conformance import Case, floats

Array = np.ndarray[Any, Any]
WIDE = ("float32", "float64")
AMPLIFIED = 100.0  # by matrices whose inverses are large


def _regular(x: Any) -> Any:
    """Matrices of 3 x 3 that are far from singular ones."""
    return x + np.float32(5) * np.eye(3, dtype=np.float32)


def _solved(a: Tensor, b: Tensor) -> tuple[Tensor, ...]:
    """Kernels before, between and after two routines; a view of a result is an operand."""
    x = linalg.solve(_regular(a).transpose(-1, -2), b * 2 + 1)
    return x.sum(), linalg.inv(_regular(x[:, :, :3].transpose(-1, -2)) * 0.5)


def _solved_right(a: Array, b: Array) -> tuple[Array, ...]:
    x = np.linalg.solve(_regular(a).swapaxes(-1, -2), b * 2 + 1)
    return x.sum(), np.linalg.inv(_regular(x[:, :, :3].swapaxes(-1, -2)) * 0.5)


def _factors(x: Tensor) -> tuple[Tensor, ...]:
    """Two results of one routine, read together and alone."""
    q, r = linalg.qr(x)
    return q @ r, q.abs(), r.abs() + 1


def _factors_right(x: Array) -> tuple[Array, ...]:
    q, r = np.linalg.qr(x)
    return x, np.abs(q), np.abs(r) + 1


CASES = [
    Case("linalg_solve", _solved, _solved_right, (floats(2, 3, 3, low=-0.5, high=0.5), floats(2, 3, 4)), WIDE, gradient=True, scale=AMPLIFIED),
    Case("linalg_qr", _factors, _factors_right, (floats(2, 4, 3),), WIDE, gradient=True, scale=AMPLIFIED),
    Case("linalg_det", lambda x: linalg.det(x), np.linalg.det, (floats(5, 3, 3),), WIDE, gradient=True, scale=10.0),
    Case("linalg_svdvals", lambda x: linalg.svdvals(x), lambda x: np.linalg.svd(x, compute_uv=False), (floats(2, 4, 3),), WIDE, gradient=True, scale=10.0),
]  # fmt: skip
