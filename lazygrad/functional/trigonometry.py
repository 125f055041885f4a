"""Inverse circular functions, hyperbolic functions and their inverses."""

from __future__ import annotations

from lazygrad.functional.maps import binary, unary
from lazygrad.lang import trigonometry
from lazygrad.public import alias

asin = unary(trigonometry.asin, "Tensor([1.0, 2.0]).asin().realize()", "Tensor([1.5708,    nan])")
acos = unary(trigonometry.acos, "Tensor([1.0, -1.0]).acos().realize()", "Tensor([0.    , 3.1416])")
atan = unary(
    trigonometry.atan, 'Tensor([1.0, float("inf")]).atan().realize()', "Tensor([0.7854, 1.5708])"
)
atan2 = binary(
    trigonometry.atan2,
    "Tensor([1.0, -1.0]).atan2(Tensor([-1.0, -1.0])).realize()",
    "Tensor([ 2.3562, -2.3562])",
)
sinh = unary(trigonometry.sinh, "Tensor([0.0, 1.0]).sinh().realize()", "Tensor([0.    , 1.1752])")
cosh = unary(trigonometry.cosh, "Tensor([0.0, 1.0]).cosh().realize()", "Tensor([1.    , 1.5431])")
asinh = unary(trigonometry.asinh, "Tensor([0.0, 1e-8]).asinh().tolist()[1] > 0", "True")
acosh = unary(trigonometry.acosh, "Tensor([1.0, 0.5]).acosh().tolist()", "[0.0, nan]")
atanh = unary(
    trigonometry.atanh, "Tensor([0.5, 1.0]).atanh().realize()", "Tensor([0.5493,    inf])"
)

arcsin = alias(asin, "arcsin")
arccos = alias(acos, "arccos")
arctan = alias(atan, "arctan")
arctan2 = alias(atan2, "arctan2")
arcsinh = alias(asinh, "arcsinh")
arccosh = alias(acosh, "arccosh")
arctanh = alias(atanh, "arctanh")
