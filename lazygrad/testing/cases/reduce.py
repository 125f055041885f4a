# ruff: noqa: E501 (tables: one line a case)
"""Reductions: every shape and choice of dims of one table, for each."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from lazygrad.testing.conformance import Arg, Case, bools, floats, ints, these

HALVES = ("float16", "bfloat16")
NAN, INF = float("nan"), float("inf")

# name: (argument, dims, keepdim)
SHAPES: dict[str, tuple[Arg, Any, bool]] = {
    "all": (floats(3, 4, 5), None, False),
    "all_keep": (floats(3, 4), None, True),
    "first": (floats(7, 9), 0, False),
    "last": (floats(7, 9), -1, False),
    "middle_keep": (floats(3, 6, 5), 1, True),
    "outer": (floats(3, 6, 5), (0, 2), False),
    "one_element": (floats(1, 5, 1), (0, 2), True),
    "vector": (floats(101), 0, False),
    "long": (floats(3, 1031), -1, False),
}
# name: (function, oracle, float of the tolerance)
FLOATS: dict[str, tuple[Callable[..., Any], Callable[..., Any]]] = {
    "sum": (lambda x, d, k: x.sum(d, k), lambda x, d, k: np.sum(x, axis=d, keepdims=k)),
    "mean": (lambda x, d, k: x.mean(d, k), lambda x, d, k: np.mean(x, axis=d, keepdims=k)),
    "amax": (lambda x, d, k: x.amax(d, k), lambda x, d, k: np.max(x, axis=d, keepdims=k)),
    "amin": (lambda x, d, k: x.amin(d, k), lambda x, d, k: np.min(x, axis=d, keepdims=k)),
    "var": (
        lambda x, d, k: x.var(d, keepdim=k, correction=0),
        lambda x, d, k: np.var(x, axis=d, keepdims=k),
    ),
    "logsumexp": (
        lambda x, d, k: x.logsumexp(tuple(range(x.ndim)) if d is None else d, k),
        lambda x, d, k: np.log(np.sum(np.exp(x), axis=d, keepdims=k)),
    ),
}


def _table() -> list[Case]:
    cases = []
    for op, (function, oracle) in FLOATS.items():
        for shape, (arg, dims, keep) in SHAPES.items():
            long = shape == "long"
            cases.append(
                Case(
                    f"{op}_{shape}",
                    lambda x, f=function, d=dims, k=keep: f(x, d, k),
                    lambda x, f=oracle, d=dims, k=keep: f(x, d, k),
                    (arg,),
                    ("float32", "float64", *HALVES) if shape == "last" else ("float32",),
                    gradient=not long,
                    scale=8 if long else 2,
                )
            )
    return cases


def _pair(x: Any, largest: bool) -> tuple[Any, Any]:
    index = np.argmax(x, axis=1) if largest else np.argmin(x, axis=1)
    return np.take_along_axis(x, index[:, None], 1)[:, 0], index


def _shifted_product(x: Any, w: Any) -> Any:
    """Something costly that the reduction and the output need, for all rows the same."""
    product = x.exp() * w
    return (product - product.amax(-1, True)).exp()


def _exact_shifted_product(x: Any, w: Any) -> Any:
    product = np.exp(x) * w
    return np.exp(product - product.max(-1, keepdims=True))


def _softmax(x: Any, axis: int) -> Any:
    powers = np.exp(x - np.max(x, axis=axis, keepdims=True))
    return powers / np.sum(powers, axis=axis, keepdims=True)


WITH_NAN = these(1, 3, NAN, 2, INF, NAN, -INF, 5, 5, 1, 5, 0, shape=(3, 4))
TIES = these(2, 2, 1, 2, 0, 0, 0, 0, -1, 3, 3, 3, shape=(3, 4))
SINGLES = [
    Case("std", lambda x: x.std(1), lambda x: np.std(x, axis=1, ddof=1), (floats(5, 9),), gradient=True),
    Case("var_unbiased", lambda x: x.var(), lambda x: np.var(x, ddof=1), (floats(5, 9),), gradient=True),
    Case("prod", lambda x: x.prod(1), lambda x: np.prod(x, axis=1), (floats(3, 7),), gradient=True),
    Case("prod_long", lambda x: x.prod(), lambda x: np.prod(x), (floats(131, low=0.8, high=1.25),), scale=8),
    Case("prod_zero", lambda x: x.prod(-1), lambda x: np.prod(x, axis=-1), (these(0, 2, 3, 0, 0, 4, shape=(2, 3)),), gradient=True),
    Case("prod_int", lambda x: x.prod(0), lambda x: np.prod(x, axis=0), (ints(5, 3, low=-4, high=5),)),
    Case("sum_int", lambda x: x.sum(1), lambda x: np.sum(x, axis=1), (ints(5, 9),)),
    Case("sum_bool", lambda x: x.sum(), np.sum, (bools(5, 9),)),
    Case("sum_empty", lambda x: x.sum(1), lambda x: np.sum(x, axis=1), (floats(3, 0),)),
    Case("prod_empty", lambda x: x.prod(0), lambda x: np.prod(x, axis=0), (floats(0, 3),)),
    Case("sum_scalar", lambda x: x.sum(), np.sum, (floats(),), gradient=True),
    Case("sum_dtype", lambda x: x.sum(dtype="float64"), np.sum, (floats(5, 6),)),
    Case("sum_special", lambda x: x.sum(1), lambda x: np.sum(x, axis=1), (WITH_NAN,)),
    Case("amax_special", lambda x: x.amax(1), lambda x: np.max(x, axis=1), (WITH_NAN,)),
    Case("amin_special", lambda x: x.amin(1), lambda x: np.min(x, axis=1), (WITH_NAN,)),
    Case("amax_int", lambda x: x.amax(1), lambda x: np.max(x, axis=1), (ints(4, 9, low=-9, high=9),)),
    Case("amin_int", lambda x: x.amin(1), lambda x: np.min(x, axis=1), (ints(4, 9, low=-9, high=9),)),
    Case("max_dim", lambda x: x.max(1), lambda x: _pair(x, True), (floats(5, 9),), gradient=True),
    Case("min_dim", lambda x: x.min(1), lambda x: _pair(x, False), (floats(5, 9),), gradient=True),
    Case("max_ties", lambda x: x.max(1), lambda x: _pair(x, True), (TIES,)),
    Case("min_ties", lambda x: x.min(1), lambda x: _pair(x, False), (TIES,)),
    Case("max_nan", lambda x: x.max(1), lambda x: _pair(x, True), (WITH_NAN,)),
    Case("max_int", lambda x: x.max(1), lambda x: _pair(x, True), (ints(5, 9, low=-9, high=9),)),
    Case("min_int", lambda x: x.min(1), lambda x: _pair(x, False), (ints(5, 9, low=-9, high=9),)),
    Case("argmax_all", lambda x: x.argmax(), np.argmax, (floats(4, 7),)),
    Case("argmin_keep", lambda x: x.argmin(0, True), lambda x: np.argmin(x, axis=0, keepdims=True), (floats(4, 7),)),
    Case("any", lambda x: x.any(1), lambda x: np.any(x, axis=1), (these(0, 0, 0, 1, 0, 2, shape=(3, 2)),)),
    Case("all", lambda x: x.all(0), lambda x: np.all(x, axis=0), (bools(2, 9),)),
    Case("any_empty", lambda x: x.any(1), lambda x: np.any(x, axis=1), (bools(3, 0),)),
    Case("all_empty", lambda x: x.all(), np.all, (bools(0),)),
    Case("cumsum", lambda x: x.cumsum(1), lambda x: np.cumsum(x, axis=1), (floats(3, 9),), gradient=True),
    Case("cumsum_long", lambda x: x.cumsum(0), lambda x: np.cumsum(x, axis=0), (floats(201, 2),), gradient=True, scale=20),
    Case("cumsum_int", lambda x: x.cumsum(-1), lambda x: np.cumsum(x, axis=-1), (ints(70),)),
    Case("softmax", lambda x: x.softmax(-1), lambda x: _softmax(x, -1), (floats(7, 33, low=-9, high=9),), ("float32", "float64", *HALVES), True),
    *(Case(f"shifted_outer_product_{n}", _shifted_product, _exact_shifted_product, (floats(n), floats(5, 1))) for n in (2, 16, 64)),
    Case("softmax_first", lambda x: x.softmax(0), lambda x: _softmax(x, 0), (floats(7, 5),), gradient=True),
    Case("softmax_large", lambda x: x.softmax(-1), lambda x: _softmax(x, -1), (these(1000, 999, -1000, 0, 1, 2, shape=(2, 3)),)),
    Case("log_softmax", lambda x: x.log_softmax(1), lambda x: np.log(_softmax(x, 1)), (floats(3, 6, 4),), ("float32", "float64"), True),
    Case("log_softmax_large", lambda x: x.log_softmax(-1), lambda x: x - np.max(x) - np.log(np.sum(np.exp(x - np.max(x)))), (these(0, 800, 1),)),
    Case("logsumexp_infinite", lambda x: x.logsumexp(1), lambda x: np.logaddexp.reduce(x, axis=1), (these(-INF, -INF, -INF, 1, INF, 2, shape=(3, 2)),)),
    Case("mean_of_rows_then_all", lambda x: (x - x.mean(1, True)).square().mean(), lambda x: np.mean(np.var(x, axis=1)), (floats(6, 11),), gradient=True),
]  # fmt: skip
CASES = [*_table(), *SINGLES]
