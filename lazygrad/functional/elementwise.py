"""Functions of each element, and of pairs of elements."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, NamedTuple

from lazygrad.arguments import require_range
from lazygrad.bridge import read, required, wrap
from lazygrad.errors import ValueRangeError
from lazygrad.functional.arguments import Number, Operand
from lazygrad.functional.maps import binary, either, unary
from lazygrad.graph import Node
from lazygrad.lang import arithmetic, comparison, elementwise, floats, rounding, transcendental
from lazygrad.public import alias, public

if TYPE_CHECKING:
    from lazygrad.tensor_class import Tensor

MOST_DECIMALS = 308  # powers of 10 in float64


neg = unary(elementwise.neg, "Tensor([1.0, -2.0]).neg().tolist()", "[-1.0, 2.0]")
abs = unary(elementwise.abs, "Tensor([-1.5, 2.0]).abs().tolist()", "[1.5, 2.0]")
sign = unary(
    elementwise.sign, 'Tensor([-3.0, 0.0, float("nan")]).sign().tolist()', "[-1.0, 0.0, 0.0]"
)
reciprocal = unary(elementwise.reciprocal, "Tensor([4, 0]).reciprocal().tolist()", "[0.25, inf]")
square = unary(elementwise.square, "Tensor([-3, 2]).square().tolist()", "[9, 4]")
sqrt = unary(elementwise.sqrt, "Tensor([9.0, -1.0]).sqrt().tolist()", "[3.0, nan]")
rsqrt = unary(elementwise.rsqrt, "Tensor([4.0, 0.0]).rsqrt().tolist()", "[0.5, inf]")
exp = unary(elementwise.exp, "Tensor([0, 1]).exp().realize()", "Tensor([1.    , 2.7183])")
expm1 = unary(transcendental.expm1, "Tensor(1e-10).expm1().item() > 0", "True")
log = unary(elementwise.log, "Tensor([1.0, 0.0, -1.0]).log().tolist()", "[0.0, -inf, nan]")
log1p = unary(
    transcendental.log1p, "Tensor([1e-10, -1.0]).log1p().realize()", "Tensor([1.e-10,   -inf])"
)
log2 = unary(transcendental.log2, "Tensor([8.0, 0.5]).log2().tolist()", "[3.0, -1.0]")
log10 = unary(transcendental.log10, "Tensor([1000.0, 0.1]).log10().realize()", "Tensor([ 3., -1.])")
sin = unary(elementwise.sin, "Tensor([0.0, lazygrad.pi / 2]).sin().tolist()", "[0.0, 1.0]")
cos = unary(elementwise.cos, "Tensor([0.0, lazygrad.pi]).cos().tolist()", "[1.0, -1.0]")
tan = unary(elementwise.tan, "Tensor([0.0, lazygrad.pi / 4]).tan().realize()", "Tensor([0., 1.])")
exp2 = unary(arithmetic.exp2, "Tensor([3, -1]).exp2().tolist()", "[8.0, 0.5]")
deg2rad = unary(
    arithmetic.deg2rad, "Tensor([180.0, 90.0]).deg2rad().realize()", "Tensor([3.1416, 1.5708])"
)
rad2deg = unary(arithmetic.rad2deg, "Tensor(lazygrad.pi).rad2deg().item()", "180.0")
positive = unary(arithmetic.positive, "Tensor([-1, 2]).positive().tolist()", "[-1, 2]")
signbit = unary(
    floats.signbit, "Tensor([-0.0, 0.0, -1.0]).signbit().tolist()", "[True, False, True]"
)
trunc = unary(rounding.trunc, "Tensor([-1.7, 1.7]).trunc().tolist()", "[-1.0, 1.0]")
floor = unary(rounding.floor, "Tensor([-1.2, 1.7]).floor().tolist()", "[-2.0, 1.0]")
ceil = unary(rounding.ceil, "Tensor([-1.2, 1.2]).ceil().tolist()", "[-1.0, 2.0]")
frac = unary(rounding.frac, "Tensor([-1.25, 1.25]).frac().tolist()", "[-0.25, 0.25]")
bitwise_not = unary(comparison.bitwise_not, "Tensor([0, 5]).bitwise_not().tolist()", "[-1, -6]")


mul = binary(elementwise.mul, "Tensor([[1], [2]]).mul(Tensor([3, 4])).tolist()", "[[3, 4], [6, 8]]")
floor_divide = binary(rounding.floor_divide, "Tensor([7, -7]).floor_divide(2).tolist()", "[3, -4]")
fmod = binary(rounding.fmod, "Tensor([7, -7]).fmod(3).tolist()", "[1, -1]")
remainder = either(rounding.remainder, "Tensor([7, -7]).remainder(3).tolist()", "[1, 2]")
pow = either(transcendental.pow, "lazygrad.pow(2, Tensor([3, 4])).tolist()", "[8, 16]")
float_power = either(
    arithmetic.float_power,
    "Tensor([2, 3]).float_power(2).realize()",
    "Tensor([4., 9.], dtype=float64)",
)
maximum = binary(
    elementwise.maximum,
    'Tensor([1.0, float("nan")]).maximum(Tensor([2.0, 2.0])).tolist()',
    "[2.0, nan]",
)
minimum = binary(
    elementwise.minimum,
    'Tensor([1.0, float("nan")]).minimum(Tensor([2.0, 2.0])).tolist()',
    "[1.0, nan]",
)
fmax = binary(
    arithmetic.fmax, 'Tensor([1.0, float("nan")]).fmax(Tensor([2.0, 2.0])).tolist()', "[2.0, 2.0]"
)
fmin = binary(
    arithmetic.fmin, 'Tensor([1.0, float("nan")]).fmin(Tensor([2.0, 2.0])).tolist()', "[1.0, 2.0]"
)
logaddexp = binary(
    transcendental.logaddexp,
    "Tensor([-1000.0]).logaddexp(Tensor([-1000.0])).realize()",
    "Tensor([-999.3068])",
)
logaddexp2 = binary(
    arithmetic.logaddexp2, "Tensor([100.0]).logaddexp2(Tensor([100.0])).tolist()", "[101.0]"
)
hypot = binary(
    arithmetic.hypot,
    "Tensor([3.0, 1e30]).hypot(Tensor([4.0, 1e30])).tolist()",
    "[5.0, 1.4142135130433894e+30]",
)
copysign = binary(
    floats.copysign, "Tensor([1.0, -2.0]).copysign(Tensor([-0.0, 0.0])).tolist()", "[-1.0, 2.0]"
)
nextafter = binary(
    floats.nextafter, "Tensor(1.0).nextafter(Tensor(2.0)).item()", "1.0000001192092896"
)
ldexp = binary(floats.ldexp, "Tensor([1.0, 3.0]).ldexp(Tensor([4, -1])).tolist()", "[16.0, 1.5]")
heaviside = binary(
    arithmetic.heaviside,
    "Tensor([-1.0, 0.0, 2.0]).heaviside(Tensor(0.5)).tolist()",
    "[0.0, 0.5, 1.0]",
)
gcd = binary(arithmetic.gcd, "Tensor([12, -8, 0]).gcd(Tensor([18, 12, 5])).tolist()", "[6, 4, 5]")
lcm = binary(arithmetic.lcm, "Tensor([4, 6]).lcm(Tensor([6, 0])).tolist()", "[12, 0]")
bitwise_and = either(comparison.bitwise_and, "Tensor([6, 5]).bitwise_and(3).tolist()", "[2, 1]")
bitwise_or = either(comparison.bitwise_or, "Tensor([6, 5]).bitwise_or(3).tolist()", "[7, 7]")
bitwise_xor = either(comparison.bitwise_xor, "Tensor([6, 5]).bitwise_xor(3).tolist()", "[5, 6]")


class Parts(NamedTuple):
    """What ``frexp()`` returns."""

    mantissa: Tensor
    exponent: Tensor


@public
def frexp(input: Tensor) -> Parts:
    """``(mantissa, exponent)``: of magnitude in [0.5, 1), and int32; their product, the second as
    a power of two, is ``input``.

    >>> mantissa, exponent = Tensor([8.0, 0.3]).frexp()
    >>> mantissa.tolist(), exponent.tolist()
    ([0.5, 0.6000000238418579], [4, -1])
    """
    mantissa, exponent = floats.frexp(read(input))
    return Parts(wrap(mantissa), wrap(exponent))


@public
def add(input: Tensor, other: Operand, *, alpha: Number = 1) -> Tensor:
    """``input + alpha * other``

    >>> Tensor([1.0, 2.0]).add(Tensor([10.0, 20.0]), alpha=0.5).tolist()
    [6.0, 12.0]
    """
    operand = _scaled("add", other, alpha, input)
    return wrap(elementwise.add(read(input), operand))


@public
def sub(input: Tensor, other: Operand, *, alpha: Number = 1) -> Tensor:
    """``input - alpha * other``

    >>> Tensor([1.0, 2.0]).sub(1, alpha=2).tolist()
    [-1.0, 0.0]
    """
    operand = _scaled("sub", other, alpha, input)
    return wrap(elementwise.sub(read(input), operand))


@public
def rsub(input: Tensor, other: Operand, *, alpha: Number = 1) -> Tensor:
    """``other - alpha * input``

    >>> Tensor([1.0, 2.0]).rsub(10).tolist()
    [9.0, 8.0]
    """
    own = read(input)
    return wrap(elementwise.sub(required("rsub", other, input), elementwise.scaled(own, alpha)))


@public
def addcmul(input: Tensor, tensor1: Tensor, tensor2: Tensor, *, value: Number = 1) -> Tensor:
    """``input + value * tensor1 * tensor2``

    >>> Tensor([1.0]).addcmul(Tensor([2.0]), Tensor([3.0]), value=0.5).tolist()
    [4.0]
    """
    return wrap(arithmetic.addcmul(read(input), read(tensor1), read(tensor2), value))


@public
def addcdiv(input: Tensor, tensor1: Tensor, tensor2: Tensor, *, value: Number = 1) -> Tensor:
    """``input + value * tensor1 / tensor2``, of floats.

    >>> Tensor([1.0]).addcdiv(Tensor([3.0]), Tensor([2.0]), value=2).tolist()
    [4.0]
    """
    return wrap(arithmetic.addcdiv(read(input), read(tensor1), read(tensor2), value))


def _scaled(op: str, other: Any, alpha: Number, like: Tensor) -> Any:
    return elementwise.scaled(required(op, other, like), alpha)


_DIVISIONS: dict[str | None, Callable[[Any, Any], Node]] = {
    None: elementwise.div,
    "trunc": rounding.trunc_divide,
    "floor": rounding.floor_divide,
}


@public
def div(input: Tensor, other: Operand, *, rounding_mode: str | None = None) -> Tensor:
    """True division, or rounded: "trunc" towards zero, "floor" down.

    >>> Tensor([7, -7]).div(2).tolist()
    [3.5, -3.5]
    >>> Tensor([7, -7]).div(2, rounding_mode="trunc").tolist()
    [3, -3]
    """
    if rounding_mode not in _DIVISIONS:
        raise ValueRangeError(
            f'[div] rounding_mode must be None, "trunc" or "floor", got {rounding_mode!r}'
        )
    return wrap(_DIVISIONS[rounding_mode](read(input), required("div", other, input)))


@public
def round(input: Tensor, decimals: int = 0) -> Tensor:
    """The nearest integer, halves to even; or the nearest multiple of 10**-decimals.

    >>> Tensor([0.5, 1.5, 2.5]).round().tolist()
    [0.0, 2.0, 2.0]
    >>> Tensor([1234.5]).round(decimals=-2).tolist()
    [1200.0]
    """
    require_range("round", -MOST_DECIMALS, MOST_DECIMALS, decimals=decimals)
    return wrap(rounding.round(read(input), decimals))


@public
def clamp(input: Tensor, min: Operand | None = None, max: Operand | None = None) -> Tensor:
    """Limited to [min, max], numbers or tensors.

    >>> Tensor([-2, 0, 5]).clamp(-1, 3).tolist()
    [-1, 0, 3]
    >>> Tensor([-2.0, 5.0]).clamp(max=Tensor([0.0, 3.0])).tolist()
    [-2.0, 3.0]
    """
    low = None if min is None else required("clamp", min, input)
    high = None if max is None else required("clamp", max, input)
    return wrap(elementwise.clamp(read(input), low, high))


@public
def clamp_min(input: Tensor, min: Operand) -> Tensor:
    """Limited to at least ``min``.

    >>> Tensor([-2.0, 5.0]).clamp_min(0).tolist()
    [0.0, 5.0]
    """
    return wrap(elementwise.clamp(read(input), required("clamp_min", min, input)))


@public
def clamp_max(input: Tensor, max: Operand) -> Tensor:
    """Limited to at most ``max``.

    >>> Tensor([-2.0, 5.0]).clamp_max(0).tolist()
    [-2.0, 0.0]
    """
    return wrap(elementwise.clamp(read(input), None, required("clamp_max", max, input)))


@public
def nan_to_num(
    input: Tensor, nan: float | None = 0.0, posinf: float | None = None,
    neginf: float | None = None,
) -> Tensor:  # fmt: skip
    """``nan`` for NaN; numbers for infinities, by default the largest and the smallest of the
    dtype.

    >>> Tensor([float("nan"), float("inf")]).nan_to_num(posinf=100.0).tolist()
    [0.0, 100.0]
    """
    return wrap(arithmetic.nan_to_num(read(input), nan or 0.0, posinf, neginf))


@public
def bitwise_left_shift(input: Tensor, other: int | Tensor) -> Tensor:
    """``input << other``, of integers.

    >>> Tensor([1, 3]).bitwise_left_shift(Tensor([4, 1])).tolist()
    [16, 6]
    """
    return wrap(comparison.lshift(read(input), required("bitwise_left_shift", other, input)))


@public
def bitwise_right_shift(input: Tensor, other: int | Tensor) -> Tensor:
    """``input >> other``, of integers; the sign stays, and negative ones round down.

    >>> Tensor([16, -1]).bitwise_right_shift(2).tolist()
    [4, -1]
    """
    return wrap(comparison.rshift(read(input), required("bitwise_right_shift", other, input)))


@public
def lerp(input: Tensor, end: Operand, weight: Operand) -> Tensor:
    """``input + weight * (end - input)``

    >>> Tensor([0.0, 10.0]).lerp(Tensor([10.0, 20.0]), 0.25).tolist()
    [2.5, 12.5]
    """
    to, share = required("lerp", end, input), required("lerp", weight, input)
    return wrap(elementwise.lerp(read(input), to, share))


@public
def masked_fill(input: Tensor, mask: Tensor, value: Operand) -> Tensor:
    """``value`` where ``mask`` holds, in this dtype.

    >>> x = Tensor([[1.0, 2.0], [3.0, 4.0]])
    >>> x.masked_fill(x > 2, float("-inf")).tolist()
    [[1.0, 2.0], [-inf, -inf]]
    """
    filler = required("masked_fill", value, input)
    return wrap(elementwise.masked_fill(read(input), read(mask), filler))


absolute = alias(abs, "absolute")
negative = alias(neg, "negative")
sgn = alias(sign, "sgn")
fix = alias(trunc, "fix")
subtract = alias(sub, "subtract")
multiply = alias(mul, "multiply")
divide = alias(div, "divide")
true_divide = alias(div, "true_divide")
clip = alias(clamp, "clip")
