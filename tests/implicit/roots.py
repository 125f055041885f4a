"""The square root, defined by whatever can define it: the same values and derivatives for all."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from lazygrad import Tensor, ones_like, tensor
from lazygrad.implicit import argmin, cg, fixed_point, gmres, linear_solve, odeint, root

SquareRoot = Callable[[Tensor], Tensor]  # of a vector
FEW = {"max_num_steps": 16}  # that is what a mapped or jitted one does


def by_ode(**how: Any) -> SquareRoot:
    def found(p: Tensor) -> Tensor:
        rate, t = p.log() / 2, tensor([0.0, 0.25, 1.0], dtype=p.dtype, device=p.device)
        return odeint(lambda t, y: rate * y, ones_like(p), t, **how)[-1]

    return found


ROOTS: Mapping[str, SquareRoot] = {
    "picard": lambda p: fixed_point(
        lambda x: (x + p / x) / 2, ones_like(p), method="picard", maxiter=16
    ),
    "anderson": lambda p: fixed_point(
        lambda x, p: (x + p / x) / 2, ones_like(p), p, tol=1e-9, maxiter=16, memory=3
    ),
    "newton": lambda p: root(lambda x: x * x - p, ones_like(p), maxiter=8),
    "newton by gmres": lambda p: root(
        lambda x: {"x": x["x"] ** 2 - p}, {"x": ones_like(p)}, maxiter=8, linear_solver="gmres"
    )["x"],
    "broyden": lambda p: root(lambda x, p: x * x - p, ones_like(p), p, method="broyden"),
    "argmin": lambda p: argmin(
        lambda x: (x**3 / 3 - p * x).sum(), ones_like(p), tol=1e-8, maxiter=16, memory=3
    ),
    "linear_solve": lambda p: linear_solve(lambda x: x / p.sqrt(), ones_like(p)),
    "cg": lambda p: cg(lambda x: x / p.sqrt(), ones_like(p), maxiter=4),
    "gmres": lambda p: gmres((1 / p.sqrt()).diag(), ones_like(p), maxiter=4),
    "dopri5": by_ode(rtol=1e-6, options=FEW),
    "dopri5 adjoint": by_ode(rtol=1e-6, options=FEW, adjoint=True),
    "rk4": by_ode(method="rk4", options={"steps": 4}),
    "rk4 adjoint": by_ode(method="rk4", options={"steps": 4}, adjoint=True),
}
CLOSE = dict.fromkeys(ROOTS, 1e-7) | {"rk4": 1e-5, "rk4 adjoint": 1e-5} | dict.fromkeys(
    ("dopri5", "dopri5 adjoint"), 1e-5
)  # fmt: skip

P = np.array([2.0, 3.0])
VALUE, FIRST, SECOND = P**0.5, P**-0.5 / 2, -(P**-1.5) / 4
