"""Distributions, from the random words of ``threefry``.

The same key gives the same bits on every device: only integers, and operations that IEEE 754
rounds in one way, arranged so that compilers cannot fuse them into others. Of devices whose
division and square roots are not correctly rounded, normal numbers may differ in the last bits.
"""

from __future__ import annotations

import math
from typing import NamedTuple

from lazygrad import ops
from lazygrad.element_types import (
    DType,
    accumulator,
    bfloat16,
    bool_,
    float16,
    float32,
    float64,
    int64,
    uint32,
    uint64,
)
from lazygrad.errors import DtypeError, ValueRangeError
from lazygrad.graph import Node, node
from lazygrad.lang.creation import full, iota
from lazygrad.lang.elementwise import add, minimum, mul, where
from lazygrad.lang.gaussian import box_muller
from lazygrad.lang.operands import cast, full_like, require_float, to_float, widened, zeros_like
from lazygrad.lang.sort import sort_last
from lazygrad.lang.threefry import random_bits, random_words, top_bits
from lazygrad.shape import Shape

SELU_LOWEST = -1.7580993408473766  # what selu goes to far below 0


class Format(NamedTuple):
    """Of a float dtype: the bits of a significand, the hidden one included; the exponent of the
    smallest number; and the one that no number reaches."""

    digits: int
    smallest: int
    end: int

    @property
    def largest(self) -> float:
        return math.ldexp(1.0 - 2.0**-self.digits, self.end)


FORMATS = {
    float16: Format(11, -24, 16), bfloat16: Format(8, -133, 128),
    float32: Format(24, -149, 128), float64: Format(53, -1074, 1024),
}  # fmt: skip


# -- evenly distributed ------------------------------------------------------------------------


def uniform(
    key: Node, shape: Shape, dtype: DType = float32, low: float = 0.0, high: float = 1.0
) -> Node:
    """Evenly distributed in [low, high), bounds as ``dtype`` holds them; ``low`` where they are
    equal. Without bounds multiples of 2**-24 (float16: 2**-11, bfloat16: 2**-8, float64: 2**-53).

    Raises:
        DtypeError: for a dtype that is no float.
        ValueRangeError: if low > high, or if bounds or their distance exceed the dtype.
    """
    _require_float("uniform", dtype)
    if (low, high) == (0.0, 1.0):
        return cast(_fraction(key, shape, dtype), dtype)
    low, high = _float_bounds(low, high, dtype)
    if low == high:
        return full(shape, low, dtype, key.device)
    # Halves are computed in float32 and rounded once. The distance is m * 2**e: the last product
    # is exact, so fused with the sum, or with a sum that follows, it gives the same.
    mantissa, exponent = math.frexp(high - low)
    fraction = _fraction(key, shape, accumulator(dtype))
    scaled = mul(mul(fraction, 2.0 * mantissa), 2.0 ** (exponent - 1))
    value = cast(add(scaled, low) if low else scaled, dtype)
    return minimum(value, _below(high, dtype))  # which rounding may have reached


def _fraction(key: Node, shape: Shape, dtype: DType) -> Node:
    """In [0, 1), with as many bits as ``dtype`` holds everywhere; the small floats as float32."""
    high, low = random_words(key, shape)
    if dtype is float64:
        upper = mul(cast(top_bits(high, 27), float64), 2.0**26)
        return mul(add(upper, cast(top_bits(low, 26), float64)), 2.0**-53)
    bits = FORMATS[dtype].digits
    return mul(cast(top_bits(high, bits), float32), 2.0**-bits)


def _float_bounds(low: float, high: float, dtype: DType) -> tuple[float, float]:
    """The bounds of ``uniform`` as ``dtype`` holds them."""
    if not low <= high:
        raise ValueRangeError(f"[uniform] needs low <= high, got {low} and {high}")
    first, last = dtype.rounded(low), dtype.rounded(high)
    largest = FORMATS[dtype].largest
    if not (-largest <= first and last <= largest and last - first <= largest):
        raise ValueRangeError(
            f"[uniform] low = {low} and high = {high}, and their distance, must not exceed "
            f"{largest:.6g}, the largest number of {dtype.name}; choose another dtype"
        )
    return first, last


def _below(number: float, dtype: DType) -> float:
    """The largest number of ``dtype`` below one of its numbers."""
    digits, smallest, _ = FORMATS[dtype]
    mantissa, exponent = math.frexp(number)
    gap = exponent - digits - (mantissa == 0.5)  # a power of two has closer numbers below it
    return number - math.ldexp(1.0, max(gap, smallest) if number else smallest)


# -- normal ------------------------------------------------------------------------------------


def normal(
    key: Node, shape: Shape, dtype: DType = float32, mean: float = 0.0, std: float = 1.0
) -> Node:
    """Normal numbers with this mean and standard deviation, out to 6.7 deviations.

    Raises:
        DtypeError: for a dtype that is no float.
        ValueRangeError: for a negative deviation, or NaN.
    """
    _require_float("normal", dtype)
    if not std >= 0.0:
        raise ValueRangeError(f"[normal] std must not be negative, got {std}")
    value = box_muller(*random_words(key, shape), accumulator(dtype), std)
    return cast(add(value, mean) if mean else value, dtype)


def _require_float(op: str, dtype: DType) -> None:
    if not dtype.is_floating_point:
        raise DtypeError(f"[{op}] needs a float dtype, got {dtype.name}")


# -- integers ----------------------------------------------------------------------------------


def randint(key: Node, low: int, high: int, shape: Shape, dtype: DType = int64) -> Node:
    """Integers in [low, high): 64 random bits modulo their number, so that one may come up more
    often than another, by a factor of at most ``1 + number / (2**64 - number)``.

    Raises:
        ValueRangeError: if there is none, or if ``dtype`` does not hold all of them exactly.
    """
    if not low < high:
        raise ValueRangeError(f"[randint] needs low < high, got {low} and {high}")
    _require_fit("randint", low, high - 1, dtype)
    drawn = _joined_words(*random_words(key, shape))
    if high - low < 1 << 64:
        drawn = node(ops.MOD, _with_constant(drawn, high - low))
    # uint64 wraps around, and a cast to fewer bits keeps the lower ones: right for negatives too
    return _from_uint64(add(drawn, low % (1 << 64)), dtype)


def _require_fit(op: str, low: int, high: int, dtype: DType) -> None:
    """Every integer from ``low`` to ``high`` is a number of ``dtype``."""
    if dtype.is_floating_point:
        largest = 1 << FORMATS[dtype].digits
        smallest = -largest
    else:
        smallest, largest = int(dtype.min), int(dtype.max)
    if low < smallest or high > largest:
        raise ValueRangeError(
            f"[{op}] the integers from {low} to {high} do not fit {dtype.name}, which holds all "
            f"from {smallest} to {largest}; choose another dtype"
        )


def _from_uint64(x: Node, dtype: DType) -> Node:
    """Two's complement in 64 bits as numbers of ``dtype``."""
    return cast(cast(x, int64) if dtype.is_floating_point else x, dtype)


def _joined_words(high: Node, low: Node) -> Node:
    """Two uint32 words as one uint64."""
    upper = cast(high, uint64)
    return add(mul(upper, 1 << 32), cast(low, uint64))


def _with_constant(x: Node, value: int) -> tuple[Node, Node]:
    return x, full_like(x, value)


def permutation(key: Node, count: int, dtype: DType = int64) -> Node:
    """0 ... count - 1 in random order: positions sorted by random words (ties, of which there are
    few, stay in order).

    Raises:
        ValueRangeError: for a negative count, or if ``dtype`` does not hold all of them exactly.
    """
    if count < 0:
        raise ValueRangeError(f"[randperm] n must not be negative, got {count}")
    _require_fit("randperm", 0, max(count - 1, 0), dtype)
    words = cast(random_bits(key, (count,)), uint64)
    place = cast(iota(count, key.device, uint32), uint64)
    ordered = sort_last(add(mul(words, 1 << 32), place))
    return _from_uint64(node(ops.MOD, _with_constant(ordered, 1 << 32)), dtype)


# -- choices -----------------------------------------------------------------------------------


def bernoulli(key: Node, probability: float, shape: Shape) -> Node:
    """Bool: True with ``probability``, to a multiple of 2**-32."""
    if not 0.0 <= probability <= 1.0:
        raise ValueRangeError(f"[bernoulli] a probability is in [0, 1], got {probability}")
    threshold = round(probability * (1 << 32))
    bits = random_bits(key, shape)
    if threshold >= 1 << 32:
        return full_like(bits, True, bool_)
    return node(ops.LT, (bits, full_like(bits, threshold)))


def dropout(x: Node, key: Node, probability: float, shape: Shape | None = None) -> Node:
    """Elements zeroed with ``probability``; the others scaled to keep the mean. ``shape``, which
    broadcasts to that of ``x``, says what is decided as one."""
    if not 0.0 <= probability <= 1.0:
        raise ValueRangeError(f"[dropout] a probability is in [0, 1], got {probability}")
    if probability == 1.0:
        return mul(x, 0.0)
    x = to_float(x)
    kept = bernoulli(key, 1.0 - probability, x.shape if shape is None else shape)
    # a large factor may exceed the small floats, and times the zeros of a gradient would be NaN
    scaled = cast(mul(widened(x), 1.0 / (1.0 - probability)), x.dtype)
    return where(kept, scaled, zeros_like(x))


def alpha_dropout(x: Node, key: Node, probability: float, shape: Shape) -> Node:
    """Elements set to the lowest value of selu with ``probability``, and all of them scaled and
    moved so that mean 0 and variance 1 stay (Klambauer and others, 2017); ``shape`` as in
    ``dropout``."""
    require_float("alpha_dropout", x)
    if probability == 1.0:
        return mul(x, 0.0)
    kept = bernoulli(key, 1.0 - probability, shape)
    scale = ((1.0 - probability) * (1.0 + probability * SELU_LOWEST**2)) ** -0.5
    value = where(kept, widened(x), SELU_LOWEST)
    return cast(add(mul(value, scale), -scale * SELU_LOWEST * probability), x.dtype)
