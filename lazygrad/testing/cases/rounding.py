"""What casts to narrow floats give, exactly: the nearest number that they hold, of two equally near
ones the even one; beyond the largest infinity."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from lazygrad.testing.conformance import Case, these

INF = math.inf

# float32 -> what is left of it; its negative gives the negative.
ROUNDED: dict[str, dict[float, float]] = {
    "float16": {
        0.0: 0.0,
        1.0: 1.0,
        1 + 2**-11: 1.0,  # ties
        1 + 3 * 2**-11: 1 + 2**-9,
        1 + 2**-11 + 2**-20: 1 + 2**-10,  # just above and below one
        1 + 3 * 2**-11 - 2**-20: 1 + 2**-10,
        2.0 - 2**-12: 2.0,  # carries into the exponent
        2049.0: 2048.0,
        2051.0: 2052.0,
        65519.0: 65504.0,
        65520.0: INF,
        2.0**100: INF,
        INF: INF,
        2**-14: 2**-14,
        2**-24: 2**-24,  # below 2**-14 in steps of 2**-24
        2**-25: 0.0,
        2**-25 + 2**-40: 2**-24,
        3 * 2**-25: 2**-23,
        2**-14 - 2**-26: 2**-14,
        2**-100: 0.0,
    },
    "bfloat16": {
        0.0: 0.0,
        1.0: 1.0,
        1 + 2**-8: 1.0,
        1 + 3 * 2**-8: 1 + 2**-6,
        1 + 2**-8 + 2**-20: 1 + 2**-7,
        1 + 3 * 2**-8 - 2**-20: 1 + 2**-7,
        2.0 - 2**-9: 2.0,
        257.0: 256.0,
        259.0: 260.0,
        2.0**128 - 2.0**120: 2.0**128 - 2.0**120,
        2.0**128 - 2.0**119 - 2.0**104: 2.0**128 - 2.0**120,
        2.0**128 - 2.0**119: INF,
        INF: INF,
    },
}


def numbers(dtype: str) -> tuple[float, ...]:
    """The table's numbers and their negatives, more of them than a vector holds."""
    positive = [*ROUNDED[dtype], math.nan]
    return (*positive, *(-x for x in positive))


def _rounded(dtype: str, x: Any) -> Any:
    table = ROUNDED[dtype]
    return np.array([math.copysign(table.get(abs(v), v), v) for v in x.tolist()])


def _case(dtype: str) -> Case:
    def oracle(x: Any) -> tuple[Any, Any]:
        return (_rounded(dtype, x),) * 2

    return Case(
        f"rounded_{dtype}",  # what is stored, and what is computed with
        lambda x: (x.cast(dtype), x.cast(dtype).float()),
        oracle,
        (these(*numbers(dtype)),),
        scale=0.0,
    )


CASES = [_case(dtype) for dtype in ROUNDED]
