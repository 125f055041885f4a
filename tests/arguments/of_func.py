"""A result for each argument of each function of ``lazygrad.func``."""

from __future__ import annotations

from typing import Any

import numpy as np

import lazygrad as lg
from lazygrad import Tensor, nn
from lazygrad.errors import (
    GradError,
    JitError,
    ModuleError,
    ShapeError,
    ValueRangeError,
    VmapError,
)
from tests.arguments.asked import Asked, Case, M, Refused, X

TIMES = np.multiply.outer


class Twice(nn.Module):
    """One parameter under two names."""

    def __init__(self, device: str) -> None:
        super().__init__()
        self.weight = self.other = nn.Parameter(Tensor(1.0, device=device))

    def forward(self, x: Tensor, shift: float = 0.0) -> Tensor:
        return x * self.weight * self.other + shift


class Pair:
    def __init__(self, a: Any, b: Any) -> None:
        self.a, self.b = a, b


def cube(x: Tensor) -> Tensor:
    return (x**3).sum()


def with_aux(x: Tensor) -> Any:
    return x * x, {"aux": x + 1}


def drawn(x: Tensor) -> Tensor:
    return x * 0 + lg.rand((), device=x.device)


def differ(x: Tensor) -> Tensor:
    return (x[0] != x[1]).float()


def power(f: Asked, **how: Any) -> Any:
    """x ** n, whose derivative is taken for 10."""
    made = f.custom_jvp(lambda n, x: x**n, **how)
    made.defjvp(lambda n, primals, tangents: (primals[0] ** n, tangents[0] * 10))
    return made


def pulled(f: Asked, **how: Any) -> Any:
    made = f.custom_vjp(lambda n, x: x**n, **how)
    made.defvjp(lambda n, x: (x**n, x), lambda n, kept, g: (g * kept * 10,))
    return made


def pair(f: Asked) -> Any:
    """A class that was not known before."""
    kind = type("Pair", (Pair,), {})
    f.register_pytree_node(kind, lambda p: ([p.a, p.b], None), lambda c, _: kind(*c))
    return kind


x, m = np.array(X), np.array(M)

CASES: dict[str, list[Case]] = {
    "associative_scan": [
        Case(lambda f, x, m: f.associative_scan(lambda a, b: a * b, m), [m[0], m[0] * m[1]]),
        Case(
            lambda f, x, m: f.associative_scan(lambda a, b: a * b, elems=m, reverse=True),
            [m[0] * m[1], m[1]],
        ),
        Case(
            lambda f, x, m: f.associative_scan(lambda a, b: [a[0] + b[0]], [m], axis=1)[0],
            np.cumsum(m, 1),
        ),
    ],
    "checkpoint": [
        Case(lambda f, x, m: lg.func.grad(f.checkpoint(lambda x: cube(x.sin())))(x),
             3 * np.sin(x) ** 2 * np.cos(x)),
    ],
    "cond": [
        Case(lambda f, x, m: f.cond(x[0] > 0, lambda x: x * 2, lambda x: x * 3, x), 2 * x),
        Case(lambda f, x, m: f.cond(False, lambda x, m: x, lambda x, m: m, x, m), m),
        Case(lambda f, x, m: f.cond(x, cube, cube, x), Refused(lg.errors.ArgumentError, "bool")),
    ],
    "custom_jvp": [
        Case(lambda f, x, m: lg.func.jvp(
            lambda x: power(f, nondiff_argnums=(0,))(3, x), (x,), (m[0],)), (x**3, 10 * m[0])),
    ],
    "custom_vjp": [
        Case(lambda f, x, m: lg.func.grad(
            lambda x: pulled(f, nondiff_argnums=(0,))(3, x).sum())(x), 10 * x),
    ],
    "fori_loop": [
        Case(lambda f, x, m: f.fori_loop(1, 4, lambda i, c: c * i.float(), x), 6 * x),
        Case(lambda f, x, m: f.fori_loop(4, 4, lambda i, c: c * i.float(), x), x),
    ],
    "functional_call": [
        Case(lambda f, x, m: f.functional_call(
            Twice(x.device), {"weight": x}, (m,), {"shift": 1.0}), m * x * x + 1),
        Case(lambda f, x, m: f.functional_call(
            Twice(x.device), ({"weight": x}, {"other": m[0]}), m, tie_weights=False, strict=True),
            m * x * m[0]),
        Case(lambda f, x, m: f.functional_call(Twice(x.device), {"weight": x}, m, strict=True),
             Refused(ModuleError, r"missing \['other'\]")),
        Case(lambda f, x, m: f.functional_call(Twice(x.device), {"weight": x, "other": m[0]}, m),
             Refused(ModuleError, "tie_weights=False")),
    ],
    "grad": [
        Case(lambda f, x, m: f.grad(cube)(x), 3 * x * x),
        Case(lambda f, x, m: f.grad(lambda x, m: (x @ m).sum(), argnums=1)(x, m), [[1, 1], [2, 2]]),
        Case(lambda f, x, m: f.grad(lambda x, m: (x @ m).sum(), argnums=(-1, 0))(x, m),
             ([[1, 1], [2, 2]], m.sum(1))),
        Case(lambda f, x, m: f.grad(lambda x: (cube(x), {"aux": x}), has_aux=True)(x),
             (3 * x * x, {"aux": x})),
        Case(lambda f, x, m: f.grad(lambda x: x)(x), Refused(ShapeError, "return a scalar")),
    ],
    "grad_and_value": [
        Case(lambda f, x, m: f.grad_and_value(cube)(x), (3 * x * x, 9)),
        Case(lambda f, x, m: f.grad_and_value(
            lambda x, m: ((x @ m).sum(), x), argnums=(1,), has_aux=True)(x, m),
            (([[1, 1], [2, 2]],), ((x @ m).sum(), x))),
    ],
    "value_and_grad": [
        Case(lambda f, x, m: f.value_and_grad(cube)(x), (9, 3 * x * x)),
        Case(lambda f, x, m: f.value_and_grad(
            lambda x, m: ((x @ m).sum(), x), argnums=(1,), has_aux=True)(x, m),
            (((x @ m).sum(), x), ([[1, 1], [2, 2]],))),
    ],
    "hessian": [
        Case(lambda f, x, m: f.hessian(cube)(x), np.diag(6 * x)),
        Case(lambda f, x, m: f.hessian(lambda m, x: x @ m @ x, argnums=1)(m, x), m + m.T),
    ],
    "jacfwd": [
        Case(lambda f, x, m: f.jacfwd(with_aux, has_aux=True)(x), (np.diag(2 * x), {"aux": x + 1})),
        Case(lambda f, x, m: f.jacfwd(lambda m, x: m @ x, argnums=(1,))(m, x), (m,)),
        Case(lambda f, x, m: f.jacfwd(drawn, randomness="error")(x), 0 * m),
        Case(lambda f, x, m: f.jacfwd(drawn, randomness="same")(x), 0 * m),
        Case(lambda f, x, m: f.jacfwd(drawn, randomness="different")(x), 0 * m),
        Case(lambda f, x, m: f.jacfwd(drawn, randomness="any"),
             Refused(ValueRangeError, "error, same, different, got 'any'")),
    ],
    "jacrev": [
        Case(lambda f, x, m: f.jacrev(with_aux, has_aux=True)(x), (np.diag(2 * x), {"aux": x + 1})),
        Case(lambda f, x, m: f.jacrev(lambda m, x: m @ x, argnums=(1, 0))(m, x),
             (m, TIMES(np.eye(2), x))),
        Case(lambda f, x, m: f.jacrev(lambda x: m @ x, chunk_size=1)(x), m),
        Case(lambda f, x, m: f.jacrev(cube, chunk_size=0), Refused(ValueRangeError, "at least 1")),
    ],
    "jvp": [
        Case(lambda f, x, m: f.jvp(lambda a, b: a * b, (x, m), tangents=(m[1], m)),
             (x * m, m[1] * m + x * m)),
        Case(lambda f, x, m: f.jvp(with_aux, (x,), (m[0],), has_aux=True),
             (x * x, 2 * x * m[0], {"aux": x + 1})),
        Case(lambda f, x, m: f.jvp(lambda x: m, (x,), (x,)), (m, 0 * m)),
        Case(lambda f, x, m: f.jvp(lambda x: m, (x,), (x,), strict=True),
             Refused(GradError, "does not depend on the primals")),
    ],
    "linearize": [
        Case(lambda f, x, m: (lambda y, push: (y, push(m[0], m)))(*f.linearize(
            lambda a, b: a * b, x, m)), (x * m, m[0] * m + x * m)),
    ],
    "purify": [
        Case(lambda f, x, m: f.purify(Twice(x.device))({"weight": x[1]}, m),
             (m * 4, {"weight": 2})),
    ],
    "register_pytree_node": [
        Case(lambda f, x, m: vars(lg.func.grad(lambda p: (p.a * p.b).sum())(pair(f)(x, m[0]))),
             {"a": m[0], "b": x}),
        Case(lambda f, x, m: f.register_pytree_node(dict, lambda x: ([], None), lambda c, _: {}),
             Refused(ValueRangeError, "dict is known already")),
    ],
    "scan": [
        Case(lambda f, x, m: f.scan(lambda c, x: (c + x, c), x, m), (x + m.sum(0), [x, x + m[0]])),
        Case(lambda f, x, m: f.scan(lambda c, x: (c + x, c), x, xs=m, reverse=True),
             (x + m.sum(0), [x + m[1], x])),
        Case(lambda f, x, m: f.scan(lambda c, _: ({"c": c["c"] * 2}, None), {"c": x}, length=3),
             ({"c": 8 * x}, None)),
        Case(lambda f, x, m: f.scan(lambda c, x: (c, x), x, m, length=3),
             Refused(ShapeError, "length=3")),
    ],
    "stack_module_state": [
        Case(lambda f, x, m: f.stack_module_state([Twice(x.device), Twice(x.device)]),
             ({"weight": [1, 1]}, {})),
    ],
    "stop_gradient": [
        Case(lambda f, x, m: lg.func.grad(lambda x: (x * f.stop_gradient({"x": x})["x"]).sum())(x),
             x),
    ],
    "vjp": [
        Case(lambda f, x, m: (lambda y, pull: (y, pull(m)))(*f.vjp(lambda a, b: a * b, x, m)),
             (x * m, ((m * m).sum(0), x * m))),
        Case(lambda f, x, m: (lambda y, pull, aux: (y, pull(m[0]), aux))(*f.vjp(
            with_aux, x, has_aux=True)), (x * x, (2 * x * m[0],), {"aux": x + 1})),
    ],
    "vmap": [
        Case(lambda f, x, m: f.vmap(cube)(m), (m**3).sum(1)),
        Case(lambda f, x, m: f.vmap(lambda a: a, in_dims=1)(m), m.T),
        Case(lambda f, x, m: f.vmap(lambda a, b: a @ b, in_dims=(None, 0))(x, m), m @ x),
        Case(lambda f, x, m: f.vmap(lambda d, x: d["m"] * x, in_dims=({"m": 1}, 0))({"m": m}, x),
             m.T * x[:, None]),
        Case(lambda f, x, m: f.vmap(lambda a, scale: a * scale)(m, scale=x), m * x),
        Case(lambda f, x, m: f.vmap(lambda a: a, out_dims=1)(m), m.T),
        Case(lambda f, x, m: f.vmap(lambda a: (a, x), out_dims=(-1, None))(m), (m.T, x)),
        Case(lambda f, x, m: f.vmap(cube, chunk_size=1)(m), (m**3).sum(1)),
        Case(lambda f, x, m: differ(f.vmap(drawn, randomness="same")(x)), 0),
        Case(lambda f, x, m: differ(f.vmap(drawn, randomness="different")(x)), 1),
        Case(lambda f, x, m: f.vmap(drawn, randomness="error")(x),
             Refused(VmapError, "say randomness=")),
        Case(lambda f, x, m: f.vmap(drawn, randomness="any"),
             Refused(ValueRangeError, "error, same, different, got 'any'")),
    ],
    "while_loop": [
        Case(lambda f, x, m: f.while_loop(lambda c: c.sum() < 20, lambda c: c * 2, x), 8 * x,
             jitted=Refused(JitError, "give max_steps")),
        Case(lambda f, x, m: f.while_loop(lambda c: c.sum() < 20, lambda c: c * 2, x, max_steps=9),
             8 * x),
        Case(lambda f, x, m: f.while_loop(lambda c: c.sum() < 20, lambda c: c * 2, x, max_steps=1),
             2 * x),
    ],
}  # fmt: skip

# Of arguments that are one of a few words.
WORDS = dict.fromkeys(("jacfwd.randomness", "vmap.randomness"), ("error", "same", "different"))
