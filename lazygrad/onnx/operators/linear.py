"""Operators that are products of matrices."""

from __future__ import annotations

from lazygrad import element_types as dt
from lazygrad.functional.einsum import einsum as einsum_of
from lazygrad.onnx.operators.operator import Operators, plain
from lazygrad.tensor_class import Tensor


def gemm(
    a: Tensor, b: Tensor, c: Tensor | None = None, *,
    alpha: float = 1.0, beta: float = 1.0, transA: int = 0, transB: int = 0,
) -> Tensor:  # fmt: skip
    product = (a.t() if transA else a) @ (b.t() if transB else b)
    product = product if alpha == 1 else alpha * product
    return product if c is None else product + (c if beta == 1 else beta * c)


def einsum(*inputs: Tensor, equation: str) -> Tensor:
    return einsum_of(equation, *inputs)


def matmul_integer(
    a: Tensor, b: Tensor, a_zero: Tensor | None = None, b_zero: Tensor | None = None
) -> Tensor:
    """In int32, of integers less their zero points: one, or of ``a`` one a row."""
    a, b = a.cast(dt.int32), b.cast(dt.int32)
    if a_zero is not None:
        a = a - (a_zero.unsqueeze(-1) if a_zero.ndim else a_zero).cast(dt.int32)
    if b_zero is not None:
        b = b - b_zero.cast(dt.int32)
    return a @ b


OPERATORS: Operators = plain(
    MatMul=Tensor.matmul, Gemm=gemm, Einsum=einsum, MatMulInteger=matmul_integer, Det=Tensor.det
)
