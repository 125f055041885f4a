# ruff: noqa: E501 (tables: one line a case)
"""Reading and writing by index: places that meet, places outside, and nothing at all."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from lazygrad import ops
from lazygrad.backward import grad
from lazygrad.bridge import wrap
from lazygrad.graph import node
from lazygrad.lang import indexing, movement
from lazygrad.ops import Op
from lazygrad.tensor_class import Tensor
from lazygrad.testing.conformance import Case, bools, floats, ints, these

FLOATS = ("float16", "bfloat16", "float32", "float64")
WIDE = ("float32", "float64")
FLOOR = -9.0  # below all values: the largest of none is infinite, and has no difference


def gathered(axis: int) -> Callable[[Tensor, Tensor], Tensor]:
    return lambda x, i: wrap(node(ops.GATHER, (x._node, i._node), axis))


def gathering(axis: int) -> Callable[[Any, Any], Any]:
    """0 for what is outside."""

    def oracle(x: Any, i: Any) -> Any:
        inside = (i >= 0) & (i < x.shape[axis])
        return np.where(inside, np.take_along_axis(x, np.where(inside, i, 0), axis), 0)

    return oracle


def scattered(combine: Op | None, axis: int, size: int) -> Callable[[Tensor, Tensor], Tensor]:
    """Indices are repeated to the shape of the values."""

    def method(i: Tensor, x: Tensor) -> Tensor:
        places = movement.broadcast_to(i._node, x.shape)
        found = wrap(indexing.scatter(places, x._node, axis, size, combine))
        return found.clamp(FLOOR) if combine is ops.MAX else found

    return method


WAYS: dict[str, tuple[Op | None, Callable[[Any, Any], Any], float]] = {
    "sum": (ops.ADD, lambda before, x: before + x, 0.0),
    "last": (None, lambda before, x: x, 0.0),
    "largest": (ops.MAX, max, -np.inf),
    "product": (ops.MUL, lambda before, x: before * x, 1.0),
}


def scattering(way: str, axis: int, size: int) -> Callable[[Any, Any], Any]:
    """Element by element, in order; those that go outside are dropped."""
    _, step, nothing = WAYS[way]

    def oracle(i: Any, x: Any) -> Any:
        shape = (*x.shape[:axis], size, *x.shape[axis + 1 :])
        result = (
            np.full(shape, nothing).astype(x.dtype) if x.dtype != bool else np.zeros(shape, bool)
        )
        for at in np.ndindex(x.shape):
            place = np.broadcast_to(i, x.shape)[at]
            if 0 <= place < size:
                to = (*at[:axis], place, *at[axis + 1 :])
                result[to] = step(result[to], x[at])
        return np.maximum(result, FLOOR) if way == "largest" else result

    return oracle


def _scatter(name: str, way: str, axis: int, size: int, *args: Any, **more: Any) -> Case:
    return Case(
        f"scatter_{way}_{name}", scattered(WAYS[way][0], axis, size), scattering(way, axis, size),
        args, **more,
    )  # fmt: skip


def _curved(x: Tensor, i: Tensor) -> Tensor:
    """The second derivative of ``sum(x[i] ** 3)``, along all ones."""
    x.requires_grad_()
    (first,) = grad((x[i] ** 3).sum(), [x], create_graph=True)
    (second,) = grad(first.sum(), [x]) if first is not None else (None,)
    assert second is not None
    return second


def _curvature(x: Any, i: Any) -> Any:
    return 6 * x * np.bincount(i.ravel(), minlength=len(x))[:, None]


PLACES = ints(40, 1, low=-2, high=11)
EACH = ints(12, 7, low=-1, high=6)
GATHERS = [
    Case("gather_outside", gathered(1), gathering(1), (floats(5, 7), ints(5, 9, low=-3, high=10)), gradient=True),
    Case("gather_outside_rows", gathered(0), gathering(0), (floats(6, 9), ints(11, 9, low=-3, high=10)), gradient=True),
    Case("gather_many", lambda x, i: x[i], lambda x, i: x[i], (floats(3000, 40), ints(500, high=3000)), WIDE, gradient=True),
    Case("gather_often", lambda x, i: x[i], lambda x, i: x[i], (floats(3, 40), ints(500, high=3)), FLOATS, gradient=True, scale=30),
    Case("gather_columns_often", lambda x, i: x[:, i], lambda x, i: x[:, i], (floats(4, 5), ints(90, high=5)), FLOATS, gradient=True, scale=30),
    Case("gather_pairs", lambda x, i: x[i, i * 2 % 7], lambda x, i: x[i, i * 2 % 7], (floats(5, 7, 3), ints(60, high=5)), gradient=True),
    Case("gather_nothing", lambda x, i: x[i].sum(), lambda x, i: x[i].sum(), (floats(5, 7), ints(0, 3)), gradient=True),
    Case("gather_one", lambda x, i: x[i], lambda x, i: x[i], (floats(50, 7), these(3, kind="int")), gradient=True),
    Case("gather_scalar", lambda x, i: x[i.reshape(())], lambda x, i: x[i[0]], (floats(50, 7), these(3, kind="int")), gradient=True),
    Case("gather_positions", lambda x: Tensor.arange(5, device=x.device).embedding(x), lambda x: x[:5], (floats(9, 4),), gradient=True),
    Case("gather_twice", lambda x, i: x[i][i] + x[i], lambda x, i: x[i][i] + x[i], (floats(30, 5), ints(30, high=30)), gradient=True),
    Case("gather_of_computed", lambda x, i: (x * 2 + 1).sin()[i], lambda x, i: np.sin(x * 2 + 1)[i], (floats(9, 5), ints(70, high=9)), gradient=True),
    Case("gather_negative_zero", lambda x, i: 1 / x[i], lambda x, i: 1 / x[i], (these(0.0, -0.0), these(1, 0, 1, kind="int"))),
    Case("gather_second_derivative", _curved, _curvature, (floats(9, 4), ints(30, high=9)), WIDE, scale=30),
]  # fmt: skip
SCATTERS = [
    *(_scatter("rows", way, 0, 9, PLACES, floats(40, 24), dtypes=WIDE, gradient=True, scale=30) for way in WAYS),
    *(_scatter("elements", way, 1, 5, EACH, floats(12, 7), gradient=True, scale=30) for way in WAYS),
    *(_scatter("batches", way, 1, 6, ints(1, 20, 1, high=6), floats(3, 20, 9), gradient=True, scale=30) for way in WAYS),
    *(_scatter("one", way, 0, 4, these(2, kind="int"), floats(1), gradient=True) for way in WAYS),
    *(_scatter("in_one", way, 0, 1, ints(9, 1, low=-1, high=2), floats(9, 3), gradient=True, scale=9) for way in WAYS),
    *(_scatter("narrow", way, 0, 30, ints(70, high=30), floats(70), gradient=True, scale=9) for way in WAYS),
    *(_scatter("ints", way, 0, 9, ints(30, 1, high=9), ints(30, 4, low=1, high=3)) for way in ("sum", "last", "product")),
    *(_scatter("bools", way, 0, 9, ints(30, 1, high=9), bools(30, 11)) for way in ("sum", "last")),
    *(_scatter("halves", way, 0, 9, PLACES, floats(40, 24), dtypes=("float16", "bfloat16"), scale=30) for way in WAYS),
    *(_scatter("nothing", way, 0, 3, ints(0, 1), floats(0, 4)) for way in WAYS),
    *(_scatter("nowhere", way, 0, 0, ints(4, 1), floats(4, 4)) for way in WAYS),
    _scatter("long", "sum", 0, 3, these(*([1] * 4096), kind="int"), these(*([1.0] * 4096)), dtypes=FLOATS, scale=0),
    _scatter("of_zero", "product", 0, 3, ints(9, 1, high=3), these(0, 2, 3, 0, -1, 0.5, 2, 1.5, -2, shape=(9, 1))),
]  # fmt: skip
CASES = [*GATHERS, *SCATTERS]
