"""How near to the true values special functions come, in units in the last place of float32.

Measured with ``LIMITS`` on both backends; the true values are recorded by ``record_special``. What
is beyond 2 units has its reason beside it: NumPy's float32 logarithms and exponentials are off by
up to 3 of them, OpenCL's by 1.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from lazygrad import Tensor, special
from tests.devices import shared

RECORDED = np.load(Path(__file__).with_name("special.npz"))

OTHER: dict[str, Callable[[Tensor], Tensor]] = {
    "trigamma": lambda x: x.polygamma(1),
    "tetragamma": lambda x: x.polygamma(2),
}

LIMITS = {
    **dict.fromkeys(
        ("asin", "acos", "atan", "sinh", "asinh", "atanh", "exp2", "erfinv", "lgamma"), 2.0
    ),
    # a logarithm or an exponential and a step or two after it
    **dict.fromkeys(("cosh", "acosh", "logit", "i1e"), 2.5),
    # a product of two exponentials, or of one with a fraction
    **dict.fromkeys(("erfc", "erfcx", "log_ndtr", "i0", "i0e", "i1"), 3.5),
    # sums of ten powers
    **dict.fromkeys(("trigamma", "tetragamma"), 3.5),
    "digamma": 4.0,  # 1 / x taken from it below 1, where they are about as large
    "sinc": 10.0,  # rounding pi * x, near the zeros at -1 and 1, as in PyTorch
    "ndtr": 14.0,  # rounding x / sqrt(2), of which the tail is the exponential of the square
}


@cache
def computed(device: str) -> dict[str, Tensor]:
    """All functions at their places, in one plan: a program takes long to compile."""
    found: dict[str, Any] = {}
    for name in LIMITS:
        function = OTHER.get(name) or getattr(Tensor, name, None) or getattr(special, name)
        found[name] = function(Tensor(RECORDED[f"{name} at"], device=device))
    Tensor.realize(*found.values())
    return found


def error(name: str, device: str) -> float:
    true, found = RECORDED[name], computed(device)[name].numpy()
    assert found.dtype == np.float32
    unit = np.spacing(np.abs(true.astype(np.float32))).astype(np.float64)
    return float((np.abs(found - true) / unit).max())


@pytest.mark.parametrize("name", LIMITS, ids=[shared(name, "all") for name in LIMITS])
def test_error_in_float32(name: str, device: str) -> None:
    assert error(name, device) <= LIMITS[name]


def test_error_of_tanh(device: str) -> None:
    """Against NumPy's in float64, near 0, where the formula changes, and far away; zeros keep their
    sign."""
    near, far = np.logspace(-30, 0, 4000), np.linspace(0.5, 12, 4000)
    places = np.concatenate([near, far, -near, -far]).astype(np.float32)
    true = np.tanh(places.astype(np.float64))
    found = Tensor(places, device=device).tanh().numpy()
    unit = np.spacing(np.abs(true.astype(np.float32))).astype(np.float64)
    assert (np.abs(found - true) / unit).max() <= 3.0
    ends = Tensor([-0.0, 0.0, np.inf, -np.inf, np.nan], device=device).tanh().numpy()
    np.testing.assert_array_equal(ends, [-0.0, 0.0, 1.0, -1.0, np.nan])
    np.testing.assert_array_equal(np.signbit(ends[:2]), [True, False])
