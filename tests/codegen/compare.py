"""Comparison of output buffers with the interpreter's."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from lazygrad import element_types as dt
from lazygrad.codegen.interpret import _loaded, interpret
from lazygrad.kernel.kernel import Kernel

Array = np.ndarray[Any, Any]
TOLERANCE = {dt.float16: 2e-3, dt.bfloat16: 2e-2, dt.float32: 1e-5, dt.float64: 1e-12}


def check(kernel: Kernel, inputs: Sequence[Array], found: Sequence[Array]) -> None:
    """Every output is what the interpreter computes."""
    for slot, expected, got in zip(kernel.written, interpret(kernel, inputs), found, strict=True):
        of = kernel.buffers[slot].dtype
        if not of.is_floating_point:
            np.testing.assert_array_equal(got, expected)
            continue
        size = TOLERANCE[of]
        np.testing.assert_allclose(_loaded(got, of), _loaded(expected, of), rtol=size, atol=size)
