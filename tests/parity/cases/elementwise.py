"""Functions of each element and of pairs of elements."""

from tests.parity.case import (
    SPECIAL,
    Case,
    binary,
    booleans,
    elementwise,
    exactly,
    integers,
    normal,
    special,
    uniform,
)

POSITIVE = uniform(0.5, 2, 3, 1), uniform(0.5, 2, 4)
WHOLE = exactly([[-9], [-1], [0], [3], [100]]), exactly([-7, -1, 0, 2, 5])
BITS = exactly([[-9], [0], [3]]), exactly([-7, 1, 12])
FEW = integers(1, 5, 3, 4)  # small numbers


def of_integers(*names: str) -> list[Case]:
    """Functions whose result of integers is a float."""
    return [
        Case(f"{name}, integers", lambda T, x, f=name: getattr(T, f)(x), [FEW]) for name in names
    ]


def alike(name: str, of: str, *inputs: object) -> Case:
    """Another name, function and method, of what has cases already."""
    return Case(name, lambda T, *xs: [getattr(T, name)(*xs), getattr(xs[0], name)(*xs[1:]),
                                      getattr(T, of)(*xs)], inputs, order=0)  # fmt: skip


CASES = [
    *elementwise("exp"),
    *elementwise("exp2"),
    *elementwise("expm1"),
    *elementwise("sin", specials=False),
    *elementwise("cos", specials=False),
    *elementwise("tan", -1.2, 1.2, specials=False),
    *elementwise("log", 0.1, 5),
    *elementwise("log2", 0.1, 5),
    *elementwise("log10", 0.1, 5),
    *elementwise("log1p", -0.8, 5),
    *elementwise("sqrt", 0.1, 5),
    *elementwise("rsqrt", 0.1, 5),
    *elementwise("square"),
    *elementwise("reciprocal", 0.2, 3),
    *elementwise("abs"),
    *elementwise("sign", order=1),
    *elementwise("neg"),
    *elementwise("floor", order=1),
    *elementwise("ceil", order=1),
    *elementwise("trunc", order=1),
    *elementwise("frac"),
    *elementwise("round", order=1),
    *elementwise("deg2rad"),
    *elementwise("rad2deg"),
    *elementwise("positive"),
    *elementwise("signbit", order=0, specials=False),
    Case("signbit, zeros", lambda T, x: T.signbit(x), [exactly([0.0, -0.0, 1.0, -1e30])]),
    Case("signbit, integers", lambda T, x: T.signbit(x), [exactly([0, -1, 2])]),
    *elementwise("nan_to_num"),
    Case("nan_to_num, numbers", lambda T, x: T.nan_to_num(x, 1.0, 2.0, -3.0), [special()]),
    *of_integers("exp2", "expm1", "log2", "log1p", "rsqrt", "deg2rad", "sign", "nan_to_num"),
    *[alike(new, old, normal(5)) for new, old in [
        ("absolute", "abs"), ("negative", "neg"), ("sgn", "sign"), ("fix", "trunc"),
    ]],
    Case("frexp", lambda T, x: T.frexp(x), [normal(3, 4, scale=100.0)]),
    Case("frexp, extremes", lambda T, x: T.frexp(x),
         [exactly([0.0, -0.0, 1.0, 0.5, 3.4e38, 1.2e-38, -2.0**-140])]),
    Case("frexp, half", lambda T, x: T.frexp(x), [exactly([65504.0, 0.3, -6e-8])], 0,
         ("float16",)),
    Case("bitwise_not", lambda T, x, y: [T.bitwise_not(x), T.bitwise_not(y)],
         [integers(-9, 9, 5), booleans(4)]),
    # pairs
    *binary("add"),
    *binary("sub"),
    *binary("mul"),
    *binary("div", b=uniform(0.5, 2, 2, 1)),
    *binary("maximum"),
    *binary("minimum"),
    *binary("fmax"),
    *binary("fmin"),
    *binary("hypot"),
    *binary("copysign", order=1),
    *binary("nextafter", order=0),
    *binary("logaddexp"),
    *binary("logaddexp2"),
    *binary("heaviside", order=0),
    *binary("fmod"),
    *binary("remainder"),
    *binary("floor_divide", order=0),
    Case("pow", lambda T, x, y: T.pow(x, y), [uniform(0.5, 2, 3, 1), uniform(-2, 2, 4)]),
    Case("pow, number", lambda T, x: [T.pow(x, 3), T.pow(2.0, x), x.pow(-0.5)], [POSITIVE[0]]),
    Case("float_power", lambda T, x, y: [T.float_power(x, y), T.float_power(2, y)], POSITIVE),
    Case("float_power, integers", lambda T, x: T.float_power(x, 2), [FEW]),
    *[alike(new, old, *POSITIVE) for new, old in [
        ("subtract", "sub"), ("multiply", "mul"), ("divide", "div"), ("true_divide", "div"),
    ]],
    Case("add, alpha", lambda T, x, y: [T.add(x, y, alpha=2), T.sub(x, y, alpha=0.5)],
         POSITIVE),
    Case("rsub", lambda T, x, y: [T.rsub(x, y, alpha=2), T.rsub(x, 3)], POSITIVE),
    Case("div, rounding",
         lambda T, x, y: [T.div(x, y, rounding_mode=m) for m in ("floor", "trunc")],
         [normal(3, 1), uniform(0.5, 2, 4)], order=1),
    # PyTorch's derivative takes 2 to a negative integer for 0
    Case("ldexp", lambda T, x, n: T.ldexp(x, n), [normal(3, 4), integers(-5, 6, 3, 4)], order=0),
    Case("ldexp, float", lambda T, x, y: T.ldexp(x, y), [normal(4), uniform(-2, 2, 4)]),
    Case("clamp", lambda T, x: [T.clamp(x, -0.5, 0.7), T.clip(x, max=0.1)], [normal(3, 4)]),
    Case("clamp, one side", lambda T, x: [T.clamp_min(x, 0.2), T.clamp_max(x, 0.2)],
         [normal(3, 4)]),
    Case("clamp, tensors", lambda T, x, y: [T.clamp_min(x, y), T.clamp_max(x, y)],
         [normal(3, 4), normal(4)]),
    Case("lerp", lambda T, x, y, w: T.lerp(x, y, w), [normal(3, 4), normal(3, 4), normal(3, 4)]),
    Case("lerp, number", lambda T, x, y: [T.lerp(x, y, w) for w in (0.3, 0.7, 1.0)],
         [normal(3, 4), normal(4)]),
    Case("addcmul", lambda T, x, y, z: T.addcmul(x, y, z, value=0.5),
         [normal(3, 4), normal(4), normal(3, 1)]),
    Case("addcmul, integers", lambda T, x: T.addcmul(x, x, x, value=2), [FEW]),
    Case("addcdiv", lambda T, x, y, z: T.addcdiv(x, y, z, value=0.5),
         [normal(3, 4), normal(4), uniform(0.5, 2, 3, 1)]),
    Case("masked_fill", lambda T, x, m: T.masked_fill(x, m, 7.0), [normal(3, 4), booleans(3, 4)]),
    # integers
    *[Case(f"{name}, integers", lambda T, x, y, f=name: getattr(T, f)(x, y), WHOLE)
      for name in ("gcd", "lcm", "fmax", "fmin", "copysign", "maximum")],
    *[Case(f"{name} of {dtype}", lambda T, x, y, f=name: getattr(T, f)(x, y),
           [integers(0, 120, 9, dtype=dtype), integers(0, 120, 9, dtype=dtype)])
      for name in ("gcd", "fmax") for dtype in ("uint8", "int8", "int32")],
    *[Case(name, lambda T, x, y, f=name: [getattr(T, f)(x, y), getattr(x, f)(y)], BITS)
      for name in ("bitwise_and", "bitwise_or", "bitwise_xor")],
    Case("bitwise, number", lambda T, x: [T.bitwise_and(x, 6), T.bitwise_xor(6, x)], [BITS[0]]),
    *[Case(f"{name} of {dtype}",
           lambda T, x, y, f=name: [getattr(T, f)(x, y), getattr(x, f)(y), getattr(T, f)(x, 2)],
           [integers(0, 100, 3, 1, dtype=dtype), integers(0, 7, 5, dtype=dtype)])
      for name in ("bitwise_left_shift", "bitwise_right_shift")
      for dtype in ("int64", "int32", "uint8", "int8")],
    Case("bitwise_right_shift, negative", lambda T, x, y: [T.bitwise_right_shift(x, y), x >> y],
         [exactly([[-9], [-1], [0], [8]]), exactly([0, 1, 3, 62])]),
    Case("bitwise_left_shift, operator", lambda T, x, y: x << y,
         [exactly([[-9], [1], [0]]), exactly([0, 1, 40])]),
    Case("special, pairs of doubles", lambda T, x, y: [T.hypot(x, y), T.nextafter(x, y)],
         [exactly([[v] for v in SPECIAL], "float64"), exactly(SPECIAL, "float64")], order=0),
]  # fmt: skip
