"""Integers that stand for floats: (integer - zero point) * scale."""

from __future__ import annotations

from typing import Any

from lazygrad import element_types as dt
from lazygrad.onnx.operators.operator import Operators, plain
from lazygrad.onnx.types import dtype_of
from lazygrad.tensor_class import Tensor


def _each(number: Tensor, x: Tensor, axis: int, block_size: int) -> Tensor:
    """A number for the whole, for each place along an axis, or for each block of them."""
    if block_size:
        return number.repeat_interleave(block_size, axis).narrow(axis, 0, x.shape[axis])
    if number.numel() == 1:
        return number.reshape(())
    shape = [1] * x.ndim
    shape[axis] = -1
    return number.reshape(shape)


def dequantize(
    x: Tensor, scale: Tensor, zero: Tensor | None = None, *, axis: int = 1, block_size: int = 0,
    output_dtype: int = 0,
) -> Tensor:  # fmt: skip
    chosen = dtype_of(output_dtype) if output_dtype else scale.dtype
    counted = x.cast(dt.int32)
    if zero is not None:
        counted = counted - _each(zero.cast(dt.int32), x, axis, block_size)
    return (counted.cast(scale.dtype) * _each(scale, x, axis, block_size)).cast(chosen)


def quantize(
    x: Tensor, scale: Tensor, zero: Tensor | None = None, *, axis: int = 1, block_size: int = 0,
    output_dtype: int = 0, precision: int = 0, saturate: int = 1,
) -> Tensor:  # fmt: skip
    """Rounded to even, and kept within the dtype of ``zero``."""
    chosen = dtype_of(output_dtype) if output_dtype else dt.uint8 if zero is None else zero.dtype
    counted = (x / _each(scale, x, axis, block_size)).round()
    if zero is not None:
        counted = counted + _each(zero.cast(counted.dtype), x, axis, block_size)
    return counted.clamp(chosen.min, chosen.max).cast(chosen)


def dynamic_quantize(x: Tensor) -> Any:
    """To uint8, so that 0 and all of ``x`` are within; with scale and zero point."""
    low, high = x.amin().minimum(0), x.amax().maximum(0)
    scale = (high - low) / 255
    zero = (-low / scale).round().clamp(0, 255).cast(dt.uint8)
    return quantize(x, scale, zero), scale, zero


OPERATORS: Operators = plain(
    DequantizeLinear=dequantize, QuantizeLinear=quantize, DynamicQuantizeLinear=dynamic_quantize
)
