"""Inverse circular functions, hyperbolic functions and their inverses."""

from tests.parity.case import Case, binary, elementwise, integers, uniform

ALIASES = ("arcsin", "arccos", "arctan", "arcsinh", "arctanh")

CASES = [
    *elementwise("asin", -0.95, 0.95),
    *elementwise("acos", -0.95, 0.95),
    *elementwise("atan"),
    *elementwise("sinh"),
    *elementwise("cosh"),
    *elementwise("asinh"),
    *elementwise("acosh", 1.1, 5),
    *elementwise("atanh", -0.9, 0.9),
    *binary("atan2"),
    *[
        Case(name, lambda T, x, f=name: [getattr(T, f)(x), getattr(x, f)()],
             [uniform(-0.9, 0.9, 5)], order=0)
        for name in ALIASES
    ],
    Case("arccosh", lambda T, x: [T.arccosh(x), x.arccosh()], [uniform(1.1, 5, 5)], order=0),
    Case("arctan2", lambda T, x, y: [T.arctan2(x, y), x.arctan2(y)],
         [uniform(-2, 2, 5), uniform(-2, 2, 5)], order=0),
    *[
        Case(f"{name}, integers", lambda T, x, f=name: getattr(T, f)(x), [integers(-1, 2, 7)])
        for name in ("asin", "atan", "sinh", "asinh")
    ],
]  # fmt: skip
