# ruff: noqa: E501 (tables: one line a case)
"""Tensors made from nothing, on the default device."""

from __future__ import annotations

import numpy as np

from lazygrad.tensor_class import Tensor
from lazygrad.testing.conformance import Case, floats

CASES = [
    Case("zeros", lambda: Tensor.zeros(2, 3) + 1, lambda: np.ones((2, 3))),
    Case("full", lambda: Tensor.full((2, 0, 3), 2.5), lambda: np.full((2, 0, 3), 2.5)),
    Case("full_scalar", lambda: Tensor.full((), -0.0), lambda: np.array(-0.0)),
    Case("arange", lambda: Tensor.arange(7), lambda: np.arange(7)),
    Case("arange_steps", lambda: Tensor.arange(3, -8, -2), lambda: np.arange(3, -8, -2)),
    Case("arange_float", lambda: Tensor.arange(0.5, 3, 0.25), lambda: np.arange(0.5, 3, 0.25)),
    Case("arange_none", lambda: Tensor.arange(0), lambda: np.arange(0)),
    Case("linspace", lambda: Tensor.linspace(-1, 2, 101), lambda: np.linspace(-1, 2, 101)),
    Case("linspace_one", lambda: Tensor.linspace(3, 9, 1), lambda: np.array([3.0])),
    Case("eye", lambda: Tensor.eye(3), lambda: np.eye(3)),
    Case("eye_wide", lambda: Tensor.eye(2, 4, dtype="int32"), lambda: np.eye(2, 4, dtype=np.int32)),
    Case("zeros_like", lambda x: x.zeros_like() + x.ones_like() * 2, lambda x: np.full(x.shape, 2.0), (floats(3, 2),)),
    Case("several_outputs", lambda x: (x + 1, (x + 1) * 2, x.sum(0)), lambda x: (x + 1, (x + 1) * 2, x.sum(0)), (floats(5, 3),)),
]  # fmt: skip
