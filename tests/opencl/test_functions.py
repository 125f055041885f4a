"""Our own functions of floats: how far they are from exact, and what they are at the limits."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache

import numpy as np
import pytest

from lazygrad import Tensor

pytest.importorskip("pyopencl")
from lazygrad_opencl.functions import FUNCTIONS, definitions

pytestmark = pytest.mark.gpu

Array = np.ndarray[tuple[int], np.dtype[np.float32]]

INFINITY, NAN = float("inf"), float("nan")
# subnormals, where results leave the floats, and what is far away
TINY = [1e-45, -1e-45, 1e-40, -1e-40, 2.0**-126, -(2.0**-126)]
LIMITS = [88.72283, 88.7229, -87.33654, -87.3366, -103.2789, -103.9721, -104.1, 300, -300]
FAR = [9.0, -9.0, 9.1, 3e38, -3e38, 1048576, 1048577, -1e9]
SPECIAL = np.array([0.0, -0.0, INFINITY, -INFINITY, NAN, *TINY, *LIMITS, *FAR], np.float32)

# What exact values come from, units in the last place that results may be off, and up to where.
Exact = Callable[..., Array]
CASES: dict[str, tuple[Exact, float, float]] = {
    "exp": (np.exp, 1.01, INFINITY),
    "tanh": (np.tanh, 2.54, INFINITY),
    "sin": (np.sin, 1.75, INFINITY),
    "sigmoid": (lambda x: 1 / (1 + np.exp(-x)), 2.5, 88.0),
}


@cache
def sample() -> Array:
    """Floats of all sizes."""
    bits = np.arange(0, 1 << 32, 8191, np.uint64).astype(np.uint32)
    return np.concatenate([bits.view(np.float32), SPECIAL])


@pytest.mark.parametrize("name", CASES)
def test_errors(name: str) -> None:
    function, most, far = CASES[name]
    x = sample()[np.abs(sample()) <= far]
    found = getattr(Tensor(x, device="GPU"), name)().numpy()
    with np.errstate(all="ignore"):
        exact = function(x.astype(np.float64))
        rounded = exact.astype(np.float32)
        units = np.abs(found - exact) / np.spacing(np.abs(rounded)).astype(np.float64)
    finite = np.isfinite(rounded)
    np.testing.assert_array_equal(found[~finite], rounded[~finite])
    assert units[finite].max() <= most


@pytest.mark.parametrize("name", CASES)
def test_limits(name: str) -> None:
    found = getattr(Tensor(SPECIAL, device="GPU"), name)().numpy()
    with np.errstate(all="ignore"):
        exact = CASES[name][0](SPECIAL.astype(np.float64)).astype(np.float32)
    np.testing.assert_array_max_ulp(found, exact, 2)
    zero = exact == 0
    np.testing.assert_array_equal(np.signbit(found[zero]), np.signbit(exact[zero]))


@pytest.mark.parametrize("name", ["exp", "tanh", "sin"])
def test_vectors_of_any_width_and_scalars_are_the_same(name: str) -> None:
    x = np.random.default_rng(0).uniform(-9, 9, 64).astype(np.float32)
    wide = getattr(Tensor(x, device="GPU"), name)()
    one_by_one = [getattr(Tensor(x[i], device="GPU"), name)().item() for i in range(0, 64, 9)]
    assert wide.numpy()[::9].tolist() == one_by_one


def test_only_what_is_called_is_defined() -> None:
    text = "\n".join(definitions("y = EXP_float8(x) + TANH_float(z);"))
    assert [f"{name}_float" in text for name in FUNCTIONS] == [True, True, False]
    assert "EXP_float8(float8 a)" in text and "float16" not in text
    assert not [*definitions("y = exp(x);")]
