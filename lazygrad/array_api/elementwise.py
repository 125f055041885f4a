"""Functions of each element, and of pairs of elements."""

from __future__ import annotations

from typing import TYPE_CHECKING

from lazygrad.array_api.arguments import of_two, together
from lazygrad.functional import activation, compare as cmp, elementwise as ew, reals
from lazygrad.functional.arguments import Operand
from lazygrad.functional.elementwise import (
    abs as abs,
    ceil as ceil,
    cos as cos,
    exp as exp,
    expm1 as expm1,
    floor as floor,
    log as log,
    log1p as log1p,
    log2 as log2,
    log10 as log10,
    negative as negative,
    positive as positive,
    reciprocal as reciprocal,
    signbit as signbit,
    sin as sin,
    sqrt as sqrt,
    square as square,
    tan as tan,
    trunc as trunc,
)
from lazygrad.functional.trigonometry import (
    acos as acos,
    acosh as acosh,
    asin as asin,
    asinh as asinh,
    atan as atan,
    atan2 as angle_of,
    atanh as atanh,
    cosh as cosh,
    sinh as sinh,
)

if TYPE_CHECKING:
    from lazygrad.tensor_class import Tensor

isfinite, isinf, isnan, logical_not = cmp.isfinite, cmp.isinf, cmp.isnan, cmp.logical_not
tanh, conj, real, bitwise_invert = activation.tanh, reals.conj, reals.real, ew.bitwise_not

add = of_two(ew.add, "add")
atan2 = of_two(angle_of, "atan2")
bitwise_and = of_two(ew.bitwise_and, "bitwise_and")
bitwise_left_shift = of_two(ew.bitwise_left_shift, "bitwise_left_shift")
bitwise_or = of_two(ew.bitwise_or, "bitwise_or")
bitwise_right_shift = of_two(ew.bitwise_right_shift, "bitwise_right_shift")
bitwise_xor = of_two(ew.bitwise_xor, "bitwise_xor")
copysign = of_two(ew.copysign, "copysign")
divide = of_two(ew.divide, "divide")
equal = of_two(cmp.eq, "equal")
greater = of_two(cmp.greater, "greater")
greater_equal = of_two(cmp.greater_equal, "greater_equal")
hypot = of_two(ew.hypot, "hypot")
less = of_two(cmp.less, "less")
less_equal = of_two(cmp.less_equal, "less_equal")
logaddexp = of_two(ew.logaddexp, "logaddexp")
logical_and = of_two(cmp.logical_and, "logical_and")
logical_or = of_two(cmp.logical_or, "logical_or")
logical_xor = of_two(cmp.logical_xor, "logical_xor")
maximum = of_two(ew.maximum, "maximum")
minimum = of_two(ew.minimum, "minimum")
multiply = of_two(ew.multiply, "multiply")
nextafter = of_two(ew.nextafter, "nextafter")
not_equal = of_two(cmp.not_equal, "not_equal")
pow = of_two(ew.pow, "pow")
subtract = of_two(ew.subtract, "subtract")


def _floor_divide(x1: Tensor, x2: Tensor) -> Tensor:
    """The quotient rounded down; of infinities and by them that of the quotient itself, where
    PyTorch's is NaN, or -1."""
    below = ew.floor_divide(x1, x2)
    if not below.is_floating_point():
        return below
    finite = cmp.isfinite(x1) & cmp.isfinite(x2)
    return below.where(finite, ew.floor(ew.divide(x1, x2)))


def _remainder(x1: Tensor, x2: Tensor) -> Tensor:
    """The remainder with the sign of ``x2``; that of a zero as well, where PyTorch's has that of
    ``x1``."""
    rest = ew.remainder(x1, x2)
    return ew.copysign(rest, x2) if rest.is_floating_point() else rest


floor_divide = of_two(_floor_divide, "floor_divide")
remainder = of_two(_remainder, "remainder")


def clip(x: Tensor, /, min: Operand | None = None, max: Operand | None = None) -> Tensor:
    """Limited to [min, max], in the dtype of ``x``; NaN where one of the three is."""
    bounds = {name: b for name, b in (("min", min), ("max", max)) if b is not None}
    if not bounds:
        return x.clone()
    own, *given = together("clip", x, *bounds.values())
    return ew.clamp(own, **dict(zip(bounds, given, strict=True))).to(x.dtype)


def imag(x: Tensor, /) -> Tensor:
    """Zeros: all numbers are real."""
    return x.zeros_like()


def round(x: Tensor, /) -> Tensor:
    """The nearest integer, halves to even."""
    return ew.round(x)


def sign(x: Tensor, /) -> Tensor:
    """-1, 0 or 1; NaN of NaN, where PyTorch's gives 0."""
    found = ew.sign(x)
    return x.where(cmp.isnan(x), found) if x.is_floating_point() else found
