"""torch.func.vmap, and what it makes of other functions and transforms."""

from __future__ import annotations

from typing import Any

from tests.parity.case import Case, integers, normal, uniform


def pairs(T: Any, x: Any, y: Any) -> Any:
    """Every row of one with every row of the other."""
    distance = lambda a, b: ((a - b) ** 2).sum().sqrt()  # noqa: E731
    return T.vmap(T.vmap(distance, in_dims=(None, 0)), in_dims=(0, None))(x, y)


def tree(T: Any, x: Any, y: Any) -> Any:
    f = lambda held, k: {"a": held["x"] * held["y"][0] + k, "b": [held["x"].sum()]}  # noqa: E731
    dims: Any = ({"x": 1, "y": [None]}, None)
    return T.vmap(f, dims, out_dims={"a": -1, "b": 0})({"x": x, "y": [y]}, 3.0)


def loss(T: Any, weight: Any, bias: Any, x: Any, label: Any) -> Any:
    scores = T.nn.functional.linear(x.tanh(), weight, bias)
    return T.nn.functional.cross_entropy(scores[None], label[None])


def per_sample(T: Any, weight: Any, bias: Any, x: Any, label: Any) -> Any:
    gradient = T.func.grad(lambda w, b, x, y: loss(T, w, b, x, y), argnums=(0, 1))
    return T.vmap(gradient, in_dims=(None, None, 0, 0))(weight, bias, x, label)


def in_place(T: Any, x: Any, y: Any) -> Any:
    def f(a: Any, b: Any) -> Any:
        held = a * 2
        held[1:].add_(b[:2])
        held[0] = b.sum()
        return held

    return T.vmap(f)(x, y)


def repeated(T: Any, x: Any) -> Any:
    return T.vmap(lambda row: (row, T.ones(2), row.sum() * T.arange(3)), out_dims=(0, 0, -1))(x)


CASES = [
    Case("vmap, product", lambda T, x, y: T.vmap(T.matmul)(x, y), [normal(3, 2, 4), normal(3, 4, 5)]),
    Case("vmap, dot", lambda T, x, y: T.vmap(T.dot, (1, -1))(x, y), [normal(4, 3), normal(4, 3)]),
    Case("vmap, shared", lambda T, x, y: T.vmap(T.mv, (None, 0), 1)(x, y), [normal(3, 4), normal(5, 4)]),
    Case("vmap, pairs", pairs, [normal(3, 4), normal(5, 4)]),
    Case("vmap, containers", tree, [normal(2, 3), normal(2)]),
    Case("vmap, repeated", repeated, [normal(4, 3)]),
    Case("vmap, chunks", lambda T, x: T.vmap(lambda r: r.cumsum(0), -1, 1, chunk_size=2)(x), [normal(3, 5)]),
    Case("vmap, in place", in_place, [normal(4, 3), normal(4, 3)]),
    Case("vmap, scalars", lambda T, x, n: T.vmap(lambda a, b: a + b)(x, n), [normal(4), integers(0, 5, 4)]),
    Case("vmap, index", lambda T, x, i: T.vmap(lambda r, n: T.index_select(r, 0, n))(x, i),
         [normal(3, 4, 2), integers(0, 4, 3, 5)]),
    Case("vmap, table", lambda T, x, i: T.vmap(lambda n: T.nn.functional.embedding(n, x))(i),
         [normal(6, 2), integers(0, 6, 3, 4)]),
    Case("vmap, gather", lambda T, x, i: T.vmap(lambda r, n: T.gather(r, 1, n), (0, None))(x, i),
         [normal(3, 2, 4), integers(0, 4, 2, 3)]),
    Case("vmap, scatter", lambda T, x, i: T.vmap(lambda r, n: T.zeros(5).scatter_add(0, n, r))(x, i),
         [normal(3, 4), integers(0, 5, 3, 4)]),
    Case("vmap, sort", lambda T, x: T.vmap(lambda r: tuple(T.sort(r, descending=True)))(x), [normal(3, 5)]),
    Case("vmap, solve", lambda T, a, b: T.vmap(T.linalg.solve, (None, 0))(a, b), [normal(3, 3), normal(4, 3)]),
    Case("vmap, conv", lambda T, x, w: T.vmap(lambda w: T.nn.functional.conv2d(x, w, padding=1))(w),
         [normal(2, 2, 4, 4), normal(3, 5, 2, 3, 3)]),
    Case("vmap, per sample", per_sample, [normal(4, 3), normal(4), normal(5, 3), integers(0, 4, 5)]),
    Case("vmap, hessian", lambda T, x: T.vmap(T.func.hessian(lambda r: (r.exp() * r.flip(0)).sum()))(x),
         [normal(2, 3)], order=1),
    Case("vmap, choice", lambda T, x: T.vmap(lambda r: T.where(r > 0, r.log(), r))(x), [uniform(-1, 1, 3, 4)]),
]  # fmt: skip
