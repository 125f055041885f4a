"""Operators that compute each element from those at its place, and choices between them."""

from __future__ import annotations

from collections.abc import Callable
from functools import reduce
from typing import Any

import numpy as np

from lazygrad import element_types as dt
from lazygrad.onnx.operators.operator import Operator, Operators, plain
from lazygrad.onnx.types import Array, dtype_of
from lazygrad.tensor_class import Tensor


def divide(a: Tensor, b: Tensor) -> Tensor:
    return a / b if a.dtype.is_floating_point else a.div(b, rounding_mode="trunc")


def modulo(a: Tensor, b: Tensor, *, fmod: int = 0) -> Tensor:
    return a.fmod(b) if fmod else a.remainder(b)


def power(a: Tensor, b: Tensor) -> Tensor:
    """In the dtype of ``a``."""
    return a.pow(b).cast(a.dtype)


def of_several(combine: Callable[[Tensor, Tensor], Tensor]) -> Callable[..., Tensor]:
    return lambda *inputs: reduce(combine, inputs)


def mean(*inputs: Tensor) -> Tensor:
    return of_several(Tensor.add)(*inputs) / len(inputs)


def shift(a: Tensor, b: Tensor, *, direction: str) -> Tensor:
    return a.bitwise_left_shift(b) if direction == "LEFT" else a.bitwise_right_shift(b)


def is_inf(x: Tensor, *, detect_negative: int = 1, detect_positive: int = 1) -> Tensor:
    negative = x.isneginf() if detect_negative else None
    positive = x.isposinf() if detect_positive else None
    if negative is None or positive is None:
        found = negative if positive is None else positive
        return (x != x) & False if found is None else found
    return negative | positive


def clip(x: Tensor, low: Tensor | None = None, high: Tensor | None = None) -> Tensor:
    """Between ``low`` and ``high``; where they are the wrong way round, ``high``."""
    raised = x if low is None else x.maximum(low)
    return raised if high is None else raised.minimum(high)


def clip_6(x: Tensor, *, min: float | None = None, max: float | None = None) -> Tensor:
    return x if min is None and max is None else x.clamp(min, max)


def cast(x: Tensor, *, to: int, saturate: int = 1, round_mode: str = "up") -> Tensor:
    return x.cast(dtype_of(to))


def cast_like(x: Tensor, target: Tensor, *, saturate: int = 1, round_mode: str = "up") -> Tensor:
    return x.cast(target.dtype)


def where(condition: Tensor, a: Tensor, b: Tensor) -> Tensor:
    return a.where(condition, b)


def random_like(draw: Callable[[Tensor], Tensor]) -> Callable[..., Tensor]:
    """Of numbers of mean 0 and scale 1, ``scale`` and ``mean`` of others."""

    def drawn(
        x: Tensor, *, dtype: int | None = None, mean: float = 0.0, scale: float = 1.0,
        low: float = 0.0, high: float = 1.0, seed: float = 0.0,
    ) -> Tensor:  # fmt: skip
        chosen = x.dtype if dtype is None else dtype_of(dtype)
        start, factor = (mean, scale) if draw is Tensor.randn_like else (low, high - low)
        like = x if x.dtype.is_floating_point else x.cast(dt.default_float)
        return (draw(like) * factor + start).cast(chosen)

    return drawn


def constant_of_shape(shape: Array, *, value: Array | None = None, device: str | None) -> Any:
    """Integers as an array, since they may be sizes; floats as a Tensor, which takes no memory."""
    filled = np.zeros(1, np.float32) if value is None else value
    if filled.dtype.kind != "f":
        return np.full(tuple(shape), filled[0])
    sizes, dtype = tuple(map(int, shape)), dt.of(filled.dtype)
    return Tensor.full(sizes, filled[0].item(), dtype=dtype, device=device)


OPERATORS: Operators = {
    **plain(
        Abs=Tensor.abs, Acos=Tensor.acos, Acosh=Tensor.acosh, Asin=Tensor.asin,
        Asinh=Tensor.asinh, Atan=Tensor.atan, Atanh=Tensor.atanh, Ceil=Tensor.ceil,
        Cos=Tensor.cos, Cosh=Tensor.cosh, Erf=Tensor.erf, Exp=Tensor.exp, Floor=Tensor.floor,
        Identity=lambda x: x, IsInf=is_inf, IsNaN=Tensor.isnan, Log=Tensor.log, Neg=Tensor.neg,
        Reciprocal=Tensor.reciprocal, Round=Tensor.round, Sign=Tensor.sign, Sin=Tensor.sin,
        Sinh=Tensor.sinh, Sqrt=Tensor.sqrt, Tan=Tensor.tan, Not=Tensor.logical_not,
        And=Tensor.logical_and, Or=Tensor.logical_or, Xor=Tensor.logical_xor,
        BitwiseAnd=Tensor.bitwise_and, BitwiseOr=Tensor.bitwise_or, BitwiseXor=Tensor.bitwise_xor,
        BitwiseNot=Tensor.bitwise_not, BitShift=shift, Equal=Tensor.eq, Greater=Tensor.gt,
        GreaterOrEqual=Tensor.ge, Less=Tensor.lt, LessOrEqual=Tensor.le,
        Max=of_several(Tensor.maximum), Min=of_several(Tensor.minimum), Sum=of_several(Tensor.add),
        Mean=mean, Mod=modulo, Where=where, Cast=cast, CastLike=cast_like,
        RandomNormalLike=random_like(Tensor.randn_like),
        RandomUniformLike=random_like(Tensor.rand_like),
    ),
    # before version 7 an attribute said which dims fit
    "Add": (Operator(Tensor.add, since=7),),
    "Sub": (Operator(Tensor.sub, since=7),),
    "Mul": (Operator(Tensor.mul, since=7),),
    "Div": (Operator(divide, since=7),),
    "Pow": (Operator(power, since=7),),
    "Clip": (Operator(clip_6), Operator(clip, since=11)),
    "ConstantOfShape": (Operator(constant_of_shape, host=(0,), folds=False),),
}  # fmt: skip
