"""Rows of elementwise methods."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np

from tests.fuzz.program import Maker, Ref
from tests.fuzz.table import row
from tests.fuzz.values import (
    ALL,
    DIGITS,
    FLOATS,
    INTS,
    Array,
    Undefined,
    Universe,
    Value,
    cast,
    floating,
    number,
    promote,
    result,
    result_type,
    together,
    unit,
)

# -- functions of arrays that are complex where a derivative is taken ----------------------------


def lift(function: Callable[..., Array], *arrays: Array) -> Array:
    """``function`` with its real part computed from real parts: complex products and quotients
    of infinities are NaN."""
    real = np.asarray(function(*(a.real for a in arrays)))
    if not any(np.iscomplexobj(a) for a in arrays):
        return real
    full = np.empty(real.shape, np.complex128)
    full.real = real
    full.imag = np.imag(function(*arrays))
    return full


def parts(function: Callable[..., Array], *arrays: Array) -> Array | float:
    """What a derivative is a sum of, by operand, in magnitudes: where the parts cancel, what is
    left is as inexact as they are."""
    total: Array | float = 0.0
    for i, x in enumerate(arrays):
        if np.iscomplexobj(x):
            alone = [x if i == j else a.real for j, a in enumerate(arrays)]
            total = total + np.abs(np.imag(function(*alone)))
    return total


def magnitude(x: Array) -> Array:
    return np.where(x.real < 0, -x, x)


_erf = np.vectorize(math.erf, otypes=[float])


def erf(x: Array) -> Array:
    real = _erf(x.real) if x.size else x.real
    if not np.iscomplexobj(x):
        return real
    return real + 1j * x.imag * 2 / math.sqrt(math.pi) * np.exp(-x.real * x.real)


def root(x: Array) -> Array:
    """Its infinite slope at 0 is NaN in reverse where it meets a 0, which no direction shows."""
    value = np.sqrt(x)
    return np.where(x.real == 0, value.real + 1j * np.nan, value) if np.iscomplexobj(x) else value


def sigmoid(x: Array) -> Array:
    small = np.exp(-magnitude(x))  # never overflows
    return np.where(x.real < 0, small, 1) / (1 + small)


def logsigmoid(x: Array) -> Array:
    return np.where(x.real < 0, x, 0) - np.log1p(np.exp(-magnitude(x)))


def softplus(x: Array) -> Array:
    return np.where(x.real < 0, 0, x) + np.log1p(np.exp(-magnitude(x)))


def positive(x: Array, below: Array) -> Array:
    """``x`` above 0 (and NaN), else ``below``."""
    return np.where(x.real > 0, x, np.where(np.isnan(x.real), x, below))


def elu(x: Array, alpha: float = 1.0) -> Array:
    low = np.where(x.real > 0, 0, x)
    return positive(x, alpha * np.expm1(low))


def steps(function: Callable[[Array], Array]) -> Callable[[Array], Array]:
    """A function with derivative 0."""
    return lambda x: function(x.real) + 0j if np.iscomplexobj(x) else function(x)


def inside(x: Array, low: float, high: float) -> Array:
    """hardtanh: no derivative at the limits."""
    return np.where(x.real <= low, low, np.where(x.real >= high, high, x))


def gelu(x: Array) -> Array:
    return 0.5 * x * (1 + erf(x * math.sqrt(0.5)))


def gelu_tanh(x: Array) -> Array:
    return 0.5 * x * (1 + np.tanh(math.sqrt(2 / math.pi) * (x + 0.044715 * x * x * x)))


# name: function, ulps. Of integers the result is float32.
FLOATING: dict[str, tuple[Callable[[Array], Array], float]] = {
    "exp": (np.exp, 4), "expm1": (np.expm1, 6), "log": (np.log, 4), "log1p": (np.log1p, 6),
    "log2": (np.log2, 4), "log10": (np.log10, 4), "sin": (np.sin, 4), "tanh": (np.tanh, 8),
    "sqrt": (root, 1), "rsqrt": (lambda x: 1 / np.sqrt(x), 3), "erf": (erf, 6),
    "sigmoid": (sigmoid, 8), "logsigmoid": (logsigmoid, 8), "elu": (elu, 8),
    "selu": (lambda x: 1.0507009873554805 * elu(x, 1.6732632423543772), 10),
    "silu": (lambda x: x * sigmoid(x), 10), "mish": (lambda x: x * np.tanh(softplus(x)), 16),
    "softsign": (lambda x: x / (1 + magnitude(x)), 4), "softplus": (softplus, 8),
    "reciprocal": (lambda x: 1 / x, 1),
    "hardsigmoid": (lambda x: inside(x + 3, 0, 6) / 6, 4),
}  # fmt: skip


@row(*FLOATING, smooth=True, weight=6)
def floating_unary(g: Maker, name: str) -> object:
    function, ulps = FLOATING[name]
    x = g.pick()

    def meaning(u: Universe, x: Value) -> Value:
        x = floating(u, x)
        # the derivatives are a cosine and the difference of a polynomial: their error is absolute
        slope_error = np.abs(np.imag(x.array)) if name in ("sin", "erf") else 0.0
        value = u.float(lift(function, x.array), x.dtype, ulps, slope_error=slope_error)
        if name == "rsqrt":  # compilers hold 1 / sqrt(x) to be positive, though at -0.0 it is -inf
            return u.unspecified(value, (x.real == 0) & np.signbit(x.real))
        return value

    return g.emit(name, f"{x}.{name}()", meaning, x)


# Their error is absolute: they end in a difference.
ABSOLUTE: dict[str, tuple[Callable[[Array], Array], Callable[[Array], Array], str]] = {
    "cos": (np.cos, lambda x: 4 + 0 * x, ""),
    "tan": (np.tan, lambda x: 8 * (1 + np.tan(x) ** 2), ""),
    "gelu": (gelu, lambda x: 8 * np.abs(x), ""),
    "hardswish": (lambda x: x * inside(x + 3, 0, 6) / 6, lambda x: 8 * np.abs(x), ""),
}


@row(*ABSOLUTE, smooth=True, weight=2)
def with_absolute_error(g: Maker, name: str) -> object:
    function, scale, arguments = ABSOLUTE[name]
    x = g.pick()
    if name == "gelu" and g.r.random() < 0.5:
        function, arguments = gelu_tanh, "approximate='tanh'"

    def meaning(u: Universe, x: Value) -> Value:
        x = floating(u, x)
        error = scale(x.real) * 2.0 ** -DIGITS[x.dtype]
        value = lift(function, x.array)
        # the slope of the tangent is a square divided by a square, of a cosine near 0
        slope_error = np.abs(np.imag(value)) * (1 + np.abs(value.real)) if name == "tan" else 0.0
        error = np.nan_to_num(error, posinf=0)
        return u.float(value, x.dtype, error=error, slope_error=slope_error)

    return g.emit(name, f"{x}.{name}({arguments})", meaning, x)


# name: function of floats, of integers (None: not for them), whether bools are allowed
SAME_DTYPE: dict[str, tuple[Callable[[Array], Array], Callable[[Array], Array] | None, bool]] = {
    "neg": (np.negative, np.negative, False), "__neg__": (np.negative, np.negative, False),
    "abs": (lambda x: np.where(x.real == 0, 0.0, magnitude(x)), np.abs, False),
    "__abs__": (lambda x: np.where(x.real == 0, 0.0, magnitude(x)), np.abs, False),
    "__pos__": (lambda x: x, lambda x: x, True),
    "sign": (steps(lambda x: np.where(np.isnan(x), 0, np.sign(x))), np.sign, True),
    "square": (lambda x: x * x, lambda x: x * x, False),
    "trunc": (steps(np.trunc), lambda x: x, True), "floor": (steps(np.floor), lambda x: x, True),
    "ceil": (steps(np.ceil), lambda x: x, True),
    "frac": (lambda x: x - np.trunc(x.real), None, False),
    "relu": (lambda x: positive(x, np.zeros(x.shape)), lambda x: np.maximum(x, 0), False),
    "relu6": (lambda x: inside(x, 0, 6), lambda x: np.clip(x, 0, 6), False),
    "contiguous": (lambda x: x, lambda x: x, True), "clone": (lambda x: x, lambda x: x, True),
}  # fmt: skip
LOOSE_ZERO = {"sign", "relu", "relu6", "frac"}  # the sign of a zero is not promised


@row(*SAME_DTYPE, smooth=True, weight=4)
def same_dtype(g: Maker, name: str) -> object:
    function, of_integers, bools = SAME_DTYPE[name]
    x = g.pick(lambda r: r.value.is_float or (of_integers is not None and not r.value.is_bool)
               or (bools and r.value.is_bool))  # fmt: skip
    unsigned = x.dtype.startswith("u")

    def meaning(u: Universe, x: Value) -> Value:
        if x.is_float:
            return u.float(
                lift(function, x.array), x.dtype, exact=name not in ("square",),
                loose_zero=name in LOOSE_ZERO,
            )  # fmt: skip
        if x.is_bool or (unsigned and name in ("abs", "__abs__")):
            return x
        return Value(np.asarray(of_integers(x.array)).astype(x.dtype), x.dtype)  # type: ignore[misc]

    text = {"__neg__": f"-{x}", "__abs__": f"abs({x})", "__pos__": f"+{x}"}
    return g.emit(name, text.get(name, f"{x}.{name}()"), meaning, x)


@row("round", smooth=True, weight=2)
def round_(g: Maker, name: str) -> object:
    x = g.pick(lambda r: not r.value.is_bool)
    decimals = g.r.choice((0, 0, 0, 1, 2, -1)) if x.value.is_float else 0

    def meaning(u: Universe, x: Value) -> Value:
        if not x.is_float:
            return x
        scale = 10.0**decimals
        scaled = x.real if decimals == 0 else u.float(x.real * scale, x.dtype).array
        whole = np.rint(scaled)
        moved = steps(lambda _: whole / scale if decimals else whole)(x.array)
        return u.float(moved, x.dtype, exact=decimals == 0, loose_zero=decimals != 0)

    return g.emit(name, f"{x}.round({decimals or ''})", meaning, x)


@row("isnan", "isinf", "isfinite", "logical_not", weight=2)
def predicate(g: Maker, name: str) -> object:
    x = g.pick()
    table: dict[str, Any] = {
        "isnan": np.isnan, "isinf": np.isinf, "isfinite": np.isfinite,
        "logical_not": lambda a: a == 0,
    }  # fmt: skip

    def meaning(u: Universe, x: Value) -> Value:
        return Value(np.asarray(table[name](x.real)), "bool")

    return g.emit(name, f"{x}.{name}()", meaning, x)


@row("bitwise_not", "__invert__")
def bitwise_not(g: Maker, name: str) -> object:
    x = g.pick(lambda r: not r.value.is_float)
    text = f"~{x}" if name == "__invert__" else f"{x}.bitwise_not()"
    return g.emit(name, text, lambda u, x: Value(np.asarray(~x.array), x.dtype), x)


@row("leaky_relu", "hardtanh", smooth=True, weight=2)
def with_numbers(g: Maker, name: str) -> object:
    x = g.float()
    if name == "leaky_relu":
        slope = g.r.choice((0.01, 0.5, -1.0))

        def leaky(u: Universe, x: Value) -> Value:
            return u.float(np.where(x.real > 0, x.array, x.array * slope), x.dtype)

        return g.emit(name, f"{x}.leaky_relu({slope})", leaky, x)
    low, high = g.r.choice(((-1.0, 1.0), (0.0, 2.0), (-2, 3)))

    def hard(u: Universe, x: Value) -> Value:
        return u.float(inside(x.array, low, high), x.dtype, exact=True, loose_zero=True)

    return g.emit(name, f"{x}.hardtanh({low}, {high})", hard, x)


# -- two operands ------------------------------------------------------------------------------


def binary(
    of_floats: Callable[..., Array],
    of_integers: Callable[..., Array] | None = None,
    **how: Any,
) -> Callable[..., Value]:
    """The meaning of an operation in the promoted dtype; bools are errors."""

    def meaning(u: Universe, *operands: Any) -> Value:
        arrays, dtype = together(u, *operands)
        if dtype in FLOATS:
            return u.float(
                lift(of_floats, *arrays), dtype, slope_error=parts(of_floats, *arrays), **how
            )
        if dtype == "bool" or of_integers is None:
            raise Undefined("not for this dtype")
        return Value(np.asarray(of_integers(*arrays)).astype(dtype), dtype)

    return meaning


def with_bools(
    meaning: Callable[..., Value], of_bools: Callable[..., Array]
) -> Callable[..., Value]:
    def either(u: Universe, *operands: Any) -> Value:
        arrays, dtype = together(u, *operands)
        if dtype == "bool":
            return Value(of_bools(*arrays), dtype)
        return meaning(u, *operands)

    return either


def compare(function: Callable[[Array, Array], Array]) -> Callable[..., Value]:
    """Integers are compared exactly: no scalar wraps to the dtype of a tensor."""

    def meaning(u: Universe, *operands: Any) -> Value:
        if all(isinstance(x, Value) and not x.is_float for x in operands):
            dtype = promote(*(x.dtype for x in operands))
            operands = tuple(Value(x.array.astype(dtype), dtype) for x in operands)
        (a, b), _ = together(u, *operands)
        return Value(np.asarray(function(a.real, b.real)), "bool")

    return meaning


def logical(function: Callable[[Array, Array], Array]) -> Callable[..., Value]:
    def meaning(u: Universe, *operands: Any) -> Value:
        truth = [x.real != 0 if isinstance(x, Value) else np.asarray(bool(x)) for x in operands]
        return Value(np.asarray(function(*truth)), "bool")

    return meaning


def bits(function: Callable[[Array, Array], Array]) -> Callable[..., Value]:
    def meaning(u: Universe, *operands: Any) -> Value:
        (a, b), dtype = together(u, *operands)
        if dtype in FLOATS:
            raise Undefined("bits of floats")
        return Value(function(a, b), dtype)

    return meaning


def _larger(a: Array, b: Array) -> Array:
    """Ties share their derivative."""
    tie = a.real + 1j * (a.imag + b.imag) / 2 if np.iscomplexobj(a + b) else a
    big = np.where(a.real > b.real, a, np.where(a.real < b.real, b, tie))
    return np.where(np.isnan(a.real) | np.isnan(b.real), np.nan, big)


def _smaller(a: Array, b: Array) -> Array:
    return -_larger(-a, -b)


def _nonzero(b: Array) -> Array:
    return np.where(b == 0, np.ones_like(b), b)


def _floor_quotient(a: Array, b: Array) -> Array:
    return np.where(b == 0, np.zeros_like(a), np.floor_divide(a, _nonzero(b)))


def _truncated_quotient(a: Array, b: Array) -> Array:
    floor = np.floor_divide(a, _nonzero(b))
    up = (np.remainder(a, _nonzero(b)) != 0) & ((a < 0) != (b < 0))
    return np.where(b == 0, np.zeros_like(a), floor + up.astype(a.dtype))


def _remainder(a: Array, b: Array) -> Array:
    return np.where(b == 0, np.zeros_like(a), np.remainder(a, _nonzero(b)))


def _fmod(a: Array, b: Array) -> Array:
    return np.where(b == 0, np.zeros_like(a), np.fmod(a, _nonzero(b)))


def _float_mod(function: Callable[[Array, Array], Array]) -> Callable[[Array, Array], Array]:
    """a - b * steps(a / b)"""

    def apply(a: Array, b: Array) -> Array:
        value = function(a.real, b.real)
        if not (np.iscomplexobj(a) or np.iscomplexobj(b)):
            return value
        return value + 1j * (a.imag - b.imag * np.rint((a.real - value) / b.real))

    return apply


def _float_floor(a: Array, b: Array) -> Array:
    """As PyTorch: by zero it is the quotient."""
    exact = np.where(b.real == 0, a.real / b.real, np.floor_divide(a.real, b.real))
    return exact + 0 * np.where(np.isinf(a.real), 0, a.real)


def _logaddexp(a: Array, b: Array) -> Array:
    high = np.where(a.real >= b.real, a, b)
    low = np.where(a.real >= b.real, b, a)
    same = (a.real == b.real) & np.isinf(a.real)
    return np.where(same, a.real, high + np.log1p(np.exp(low - high)))


def divided(u: Universe, *operands: Any) -> Value:
    """True division: integers as float32."""
    dtype = result_type(*operands)
    dtype = dtype if dtype in FLOATS else "float32"
    same = [cast(u, x, dtype) if isinstance(x, Value) else number(u, x, dtype) for x in operands]
    a, b = (Value(x, dtype) for x in np.broadcast_arrays(*(x.array for x in same)))
    slope_error = parts(np.divide, a.array, b.array)
    return u.float(lift(np.divide, a.array, b.array), a.dtype, slope_error=slope_error)


def truncated(u: Universe, *operands: Any) -> Value:
    arrays, dtype = together(u, *operands)
    if dtype == "bool":
        raise Undefined("bool")
    if dtype in FLOATS:
        quotient = u.float(np.divide(*(a.real for a in arrays)), dtype)
        return u.float(np.trunc(quotient.array), dtype, exact=True)
    return Value(_truncated_quotient(*arrays).astype(dtype), dtype)


def _mod(meaning: Callable[..., Value]) -> Callable[..., Value]:
    """Where the quotient has hardly a digit behind its point, what is left of an operand that is
    not exact can be anything."""

    def checked(u: Universe, *operands: Any) -> Value:
        value = meaning(u, *operands)
        if not (value.is_float and u.inexact):
            return value
        (a, b), dtype = together(u, *operands)
        return u.unspecified(value, np.abs(a.real / b.real) > 2.0 ** (DIGITS[dtype] - 4))

    return checked


def logaddexp(u: Universe, *operands: Any) -> Value:
    """The larger operand and what the other adds: near 0 they cancel."""
    (a, b), dtype = together(u, *operands)
    if dtype not in FLOATS:
        raise Undefined("not for this dtype")
    largest = np.maximum(np.abs(a.real), np.abs(b.real))
    error = 8 * unit(np.where(np.isfinite(largest), largest, 0), dtype)
    slope_error = parts(_logaddexp, a, b)
    return u.float(lift(_logaddexp, a, b), dtype, error=error, slope_error=slope_error)


ADD = with_bools(binary(np.add, np.add), np.logical_or)
SUB = binary(np.subtract, np.subtract)
MUL = with_bools(binary(np.multiply, np.multiply), np.logical_and)
MAXIMUM = with_bools(binary(_larger, np.maximum, exact=True, loose_zero=True), np.logical_or)
MINIMUM = with_bools(binary(_smaller, np.minimum, exact=True, loose_zero=True), np.logical_and)
FLOOR_DIVIDE = binary(_float_floor, _floor_quotient, loose_zero=True)
REMAINDER = _mod(binary(_float_mod(np.remainder), _remainder, loose_zero=True))
FMOD = _mod(binary(_float_mod(np.fmod), _fmod, exact=True))
_LT, _LE, _GT, _GE = (compare(f) for f in (np.less, np.less_equal, np.greater, np.greater_equal))
_EQ, _NE = compare(np.equal), compare(np.not_equal)
_AND, _OR, _XOR = (bits(f) for f in (np.bitwise_and, np.bitwise_or, np.bitwise_xor))

# name: meaning, how it is written with operands x and y
BINARY: dict[str, tuple[Callable[..., Value], str]] = {
    "add": (ADD, ""), "__add__": (ADD, "+"), "__radd__": (ADD, "r+"),
    "sub": (SUB, ""), "__sub__": (SUB, "-"), "__rsub__": (SUB, "r-"),
    "mul": (MUL, ""), "multiply": (MUL, ""), "__mul__": (MUL, "*"), "__rmul__": (MUL, "r*"),
    "maximum": (MAXIMUM, ""), "minimum": (MINIMUM, ""),
    "div": (divided, ""), "divide": (divided, ""), "true_divide": (divided, ""),
    "__truediv__": (divided, "/"), "__rtruediv__": (divided, "r/"),
    "logaddexp": (logaddexp, ""),
    "fmod": (FMOD, ""), "remainder": (REMAINDER, ""),
    "__mod__": (REMAINDER, "%"), "__rmod__": (REMAINDER, "r%"),
}  # fmt: skip
DISCRETE: dict[str, tuple[Callable[..., Value], str]] = {
    "floor_divide": (FLOOR_DIVIDE, ""), "__floordiv__": (FLOOR_DIVIDE, "//"),
    "__rfloordiv__": (FLOOR_DIVIDE, "r//"),
    "lt": (_LT, ""), "less": (_LT, ""), "__lt__": (_LT, "<"),
    "le": (_LE, ""), "less_equal": (_LE, ""), "__le__": (_LE, "<="),
    "gt": (_GT, ""), "greater": (_GT, ""), "__gt__": (_GT, ">"),
    "ge": (_GE, ""), "greater_equal": (_GE, ""), "__ge__": (_GE, ">="),
    "eq": (_EQ, ""), "__eq__": (_EQ, "=="), "ne": (_NE, ""), "not_equal": (_NE, ""),
    "__ne__": (_NE, "!="),
    "logical_and": (logical(np.logical_and), ""), "logical_or": (logical(np.logical_or), ""),
    "logical_xor": (logical(np.logical_xor), ""),
    "bitwise_and": (_AND, ""), "bitwise_or": (_OR, ""), "bitwise_xor": (_XOR, ""),
    "__and__": (_AND, "&"), "__or__": (_OR, "|"), "__xor__": (_XOR, "^"),
    "__rand__": (_AND, "r&"), "__ror__": (_OR, "r|"), "__rxor__": (_XOR, "r^"),
}  # fmt: skip


def _emit_binary(g: Maker, name: str, meaning: Callable[..., Value], sign: str) -> object:
    bitwise = meaning in (_AND, _OR, _XOR)
    x = g.pick(lambda r: not (bitwise and r.value.is_float))
    reflected = sign.startswith("r")
    if reflected or g.r.random() < 0.3:
        number = g.number(x.dtype)
        if meaning is divided and not reflected and g.r.random() < 0.3:
            number = g.r.choice((256, 1000, -300))  # beyond small dtypes: nothing may wrap
        if bitwise and isinstance(number, float):
            raise Undefined("bits of floats")
        if reflected:
            text = f"{number!r} {sign[1:]} {x}"
            return g.emit(name, text, lambda u, x: meaning(u, number, x), x)
        text = f"{x} {sign} ({number!r})" if sign else f"{x}.{name}({number!r})"
        return g.emit(name, text, lambda u, x: meaning(u, x, number), x)
    y = g.partner(x)
    text = f"{x} {sign} {y}" if sign else f"{x}.{name}({y})"
    return g.emit(name, text, meaning, x, y)


@row(*BINARY, smooth=True, weight=12)
def arithmetic(g: Maker, name: str) -> object:
    return _emit_binary(g, name, *BINARY[name])


@row(*DISCRETE, weight=6)
def discrete(g: Maker, name: str) -> object:
    return _emit_binary(g, name, *DISCRETE[name])


@row("add_", "sub_", "mul_", "div_", "__iadd__", "__isub__", "__imul__", "__itruediv__",
     smooth=True, weight=2)  # fmt: skip
def in_place(g: Maker, name: str) -> object:
    """On a copy, so that no other name sees the change."""
    stem = name.strip("_").removeprefix("i") if name.startswith("__") else name[:-1]
    meaning = {"add": ADD, "sub": SUB, "mul": MUL, "div": divided, "truediv": divided}[stem]
    x = g.pick(lambda r: not r.value.is_bool)
    y = g.partner(x)
    if np.broadcast_shapes(x.shape, y.shape) != x.shape:
        raise Undefined("does not fit in place")
    both = meaning(Universe(), x.value, y.value)
    if both.is_float and not x.value.is_float:
        raise Undefined("a float into an integer")
    return g.emit(
        name, f"{x}.clone().{name}({y})", lambda u, x, y: cast(u, meaning(u, x, y), x.dtype), x, y
    )


@row("div_rounded", weight=0.5)
def div_rounded(g: Maker, name: str) -> object:
    x = g.pick()
    y = g.partner(x)
    mode, meaning = g.r.choice((("floor", FLOOR_DIVIDE), ("trunc", truncated)))
    return g.emit("div", f"{x}.div({y}, rounding_mode={mode!r})", meaning, x, y)


@row("scaled_add", smooth=True, weight=0.5)
def scaled_add(g: Maker, name: str) -> object:
    x = g.pick(lambda r: not r.value.is_bool)
    y = g.partner(x)
    if y.value.is_bool:
        raise Undefined("bool")
    alpha = g.number(y.dtype)
    method, function = g.r.choice((("add", ADD), ("sub", SUB)))

    def meaning(u: Universe, x: Value, y: Value) -> Value:
        return function(u, x, MUL(u, y, alpha))

    return g.emit(method, f"{x}.{method}({y}, alpha={alpha!r})", meaning, x, y)


@row("pow", "__pow__", "__rpow__", smooth=True, weight=2)
def power(g: Maker, name: str) -> object:
    x = g.pick(lambda r: not r.value.is_bool)

    def meaning(u: Universe, a: Any, b: Any) -> Value:
        arrays, dtype = together(u, a, b)
        if dtype not in FLOATS:
            if dtype == "bool" or np.any(arrays[1] < 0):
                raise Undefined("integers to negative powers")
            return Value(_integer_power(*arrays), dtype)
        base, exponent = arrays
        if not isinstance(b, Value) and b in (
            0.5,
            -0.5,
        ):  # roots, which differ from pow at -0, -inf
            function = root if b > 0 else lambda x: 1 / np.sqrt(x)
            return u.float(lift(function, base), dtype, 4)
        growth = np.abs(exponent.real * np.log(np.abs(np.where(base.real == 0, 1, base.real))))
        value = _float_power(base, exponent)
        if not isinstance(b, Value) and float(b).is_integer():  # products
            return u.float(value, dtype, 4, loose_zero=True)
        error = unit(value.real, dtype) * (4 + 4 * np.nan_to_num(growth, nan=0, posinf=0))
        return u.float(value, dtype, error=np.nan_to_num(error, posinf=0), loose_zero=True)

    if name == "__rpow__":
        base = g.r.choice((2, 3) if not x.value.is_float else (2, 0.5, 3.0))
        return g.emit(name, f"{base} ** {x}", lambda u, x: meaning(u, base, x), x)
    if g.r.random() < 0.7:
        whole = (0, 1, 2, 3, 5)
        exponent = g.r.choice(
            whole if not x.value.is_float else (*whole, -1, -2, 0.5, -0.5, 1.5, 2.5)
        )
        return g.emit(name, f"{x} ** {exponent}", lambda u, x: meaning(u, x, exponent), x)
    y = g.partner(x)
    return g.emit(name, f"{x} ** {y}" if name != "pow" else f"{x}.pow({y})", meaning, x, y)


def _integer_power(base: Array, exponent: Array) -> Array:
    result, square, rest = np.ones_like(base), base.copy(), exponent.copy()
    while np.any(rest > 0):
        result = np.where(rest & 1, result * square, result)
        square = square * square
        rest = rest >> 1
    return result


def _float_power(base: Array, exponent: Array) -> Array:
    real = np.power(base.real, exponent.real)
    if not (np.iscomplexobj(base) or np.iscomplexobj(exponent)):
        return real
    slope = exponent.real * np.power(base.real, exponent.real - 1)
    along = slope * base.imag
    if np.iscomplexobj(exponent) and np.any(exponent.imag):
        along = along + real * np.log(base.real) * exponent.imag
    along = np.where((base.imag == 0) & (exponent.imag == 0), 0, along)
    # an infinite slope at 0 is NaN in reverse where it meets a 0, see ``root``
    return real + 1j * np.where((base.real == 0) & (exponent.real < 1), np.nan, along)


@row("__rlshift__", "__rrshift__")
def shifted(g: Maker, name: str) -> object:
    """A number, by a tensor of as many bits as there may be."""
    x = g.pick(lambda r: r.value.is_int)
    number, bits = g.r.randrange(100), 8 * np.dtype(x.dtype).itemsize - 1
    function = np.left_shift if name == "__rlshift__" else np.right_shift
    sign = "<<" if function is np.left_shift else ">>"

    def meaning(u: Universe, x: Value) -> Value:
        by = np.bitwise_and(x.array, np.asarray(bits, x.dtype))
        return Value(function(np.asarray(number).astype(x.dtype), by), x.dtype)

    return g.emit(name, f"{number} {sign} ({x} & {bits})", meaning, x)


@row("__lshift__", "__rshift__")
def shift(g: Maker, name: str) -> object:
    x = g.pick(lambda r: r.value.is_int)
    by = g.r.randrange(8 * np.dtype(x.dtype).itemsize)
    function = np.left_shift if name == "__lshift__" else np.right_shift

    def meaning(u: Universe, x: Value) -> Value:
        return Value(function(x.array, np.asarray(by).astype(x.dtype)), x.dtype)

    return g.emit(name, f"{x} {'<<' if function is np.left_shift else '>>'} {by}", meaning, x)


# -- choice ------------------------------------------------------------------------------------


def _condition(g: Maker, x: Ref) -> Ref:
    y = g.partner(x)
    return y if y.value.is_bool else g.emit("gt", f"{y} > 0", lambda u, y: _GT(u, y, 0), y)


def chosen(u: Universe, condition: Value, x: Any, y: Any) -> Value:
    (a, b), dtype = together(u, x, y)
    return Value(np.where(condition.array, a, b), dtype)


@row("where", "masked_fill", smooth=True, weight=2)
def where(g: Maker, name: str) -> object:
    x = g.pick()
    mask = _condition(g, x)
    filler = g.number(x.dtype)
    if name == "masked_fill":
        return g.emit(
            name, f"{x}.masked_fill({mask}, {filler!r})",
            lambda u, x, m: cast(u, chosen(u, m, filler, x), x.dtype), x, mask,
        )  # fmt: skip
    if g.r.random() < 0.4:
        text = f"{x}.where({mask}, {filler!r})"
        return g.emit(name, text, lambda u, x, m: chosen(u, m, x, filler), x, mask)
    y = g.partner(x)
    return g.emit(
        name, f"{x}.where({mask}, {y})", lambda u, x, m, y: chosen(u, m, x, y), x, mask, y
    )


@row("clamp", "clip", "clamp_", smooth=True, weight=2)
def clamp(g: Maker, name: str) -> object:
    x = g.pick(lambda r: not r.value.is_bool)
    numbers = (-2, 0, 1, 3) if not x.dtype.startswith("u") else (0, 1, 3)
    if x.value.is_float:
        numbers = (*numbers, -0.5, 2.5)
    elif g.r.random() < 0.3:
        numbers = (0, 300, 3) if x.dtype.startswith("u") else (-1000, 1, 1000)
    least, most = sorted(g.r.sample(numbers, 2))
    kind = g.r.randrange(3)
    if g.r.random() < 0.25 and name != "clamp_":
        y = g.partner(x)
        if y.value.is_bool:
            raise Undefined("bool")
        return g.emit(name, f"{x}.{name}({y})", lambda u, x, y: _clamped(u, x, y, None), x, y)
    low, high = None if kind == 1 else least, None if kind == 2 else most
    target = f"{x}.clone()" if name == "clamp_" else f"{x}"
    return g.emit(
        name, f"{target}.{name}({low}, {high})", lambda u, x: _clamped(u, x, low, high), x
    )


def _clamped(u: Universe, x: Value, low: Any, high: Any) -> Value:
    limits = [_fitting(limit, x.dtype) for limit in (low, high) if limit is not None]
    (array, *bounds), dtype = together(u, x, *limits)
    if low is not None:
        least = bounds[0]
        # the limit's own NaN counts, and x keeps its derivative where they are equal
        array = np.where(array.real < least.real, least, array)
        array = np.where(np.isnan(least.real), np.nan, array) if dtype in FLOATS else array
    if high is not None:
        most = bounds[-1]
        array = np.where(array.real > most.real, most, array)
        array = np.where(np.isnan(most.real), np.nan, array) if dtype in FLOATS else array
    return result(u, array, dtype, exact=True, loose_zero=True)


def _fitting(limit: Any, dtype: str) -> Any:
    """A limit beyond what a dtype holds limits nothing."""
    if isinstance(limit, Value) or dtype not in INTS:
        return limit
    return min(max(limit, int(np.iinfo(dtype).min)), int(np.iinfo(dtype).max))


@row("lerp", smooth=True)
def lerp(g: Maker, name: str) -> object:
    x = g.float()
    y, weight = g.like(x), g.r.choice((0.5, 0.25, 0.9))

    def meaning(u: Universe, x: Value, y: Value) -> Value:
        way = SUB(u, y, x)
        if weight < 0.5:
            return ADD(u, x, MUL(u, way, weight))
        return SUB(u, y, MUL(u, way, 1 - weight))

    return g.emit(name, f"{x}.lerp({y}, {weight})", meaning, x, y)


@row("isclose", "allclose", "equal", weight=1.5)
def close(g: Maker, name: str) -> object:
    x = g.pick()
    y = g.like(x) if g.r.random() < 0.7 else x
    nan = g.r.random() < 0.5

    def isclose(u: Universe, x: Value, y: Value) -> Value:
        (a, b), dtype = together(u, x, y)
        near = a == b
        if dtype in FLOATS:
            gap, bound = np.abs(a.real - b.real), 1e-8 + 1e-5 * np.abs(b.real)
            # what is near the bound depends on how it is rounded
            unsure = np.abs(gap - bound) < bound * 2.0 ** (4 - DIGITS[dtype])
            near = near | ((gap <= bound) & np.isfinite(b.real))
            near = near | (np.isnan(a.real) & np.isnan(b.real)) if nan else near
            return u.unspecified(Value(near, "bool"), unsure)
        return Value(near, "bool")

    if name == "equal":
        return g.emit(
            name, f"Tensor({x}.equal({y}), device=D)",
            lambda u, x, y: Value(np.asarray(np.array_equal(x.real, y.real)), "bool"),
            x, y, host=True,
        )  # fmt: skip
    if name == "allclose":
        return g.emit(
            name, f"Tensor({x}.allclose({y}, equal_nan={nan}), device=D)",
            lambda u, x, y: Value(np.asarray(np.all(isclose(u, x, y).array)), "bool"),
            x, y, host=True,
        )  # fmt: skip
    return g.emit(name, f"{x}.isclose({y}, equal_nan={nan})", isclose, x, y)


# -- dtypes ------------------------------------------------------------------------------------

CASTS = {
    "bool": "bool", "byte": "uint8", "short": "int16", "int": "int32", "long": "int64",
    "half": "float16", "bfloat16": "bfloat16", "float": "float32", "double": "float64",
}  # fmt: skip


@row(*CASTS, "cast", "to", "type", "type_as", smooth=True, weight=8)
def casts(g: Maker, name: str) -> object:
    x = g.pick()
    if g.smooth and name in ("bool", "byte", "short", "int", "long"):
        raise Undefined("no derivative")
    dtype = CASTS.get(name) or g.r.choice(FLOATS if g.smooth else ALL)
    if name == "type_as":
        y = g.pick()
        return g.emit(name, f"{x}.type_as({y})", lambda u, x, y: cast(u, x, y.dtype), x, y)
    argument = "" if name in CASTS else repr(dtype)
    return g.emit(name, f"{x}.{name}({argument})", lambda u, x: cast(u, x, dtype), x)


@row("detach", smooth=True, weight=0.5)
def detach(g: Maker, name: str) -> object:
    x = g.pick()
    return g.emit(name, f"{x}.detach()", lambda u, x: _constant(x), x)


def _constant(x: Value) -> Value:
    return Value(x.real + 0j if np.iscomplexobj(x.array) else x.array, x.dtype)
