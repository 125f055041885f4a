"""Records what special functions are, to 40 digits, rounded to float64, in special.npz beside this
file: ``python -m tests.lang.record_special``. It needs mpmath.

Arguments are float32 numbers: a grid for each function, over where its error is to be known.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import mpmath
import numpy as np

mpmath.mp.dps = 40
FILE = Path(__file__).with_name("special.npz")
POINTS = 120


def grid(*pieces: tuple[float, float]) -> np.ndarray[Any, Any]:
    """Evenly spread over each piece; over those of one sign also by powers."""
    parts = [np.linspace(low, high, POINTS // len(pieces)) for low, high in pieces]
    parts += [np.geomspace(low, high, POINTS // 4) for low, high in pieces if low > 0]
    return np.unique(np.concatenate(parts).astype(np.float32))


def normal_share(x: Any) -> Any:
    return mpmath.erfc(-x / mpmath.sqrt(2)) / 2


def erfinv(x: Any) -> Any:
    """By Newton's method from the share that is left."""
    if abs(x) < 0.9:
        return mpmath.erfinv(x)
    rest = 1 - abs(x)
    guess = mpmath.sqrt(-mpmath.log(rest)) - 0.3
    return mpmath.sign(x) * mpmath.findroot(lambda y: mpmath.log(mpmath.erfc(y) / rest), guess)


FUNCTIONS: dict[str, tuple[Callable[[Any], Any], np.ndarray[Any, Any]]] = {
    "asin": (mpmath.asin, grid((-1, 1), (1e-6, 1))),
    "acos": (mpmath.acos, grid((-1, 0.999), (1e-6, 0.9))),
    "atan": (mpmath.atan, grid((-5, 5), (1e-6, 1e6))),
    "sinh": (mpmath.sinh, grid((-5, 5), (1e-6, 88))),
    "cosh": (mpmath.cosh, grid((-5, 5), (1e-6, 88))),
    "asinh": (mpmath.asinh, grid((-5, 5), (1e-6, 1e30))),
    "acosh": (mpmath.acosh, grid((1.001, 3), (1.5, 1e30))),
    "atanh": (mpmath.atanh, grid((-0.99, 0.99), (1e-6, 0.99))),
    "exp2": (lambda x: mpmath.mpf(2) ** x, grid((-120, 120))),
    "erfc": (mpmath.erfc, grid((-4, 9), (1e-6, 9))),
    "erfcx": (lambda x: mpmath.exp(x * x) * mpmath.erfc(x), grid((-4, 30), (0.01, 30))),
    "erfinv": (erfinv, grid((-0.999, 0.999), (1e-6, 0.999), (0.99, 0.9999998))),
    "ndtr": (normal_share, grid((-4, 6))),
    "lgamma": (mpmath.loggamma, grid((0.01, 20), (1e-6, 1e6))),
    "digamma": (mpmath.digamma, grid((0.01, 20), (1e-6, 1e6))),
    "trigamma": (lambda x: mpmath.polygamma(1, x), grid((0.01, 20), (1e-6, 1e6))),
    "tetragamma": (lambda x: mpmath.polygamma(2, x), grid((0.1, 20), (0.01, 1e4))),
    "i0": (lambda x: mpmath.besseli(0, x), grid((-20, 20), (0.01, 80))),
    "i1": (lambda x: mpmath.besseli(1, x), grid((-20, 20), (0.01, 80))),
    "i0e": (lambda x: mpmath.besseli(0, x) * mpmath.exp(-abs(x)), grid((-20, 20), (0.01, 1e4))),
    "i1e": (lambda x: mpmath.besseli(1, x) * mpmath.exp(-abs(x)), grid((-20, 20), (0.01, 1e4))),
    "sinc": (lambda x: mpmath.sincpi(x), grid((-0.9, 0.9))),
    "logit": (lambda x: mpmath.log(x / (1 - x)), grid((0.01, 0.4), (0.6, 0.99))),
    "log_ndtr": (lambda x: mpmath.log(normal_share(x)), grid((-4, 1))),
}


def main() -> None:
    found = {}
    for name, (function, places) in FUNCTIONS.items():
        values = [float(mpmath.re(function(mpmath.mpf(float(x))))) for x in places]
        found[f"{name} at"] = places
        found[name] = np.array(values)
    np.savez_compressed(FILE, **found)


if __name__ == "__main__":
    main()
