"""Comparisons, and what is true or false."""

from tests.parity.case import SPECIAL, Case, booleans, exactly, integers, normal

ODD = exactly([[v] for v in SPECIAL]), exactly(SPECIAL)
SAME = {"less": "lt", "less_equal": "le", "greater": "gt", "greater_equal": "ge", "not_equal": "ne"}
MASK = booleans(3, 4)

CASES = [
    *[Case(name, lambda T, x, y, f=name: [getattr(T, f)(x, y), getattr(x, f)(0.5)], ODD, order=0)
      for name in ("lt", "le", "gt", "ge", "eq", "ne", *SAME)],
    *[Case(name, lambda T, x, f=name: [getattr(T, f)(x), getattr(x, f)()], [ODD[1]])
      for name in ("isnan", "isinf", "isfinite", "isposinf", "isneginf", "isreal")],
    *[Case(f"{name}, integers", lambda T, x, f=name: getattr(T, f)(x), [integers(-3, 3, 5)])
      for name in ("isnan", "isinf", "isfinite", "isposinf", "isneginf", "isreal")],
    *[Case(name, lambda T, x, y, f=name: getattr(T, f)(x, y), [integers(0, 2, 3, 1), normal(4)])
      for name in ("logical_and", "logical_or", "logical_xor")],
    Case("logical_not", lambda T, x: T.logical_not(x), [integers(0, 2, 7)]),
    Case("where", lambda T, m, x, y: T.where(m, x, y), [MASK, normal(3, 1), normal(4)]),
    Case("where, numbers", lambda T, m, x: [T.where(m, x, 2.0), T.where(m, 2, x),
                                            T.where(m, 1, 2), T.where(m, 1.5, 2)],
         [MASK, normal(3, 4)]),
    Case("where, method", lambda T, m, x: x.where(m, -x), [MASK, normal(3, 4)]),
    Case("where, places", lambda T, m: T.where(m), [MASK]),
    Case("isclose", lambda T, x, y: [T.isclose(x, y), T.isclose(x, y, equal_nan=True)], ODD, 0),
    Case("allclose", lambda T, x: [T.allclose(x, x + 1e-9), T.allclose(x, x + 1)], [normal(4)], 0),
    Case("equal", lambda T, x: [T.equal(x, x), T.equal(x, x + 1)], [normal(4)], order=0),
]  # fmt: skip
