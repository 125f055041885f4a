"""Activations of nn.functional."""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np

from tests.parity.case import FLOATS, Case, exactly, normal, special, uniform

# Where derivatives jump at 0 or beside it, no input lies there.
FUNCTIONS: dict[str, dict[str, Any]] = {
    "relu": {}, "relu6": {}, "leaky_relu": {"negative_slope": 0.2}, "elu": {"alpha": 1.3},
    "celu": {"alpha": 0.7}, "selu": {}, "silu": {}, "mish": {}, "gelu": {},
    "glu": {"dim": 1}, "logsigmoid": {}, "sigmoid": {}, "tanh": {}, "tanhshrink": {},
    "softsign": {}, "softplus": {"beta": 2.0}, "hardtanh": {"min_val": -0.5, "max_val": 1.5},
    "hardsigmoid": {}, "hardswish": {}, "threshold": {"threshold": 0.1, "value": 20.0},
    "hardshrink": {"lambd": 0.4}, "softshrink": {"lambd": 0.4}, "rrelu": {"lower": 0.1},
    "softmax": {"dim": 1}, "log_softmax": {"dim": -1}, "softmin": {"dim": 0},
    "normalize": {"dim": 1},
}  # fmt: skip
WITHOUT_SPECIALS = {
    "glu",
    "softmax",
    "log_softmax",
    "softmin",
    "normalize",
    "mish",
    "gelu",
    "rrelu",
}
WITHOUT_SCALARS = {"glu", "normalize"}
FIRST_ONLY = {"hardsigmoid"}  # whose second derivative PyTorch does not have


def _cases(name: str, options: dict[str, Any]) -> list[Case]:
    def call(T: Any, x: Any) -> Any:
        return getattr(T.nn.functional, name)(x, **options)

    def plain(T: Any, x: Any) -> Any:
        at = {"dim": 0} if "dim" in options else options
        return getattr(T.nn.functional, name)(x, **at)

    rows = [
        Case(name, call, [normal(4, 6, scale=2.0)], 1 if name in FIRST_ONLY else 2, FLOATS),
        Case(f"{name}, bfloat16", call, [normal(4, 6)], 0, ("bfloat16",), atol=0.02),
    ]
    if name not in WITHOUT_SCALARS:
        rows.append(Case(f"{name}, 0-d", plain, [uniform(0.5, 2)], 1))
        rows.append(Case(f"{name}, empty", plain, [normal(0, 3)], 0))
    if name not in WITHOUT_SPECIALS:
        rows.append(Case(f"{name}, special", plain, [special()], 0))
    return rows


def _implied(T: Any, x: Any) -> Any:
    F = T.nn.functional
    with warnings.catch_warnings(action="ignore"):
        return F.softmax(x), F.log_softmax(x), F.softmin(x)


def _inplace(T: Any, x: Any) -> Any:
    F = T.nn.functional
    y = x * 2
    F.relu(y, inplace=True)
    z = x * 3
    F.elu_(z)
    v = x + 0.5
    F.leaky_relu_(v, 0.3)
    w = x - 1
    T.nn.Hardtanh(inplace=True)(w)
    return y, z, v, w


def _modules(T: Any, x: Any) -> Any:
    nn = T.nn
    made = [
        nn.ReLU(), nn.ReLU6(), nn.LeakyReLU(0.2), nn.ELU(1.3), nn.CELU(0.7), nn.SELU(), nn.SiLU(),
        nn.Mish(), nn.GELU(), nn.GELU("tanh"), nn.GLU(), nn.Sigmoid(), nn.LogSigmoid(), nn.Tanh(),
        nn.Tanhshrink(), nn.Softsign(), nn.Softplus(2.0), nn.Hardtanh(-0.5, 1.5), nn.Hardsigmoid(),
        nn.Hardswish(), nn.Threshold(0.1, 20.0), nn.Hardshrink(0.4), nn.Softshrink(0.4),
        nn.RReLU().eval(), nn.PReLU(), nn.PReLU(4, 0.3), nn.Softmax(1), nn.LogSoftmax(1),
        nn.Softmin(1), nn.Softmax2d(),
    ]  # fmt: skip
    inputs = [x[None, :, :, None] if isinstance(m, nn.Softmax2d) else x for m in made]
    return [m(value) for m, value in zip(made, inputs, strict=True)]


CASES = [
    *(row for name, options in FUNCTIONS.items() for row in _cases(name, options)),
    Case("gelu, tanh", lambda T, x: T.nn.functional.gelu(x, approximate="tanh"), [normal(5, 3)]),
    Case("prelu", lambda T, x, w: T.nn.functional.prelu(x, w), [normal(2, 3, 4), normal(3)]),
    Case("prelu, one", lambda T, x, w: T.nn.functional.prelu(x, w), [normal(2, 3), normal(1)]),
    Case("prelu, vector", lambda T, x, w: T.nn.functional.prelu(x, w), [normal(5), normal(1)]),
    Case("softmax, implied, 1", _implied, [normal(5)], 0),
    Case("softmax, implied, 2", _implied, [normal(5, 2)], 0),
    Case("softmax, implied, 3", _implied, [normal(5, 2, 3)], 0),
    Case("softmax, implied, 4", _implied, [normal(2, 3, 2, 2)], 0),
    Case("softmax, dtype", lambda T, x: T.nn.functional.softmax(x, 1, dtype=T.float64),
         [normal(3, 4)]),
    Case("softmax, infinite", lambda T, x: T.nn.functional.softmax(x, 1),
         [exactly([[1.0, -np.inf, 2.0], [-np.inf, 0.0, -np.inf]])], 1),
    Case("normalize, p", lambda T, x: [T.nn.functional.normalize(x, p, 0)
                                       for p in (1.0, 3.0, float("inf"))], [normal(4, 3)]),
    Case("normalize, zeros", lambda T, x: T.nn.functional.normalize(x * 0), [normal(2, 3)], 1),
    Case("inplace", _inplace, [normal(3, 4)]),
    Case("modules", _modules, [normal(4, 4)], 1),
]  # fmt: skip
