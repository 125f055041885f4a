# ruff: noqa: E501 (tables: one line a case)
"""What vectors could compute otherwise than scalars: bools met by every op and dtype, and floats
that no integer holds. Sizes fill vectors of any length and leave a tail, so that each value is
computed in both ways."""

from __future__ import annotations

import math
import operator
from collections.abc import Callable
from typing import Any

import numpy as np

from lazygrad import element_types as dt, semantics
from lazygrad.element_types import DType
from lazygrad.tensor_class import Tensor
from lazygrad.testing.conformance import Case, bools, floats, ints, these

WIDTH = 67  # four vectors of 16 and 3 elements
INTEGERS = tuple(dtype.name for dtype in dt.ALL if dtype.is_integer)
NUMBERS = (*INTEGERS, "float16", "bfloat16", "float32", "float64")
SMALL = ints(WIDTH, low=0, high=4)


def _wrapped(value: int, target: DType) -> int:
    """The low bits of ``value``, as the integer ``target``."""
    return (value - target.min) % 2 ** (8 * target.itemsize) + target.min


def _bools_as(name: str) -> list[Case]:
    """Vectors of bools where numbers of a dtype are wanted."""
    exact = semantics.compute_dtype(dt.of(name))

    def function(b: Tensor, n: Tensor, m: Tensor) -> tuple[Tensor, ...]:
        x, y = n.cast(name), m.cast(name)
        total = b.cast(name).reshape(WIDTH, 1).expand(WIDTH, 5).sum(0)
        return (
            b.cast(name), x + b, b * x, x.maximum(b), x < b, b == x, x.where(b, y),
            (x < y).cast(name) + (x == y).cast(name), total.int(),
        )  # fmt: skip

    def oracle(b: Any, n: Any, m: Any) -> tuple[Any, ...]:
        x, y = n.astype(exact), m.astype(exact)
        return (
            b.astype(exact), x + b, b * x, np.maximum(x, b), x < b, b == x, np.where(b, x, y),
            (x <= y).astype(exact), np.full(5, b.sum(), np.int32),
        )  # fmt: skip

    return [Case(f"bools_as_{name}", function, oracle, (bools(WIDTH), SMALL, SMALL))]


def _bools() -> list[Case]:
    """Bools among themselves, however they lie in memory and wherever they go."""
    one, two, three = ((bools(WIDTH),) * count for count in (1, 2, 3))
    rows = (bools(5, WIDTH),)
    places = ints(WIDTH, high=WIDTH)
    pairs = (bools(WIDTH, 5), ints(WIDTH, 5))
    return [
        Case("bools_add", lambda a, b: a + b, np.logical_or, two),
        Case("bools_mul", lambda a, b: a * b, np.logical_and, two),
        Case("bools_maximum", lambda a, b: a.maximum(b), np.logical_or, two),
        Case("bools_xor", lambda a, b: a ^ b, np.logical_xor, two),
        Case("bools_and", lambda a, b: a & b, np.logical_and, two),
        Case("bools_lt", lambda a, b: a < b, np.less, two),
        Case("bools_ne", lambda a, b: a != b, np.not_equal, two),
        Case("bools_where", lambda a, b, c: b.where(a, c), np.where, three),
        Case("bools_where_scalar", lambda a, b: b.where(a, True), lambda a, b: np.where(a, b, True), two),
        Case("bools_not", lambda a: (~a).int() + a, lambda a: np.ones(a.shape, np.int32), one),
        Case("bools_column", lambda a: a.transpose(0, 1).int(), lambda a: a.T.astype(np.int32), rows),
        Case("bools_column_stored", lambda a: a.transpose(0, 1).logical_not(), lambda a: ~a.T, rows),
        Case("bools_flip", lambda a: a.flip(0).int() * 3, lambda a: a[::-1] * 3, one),
        Case("bools_every_third", lambda a: a[::3].int(), lambda a: a[::3].astype(np.int32), one),
        Case("bools_pad", lambda a: a.int().pad((1, 2)), lambda a: np.pad(a, (1, 2)).astype(np.int32), one),
        Case("bools_cat", lambda a, b: Tensor.cat([a, b]).int(), lambda a, b: np.concatenate([a, b]).astype(np.int32), two),
        Case("bools_gather", lambda a, i: a[i].int(), lambda a, i: a[i].astype(np.int32), (bools(WIDTH), places)),
        Case("bools_as_index", lambda a, x: x[a.int()], lambda a, x: x[a.astype(np.int64)], (bools(WIDTH), floats(2))),
        Case("bools_any", lambda a: (a.any(0), a.any(1), a.any()), lambda a: (a.any(0), a.any(1), a.any()), rows),
        Case("bools_all", lambda a: (a.all(0).int(), a.all(1), a.all()), lambda a: (a.all(0).astype(np.int32), a.all(1), a.all()), rows),
        Case("bools_sum", lambda a: (a.sum(0), a.sum(1), a.sum()), lambda a: (a.sum(0), a.sum(1), a.sum()), rows),
        Case("bools_sum_int32", lambda a: (a.int().sum(0), a.sum(1, dtype="int32")), lambda a: (a.sum(0), a.sum(1)), rows),
        Case("bools_mean", lambda a: a.float().mean(1), lambda a: a.mean(1), rows),
        Case("bools_cumsum", lambda a: a.cumsum(1), lambda a: a.cumsum(1), rows),
        Case("bools_matmul", lambda a, b: a.float() @ b.float(), lambda a, b: a.astype(float) @ b, (bools(33, WIDTH), bools(WIDTH, 35))),
        Case("bools_count", lambda a, n: ((n > 4) & a).int().sum(0), lambda a, n: ((n > 4) & a).sum(0), pairs),
        Case("bools_mask_product", lambda a, x: x * a, lambda a, x: x * a, (bools(WIDTH), floats(WIDTH)), ("float32", "float64", "float16", "bfloat16"), gradient=True),
    ]  # fmt: skip


# -- floats out of range ---------------------------------------------------------------------------

# Each power of two that bounds an integer, its neighbours in float32, and what is never in range.
_EDGES = [float(sign * 2**bits) for bits in (7, 8, 15, 16, 31, 32, 63, 64, 90) for sign in (1, -1)]
_NEAR = [x * scale for x in _EDGES for scale in (1.0, 1.0 - 2.0**-24, 1.0 + 2.0**-23)]
_HARD = [float("nan"), float("inf"), -float("inf"), 0.0, -0.0, 0.9, -0.9, 254.7, -1.5, 3e9, -3e9]
EXTREMES = (*_HARD, *_NEAR, *_HARD)  # 76: the same in a vector and in a tail


def _truncated(x: Any, name: str) -> Any:
    """What ``semantics.truncated`` promises, number by number in Python's integers."""
    target = dt.of(name)
    bits = 32 if target.itemsize < 4 or name == "int32" else 64
    low, high = -(2 ** (bits - 1)), 2**64 if name == "uint64" else 2 ** (bits - 1)

    def one(value: float) -> int:
        return _wrapped(int(value) if low <= value < high else low, target)  # NaN is nowhere

    return np.array([one(v) for v in np.ravel(x)], target.numpy).reshape(x.shape)


def _floats() -> list[Case]:
    """Floats to every integer: in rows and columns, by themselves, and known beforehand."""

    def function(x: Tensor) -> list[Tensor]:
        column = x.reshape(2, -1).transpose(0, 1)
        return [v.cast(name) for name in INTEGERS for v in (x, column, x[0], -x)]

    def oracle(x: Any) -> list[Any]:
        column = x.reshape(2, -1).T
        return [_truncated(v, name) for name in INTEGERS for v in (x, column, x[0], -x)]

    def constants() -> list[Tensor]:
        return [Tensor.full((3,), v).cast(name) for name in INTEGERS for v in _CONSTANTS]

    def exact_constants() -> list[Any]:
        return [_truncated(np.full(3, v), name) for name in INTEGERS for v in _CONSTANTS]

    every = ("float32", "float64", "float16", "bfloat16")
    whole = these(*[0, 1, 2**31 - 1, 2**31, 2**32 - 1, 300] * 12, kind="int")
    ties = these(*[1 + 2**-11 + 2**-30, 1 + 2**-11, 1 + 3 * 2**-11 - 2**-30, 65519.9999, 0.1] * 14)
    return [
        Case("truncated", function, oracle, (these(*EXTREMES),), every),
        Case("truncated_constants", constants, exact_constants),
        _remainder_of_extremes(),
        _remainder_by_constants(),
        *_beside_extremes(),
        Case("low_bits_by_way_of_float64", _by_float64, _by_float64_exactly, (whole,)),
        Case(
            "half_by_way_of_float32", lambda x: x.half().double(), _as_half, (ties,), ("float64",)
        ),
    ]


def _by_float64(x: Tensor) -> list[Tensor]:
    return [x.cast("uint32").double().cast(name) for name in INTEGERS]


def _by_float64_exactly(x: Any) -> list[Any]:
    return [_truncated(x, name) for name in INTEGERS]


def _as_half(x: Any) -> Any:
    return x.astype(np.float32).astype(np.float16).astype(np.float64)


_ENDS = (0.0, -0.0, 1.0, -1.5, 3.0, 2.0**40, float("inf"), -float("inf"), float("nan"), 2.0**-60)


def _remainder_of_extremes() -> Case:
    """Lanes whose quotients differ by many powers of two."""
    left = these(*[a for a in _ENDS for _ in _ENDS])
    right = these(*[b for _ in _ENDS for b in _ENDS])
    dtypes = ("float32", "float64")
    return Case("remainder_of_extremes", lambda x, y: x.fmod(y), np.fmod, (left, right), dtypes)


def _remainder_by_constants() -> Case:
    """Which compilers fold: what they leave open must not come out."""

    def function(x: Tensor) -> list[Tensor]:
        found = [(x % n).logsigmoid() for n in _BY] + [x.fmod(n) * 2 for n in _BY]
        return [*found, Tensor.full_like(x, math.inf) % x]

    def oracle(x: Any) -> list[Any]:
        signs = [np.remainder(x, n) for n in _BY]
        found = [-np.logaddexp(0, -r) for r in signs] + [np.fmod(x, n) * 2 for n in _BY]
        return [*found, np.full_like(x, math.nan)]

    values = these(*[1.5, -2.0, 0.25, -0.5] * 17)
    return Case("remainder_by_constants", function, oracle, (values,), ("float32", "float64"))


_BY = (0.0, math.nan, 2.0, math.inf)


def _beside_extremes() -> list[Case]:
    """Small numbers in one vector with an extreme one keep their digits."""
    small = np.geomspace(2.0**-14, 2.0**-1, WIDTH)
    cases = []
    for name, extreme in (("large", 6e4), ("huge", 1e30), ("infinite", math.inf)):
        mixed = np.where(np.arange(WIDTH) % 7 == 3, extreme, small)
        for function in ("sin", "exp", "log", "sqrt"):
            cases.append(
                Case(
                    f"{function}_beside_{name}", operator.methodcaller(function),
                    getattr(np, function), (these(*mixed),), ("float32", "float64", "float16"),
                )
            )  # fmt: skip
    return cases


_CONSTANTS = (float("nan"), float("inf"), -float("inf"), 3e9, -3e9, 1.5 * 2**63, 300.5)


# -- integer division --------------------------------------------------------------------------------


def _divided(x: Any, y: Any, name: str) -> list[Any]:
    """Quotients rounded down and towards zero, and both remainders; all 0 for a divisor of 0."""
    target = dt.of(name)
    left, right = (np.broadcast_to(v, np.broadcast_shapes(x.shape, y.shape)) for v in (x, y))
    pairs = list(zip(left.ravel().tolist(), right.ravel().tolist(), strict=True))

    def all_of(rule: Callable[[int, int], int]) -> Any:
        found = [_wrapped(rule(a, b), target) if b else 0 for a, b in pairs]
        return np.array(found, target.numpy).reshape(left.shape)

    def towards_zero(a: int, b: int) -> int:
        return abs(a) // abs(b) * (1 if (a < 0) == (b < 0) else -1)

    return [
        all_of(lambda a, b: a // b), all_of(towards_zero),
        all_of(lambda a, b: a % b), all_of(lambda a, b: a - b * towards_zero(a, b)),
    ]  # fmt: skip


def _divisions(name: str) -> list[Case]:
    """By zero, and of the smallest number by -1: nothing traps, and each place gives the same."""
    target = dt.of(name)
    lowest, highest = target.min, min(target.max, 2**62)
    ends = [lowest, lowest + 1, 0, 1, 2, 7, highest - 1, highest] + [-1, -7] * target.is_signed
    divisors = [0, 1, 2, 3, highest] + [-1, -2, lowest] * target.is_signed
    dividend = these(*(ends * WIDTH)[:WIDTH], kind="int", shape=(WIDTH, 1))
    divisor = these(*divisors, kind="int")

    def both(x: Tensor, y: Tensor) -> list[Tensor]:
        a, b = x.cast(name), y.cast(name)
        return [a // b, a.div(b, rounding_mode="trunc"), a % b, a.fmod(b)]

    def by_number(x: Tensor) -> list[Tensor]:
        return [
            q for n in numbers for q in both(x, Tensor.full((), n, dtype="int64", device=x.device))
        ]

    def oracle(x: Any, y: Any) -> list[Any]:
        return _divided(x, y, name)

    def oracle_by_number(x: Any) -> list[Any]:
        return [q for n in numbers for q in _divided(x, np.array(n), name)]

    numbers = (0, -1) if target.is_signed else (0,)
    cases = [Case(f"division_{name}", both, oracle, (dividend, divisor))]
    if name in ("int32", "uint8"):
        cases.append(Case(f"division_{name}_by_number", by_number, oracle_by_number, (dividend,)))
    return cases


# -- overflow ------------------------------------------------------------------------------------------


def _overflows(name: str) -> Case:
    """Integers wrap, and comparisons see what came out: C lets a compiler assume otherwise."""
    target = dt.of(name)
    highest = 2**62 if name == "uint64" else target.max  # arguments are made in int64
    ends = [target.min, target.min + 1, -1 * target.is_signed, 0, highest]

    def results(a: Any, total: Any) -> list[Any]:
        """Of Tensors and of arrays alike; ``total`` adds up the products of rows."""
        one = a[4:5]  # never in a vector
        rows = a.reshape(WIDTH, -1)
        compared = [f for v in (a, one) for f in ((v + 1) < v, -v < 0, (v * 2) // 2 == v, v - 7)]
        return [*compared, total(rows * rows)]

    def function(x: Tensor) -> list[Tensor]:
        return results(x.cast(name), lambda rows: rows.sum(1, dtype=name))

    def oracle(x: Any) -> list[Any]:
        with np.errstate(all="ignore"):
            return results(x.astype(target.numpy), lambda rows: rows.sum(1, dtype=target.numpy))

    return Case(f"overflow_{name}", function, oracle, (these(*ends * WIDTH, kind="int"),))


CASES = [
    *(case for name in NUMBERS for case in _bools_as(name)),
    *_bools(),
    *_floats(),
    *(case for name in INTEGERS for case in _divisions(name)),
    *(_overflows(name) for name in INTEGERS),
]
