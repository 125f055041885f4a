# ruff: noqa: E501 (tables: one line a case)
"""Elementwise functions: one table a kind."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np

from lazygrad.tensor_class import Tensor
from lazygrad.testing.conformance import Arg, Case, bools, floats, ints, these

ALL_FLOATS = ("float32", "float64", "float16", "bfloat16")
WIDE = ("float32", "float64")
INF, NAN = math.inf, math.nan
SPECIAL = these(0.0, -0.0, 1.0, -1.0, INF, -INF, NAN, 1e-30, -1e-30, 2.5, -2.5, 1e30)

_erf = np.vectorize(math.erf, otypes=[np.float64])


def _sigmoid(x: Any) -> Any:
    return np.exp(-np.logaddexp(0, -x))


def _softplus(x: Any) -> Any:
    return np.logaddexp(0, x)


# name: (oracle, range of arguments)
UNARY: dict[str, tuple[Callable[..., Any], tuple[float, float]]] = {
    "neg": (np.negative, (-2, 2)),
    "abs": (np.abs, (-2, 2)),
    "square": (np.square, (-2, 2)),
    "reciprocal": (np.reciprocal, (0.5, 2)),
    "sqrt": (np.sqrt, (0.1, 4)),
    "rsqrt": (lambda x: 1 / np.sqrt(x), (0.1, 4)),
    "exp": (np.exp, (-10, 5)),
    "expm1": (np.expm1, (-1.5, 1.5)),
    "log": (np.log, (0.05, 10)),
    "log1p": (np.log1p, (-0.9, 3)),
    "log2": (np.log2, (0.05, 10)),
    "log10": (np.log10, (0.05, 10)),
    "sin": (np.sin, (-10, 10)),
    "cos": (np.cos, (-10, 10)),
    "tan": (np.tan, (-1.2, 1.2)),
    "erf": (_erf, (-4, 4)),
    "sigmoid": (_sigmoid, (-20, 20)),
    "logsigmoid": (lambda x: -np.logaddexp(0, -x), (-20, 20)),
    "tanh": (np.tanh, (-4, 4)),
    "relu": (lambda x: np.maximum(x, 0), (-2, 2)),
    "relu6": (lambda x: np.clip(x, 0, 6), (-8, 8)),
    "leaky_relu": (lambda x: np.where(x > 0, x, 0.01 * x), (-2, 2)),
    "elu": (lambda x: np.where(x > 0, x, np.expm1(x)), (-4, 4)),
    "selu": (
        lambda x: 1.0507009873554805 * np.where(x > 0, x, 1.6732632423543772 * np.expm1(x)),
        (-4, 4),
    ),
    "silu": (lambda x: x * _sigmoid(x), (-8, 8)),
    "mish": (lambda x: x * np.tanh(_softplus(x)), (-8, 8)),
    "gelu": (lambda x: x * 0.5 * (1 + _erf(x / math.sqrt(2))), (-4, 4)),
    "softplus": (_softplus, (-8, 8)),
    "softsign": (lambda x: x / (1 + np.abs(x)), (-4, 4)),
    "hardtanh": (lambda x: np.clip(x, -1, 1), (-2, 2)),
    "hardsigmoid": (lambda x: np.clip(x + 3, 0, 6) / 6, (-5, 5)),
    "hardswish": (lambda x: x * np.clip(x + 3, 0, 6) / 6, (-5, 5)),
    "sign": (np.sign, (-2, 2)),
    "trunc": (np.trunc, (-9, 9)),
    "floor": (np.floor, (-9, 9)),
    "ceil": (np.ceil, (-9, 9)),
    "round": (np.round, (-9, 9)),
    "frac": (lambda x: x - np.trunc(x), (-9, 9)),
}
STEPS = ("sign", "trunc", "floor", "ceil", "round", "frac")  # half precision moves the steps
# Where the textbook formula cancels: results must be right relative to their size.
RELATIVE = {
    "expm1": (1e-7, 1e-2),
    "log1p": (1e-7, 1e-2),
    "tanh": (1e-7, 1e-2),
    "erf": (1e-7, 1e-2),
    "sigmoid": (-80.0, -20.0),
    "logsigmoid": (20.0, 80.0),
    "softplus": (-80.0, -20.0),
    "sin": (1e-7, 1e-2),
    "silu": (1e-7, 1e-2),
    "elu": (-1e-2, -1e-7),
}


def _method(name: str, *arguments: Any) -> Callable[..., Any]:
    return lambda x, *others: getattr(x, name)(*others, *arguments)


def _unary_cases() -> list[Case]:
    cases = []
    for name, (oracle, (low, high)) in UNARY.items():
        arg = floats(3, 17, low=low, high=high)
        dtypes = WIDE if name in STEPS else ALL_FLOATS
        cases.append(Case(name, _method(name), oracle, (arg,), dtypes, name not in STEPS))
    for name, (low, high) in RELATIVE.items():
        arg = floats(64, low=low, high=high)
        case = Case(f"{name}_digits", _method(name), UNARY[name][0], (arg,), WIDE, relative=True)
        cases.append(case)
    for name in ("exp", "sqrt", "relu", "abs", "sign", "tanh", "sigmoid", "floor", "erf", "log1p"):
        oracle = np.vectorize(_SIGN_OF_NAN) if name == "sign" else UNARY[name][0]
        cases.append(Case(f"{name}_special", _method(name), oracle, (SPECIAL,), WIDE))
    return cases


def _SIGN_OF_NAN(x: float) -> float:
    return 0.0 if math.isnan(x) else float(np.sign(x))


def _floor_mod(x: Any, y: Any) -> Any:
    return np.mod(x, y)


# name: (function, oracle, smooth)
BINARY: dict[str, tuple[Callable[..., Any], Callable[..., Any], bool]] = {
    "add": (lambda x, y: x + y, np.add, True),
    "sub": (lambda x, y: x - y, np.subtract, True),
    "mul": (lambda x, y: x * y, np.multiply, True),
    "div": (lambda x, y: x / y, np.divide, True),
    "maximum": (lambda x, y: x.maximum(y), np.maximum, True),
    "minimum": (lambda x, y: x.minimum(y), np.minimum, True),
    "logaddexp": (lambda x, y: x.logaddexp(y), np.logaddexp, True),
    "fmod": (lambda x, y: x.fmod(y), np.fmod, False),
    "remainder": (lambda x, y: x % y, _floor_mod, False),
    "floor_divide": (lambda x, y: x // y, np.floor_divide, False),
    "trunc_divide": (
        lambda x, y: x.div(y, rounding_mode="trunc"),
        lambda x, y: np.trunc(x / y),
        False,
    ),
    "lt": (lambda x, y: x < y, np.less, False),
    "le": (lambda x, y: x <= y, np.less_equal, False),
    "gt": (lambda x, y: x > y, np.greater, False),
    "ge": (lambda x, y: x >= y, np.greater_equal, False),
    "eq": (lambda x, y: x == y, np.equal, False),
    "ne": (lambda x, y: x != y, np.not_equal, False),
    "logical_and": (lambda x, y: x.logical_and(y), np.logical_and, False),
    "logical_or": (lambda x, y: x.logical_or(y), np.logical_or, False),
    "logical_xor": (lambda x, y: x.logical_xor(y), np.logical_xor, False),
}
INTEGER: dict[str, tuple[Callable[..., Any], Callable[..., Any]]] = {
    "bitwise_and": (lambda x, y: x & y, np.bitwise_and),
    "bitwise_or": (lambda x, y: x | y, np.bitwise_or),
    "bitwise_xor": (lambda x, y: x ^ y, np.bitwise_xor),
}
SAME_SHAPE: tuple[Arg, Arg] = (floats(5, 7), floats(5, 7, low=0.5, high=3))
BROADCASTS: dict[str, tuple[Arg, Arg]] = {
    "row": (floats(4, 5), floats(5)),
    "column": (floats(4, 5), floats(4, 1)),
    "both": (floats(3, 1, 5), floats(4, 1)),
    "scalar": (floats(2, 3), floats()),
    "empty": (floats(0, 3), floats(1, 3)),
}
PAIRS = (
    these(NAN, NAN, 1, INF, -INF, INF, 0.0, -0.0, 2, -3, INF, 1),
    these(NAN, 1, NAN, INF, INF, -INF, -0.0, 0.0, 2, 2, 1, -INF),
)


def _binary_cases() -> list[Case]:
    cases = []
    for name, (function, oracle, smooth) in BINARY.items():
        dtypes = ALL_FLOATS if smooth else WIDE
        cases.append(Case(name, function, oracle, SAME_SHAPE, dtypes, smooth))
    for name, args in BROADCASTS.items():
        for op in ("add", "mul", "lt"):
            function, oracle, smooth = BINARY[op]
            cases.append(Case(f"{op}_{name}", function, oracle, args, gradient=smooth))
    for name in ("maximum", "minimum", "lt", "le", "gt", "ge", "eq", "ne", "add", "mul"):
        function, oracle, _ = BINARY[name]
        cases.append(Case(f"{name}_special", function, oracle, PAIRS, WIDE))
    numbers, divisors = ints(4, 9, low=-50, high=50), these(*range(1, 10), kind="int")
    negative = these(*[-n for n in range(1, 10)], kind="int")
    for name in (
        "add",
        "sub",
        "mul",
        "maximum",
        "minimum",
        "fmod",
        "remainder",
        "floor_divide",
        "lt",
        "le",
        "eq",
    ):
        function, oracle, _ = BINARY[name]
        cases.append(Case(f"{name}_int", function, oracle, (numbers, divisors)))
        cases.append(Case(f"{name}_int_negative", function, oracle, (numbers, negative)))
    for name, (integer, exact) in INTEGER.items():
        cases.append(Case(f"{name}_int", integer, exact, (numbers, divisors)))
        cases.append(Case(f"{name}_bool", integer, exact, (bools(3, 8), bools(3, 8))))
    return cases


def _small_integers(name: str) -> list[Case]:
    """Wrap-around and conversions of every integer dtype, in terms of int64."""

    def function(x: Tensor) -> tuple[Tensor, ...]:
        small = x.cast(name)
        return small.long(), (small * small).long(), (small + 100).long(), (-small).long()

    def oracle(x: Any) -> tuple[Any, ...]:
        small = x.astype(name)
        with np.errstate(all="ignore"):
            shifted = small + np.array(100).astype(name)
            return tuple(v.astype(np.int64) for v in (small, small * small, shifted, -small))

    arg = ints(40, low=-200, high=300)
    return [Case(f"wrap_{name}", function, oracle, (arg,))]


def _other_cases() -> list[Case]:
    three = (bools(4, 5), floats(4, 5), floats(5))
    powers = (floats(6, 5, low=0.2, high=3), floats(5, low=-2, high=3))
    whole = these(*[-3.0, -2.0, -1.0, 0.0, 1.0, 2.0, 3.0, 0.5])
    cases = [
        Case("where", lambda c, x, y: x.where(c, y), np.where, three, ALL_FLOATS, True),
        Case("where_scalar", lambda c, x: x.where(c, 0.5), lambda c, x: np.where(c, x, 0.5), three[:2]),
        Case("masked_fill", lambda c, x: x.masked_fill(c, 2), lambda c, x: np.where(c, 2, x), three[:2], gradient=True),
        Case("clamp", lambda x: x.clamp(-1, 0.5), lambda x: np.clip(x, -1, 0.5), (floats(4, 9),), ALL_FLOATS, True),
        Case("clamp_min", lambda x: x.clamp(min=0.1), lambda x: np.maximum(x, 0.1), (floats(4, 9),), gradient=True),
        Case("clamp_int", lambda x: x.clamp(2, 5), lambda x: np.clip(x, 2, 5), (ints(4, 9),)),
        Case("pow", lambda x, y: x**y, np.power, powers, WIDE, True, scale=4),
        Case("pow_negative_base", lambda x, y: x**y, np.power, (these(-2, -0.5, 0, 1, 2, -1, -3, 4), whole), WIDE),
        Case("scalar_pow", lambda x: 2.0**x, lambda x: 2.0**x, (floats(9),), gradient=True),
        Case("scalar_left", lambda x: 3 - x / 2, lambda x: 3 - x / 2, (floats(3, 4),), ALL_FLOATS, True),
        Case("int_div", lambda x: x / 4, lambda x: x / 4, (ints(7),)),
        Case("int_float", lambda x, y: x * y, np.multiply, (ints(5), floats(5))),
        Case("lerp", lambda x, y: x.lerp(y, 0.3), lambda x, y: x + 0.3 * (y - x), SAME_SHAPE, gradient=True),
        Case("gelu_tanh", _method("gelu", "tanh"), _gelu_tanh, (floats(40, low=-5, high=5),), ALL_FLOATS, True),
        Case("isnan", lambda x: x.isnan(), np.isnan, (SPECIAL,)),
        Case("isinf", lambda x: x.isinf(), np.isinf, (SPECIAL,)),
        Case("isfinite", lambda x: x.isfinite(), np.isfinite, (SPECIAL,)),
        Case("logical_not", lambda x: x.logical_not(), np.logical_not, (SPECIAL,)),
        Case("invert_bool", lambda x: ~x, np.invert, (bools(9),)),
        Case("invert_int", lambda x: ~x, np.invert, (ints(9, low=-5, high=5),)),
        Case("shift", lambda x: (x << 3, x >> 2), lambda x: (x << 3, x >> 2), (ints(20, low=-99, high=99),)),
        Case("round_halves", lambda x: x.round(), np.round, (these(*[i / 2 for i in range(-9, 10)]),), WIDE),
        Case("round_decimals", lambda x: x.round(2), lambda x: np.round(x, 2), (floats(20),), ("float64",)),
        Case("to_int", lambda x: x.long(), lambda x: np.trunc(x).astype(np.int64), (floats(20, low=-9, high=9),), WIDE),
        Case("to_bool", lambda x: x.bool(), lambda x: x != 0, (SPECIAL,)),
        Case("bool_to_float", lambda x: x.float() + 1, lambda x: x + 1.0, (bools(9),)),
        Case("half_sum_of_products", lambda x, y: (x * y + x).exp(), lambda x, y: np.exp(x * y + x), (floats(33, low=-1, high=1), floats(33, low=-1, high=1)), ("float16", "bfloat16"), scale=4),
    ]  # fmt: skip
    for exponent in (0, 1, 2, 3, 7, -1, -2, 0.5, -0.5, 1.5, 2.2):
        arg = floats(11, low=0.3, high=2)
        cases.append(Case(f"pow_{exponent}", lambda x, e=exponent: x**e, lambda x, e=exponent: x**e, (arg,), WIDE, True))  # fmt: skip
    cases.append(Case("pow_int", lambda x: x**3, lambda x: x**3, (ints(9, low=-5, high=5),)))
    cases.append(
        Case("pow_ints", lambda x, y: x**y, lambda x, y: x**y, (ints(9, low=-5, high=5), ints(9)))
    )
    return cases


def _gelu_tanh(x: Any) -> Any:
    return 0.5 * x * (1 + np.tanh(math.sqrt(2 / math.pi) * (x + 0.044715 * x**3)))


CASES = [
    *_unary_cases(),
    *_binary_cases(),
    *_other_cases(),
    *(
        case
        for name in ("int8", "int16", "int32", "uint8", "uint16", "uint32")
        for case in _small_integers(name)
    ),
]
