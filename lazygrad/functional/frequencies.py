"""Frequencies of discrete Fourier transforms, and their order."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from lazygrad import element_types as dt
from lazygrad.arguments import require_range
from lazygrad.bridge import read, wrap
from lazygrad.functional.arguments import Dims
from lazygrad.functional.creation import arange, as_leaf
from lazygrad.graph import Node
from lazygrad.lang import join
from lazygrad.public import public
from lazygrad.shape import normalize_axes

if TYPE_CHECKING:
    from lazygrad.tensor_class import Tensor


@public
def fftfreq(
    n: int, d: float = 1.0, *, dtype: Any = None, device: Any = None, requires_grad: bool = False
) -> Tensor:
    """The frequencies of ``n`` samples that are ``d`` apart: ``[0, 1, .. (n - 1) // 2, -(n // 2),
    .. -1] / (d * n)``.

    >>> lazygrad.fft.fftfreq(4, d=0.5).tolist()
    [0.0, 0.5, -1.0, -0.5]
    """
    require_range("fftfreq", 1, n=n)
    counted = arange(-(n // 2), n - n // 2, device=device).roll(-(n // 2))
    return _over(counted, n, d, dtype, requires_grad)


@public
def rfftfreq(
    n: int, d: float = 1.0, *, dtype: Any = None, device: Any = None, requires_grad: bool = False
) -> Tensor:
    """``[0, 1, .. n // 2] / (d * n)``: those that are not negative.

    >>> lazygrad.fft.rfftfreq(4, d=0.5).tolist()
    [0.0, 0.5, 1.0]
    """
    require_range("rfftfreq", 1, n=n)
    return _over(arange(n // 2 + 1, device=device), n, d, dtype, requires_grad)


def _over(counted: Tensor, n: int, d: float, dtype: Any, requires_grad: bool) -> Tensor:
    """Frequencies by their numbers, rounded once."""
    target = dt.of(dtype or dt.default_float)
    found = (counted.to(dt.float64) / (n * d)).to(target)
    return as_leaf(found._node, requires_grad)


@public
def fftshift(input: Tensor, dim: Dims = None) -> Tensor:
    """Frequencies from the lowest to the highest, along ``dim``, by default all dims: 0 comes to
    the middle.

    >>> lazygrad.fft.fftshift(lazygrad.fft.fftfreq(4)).tolist()
    [-0.5, -0.25, 0.0, 0.25]
    """
    return wrap(_turned("fftshift", input, dim, 1))


@public
def ifftshift(input: Tensor, dim: Dims = None) -> Tensor:
    """What ``fftshift`` turned, turned back.

    >>> lazygrad.fft.ifftshift(Tensor([-2, -1, 0, 1, 2])).tolist()
    [0, 1, 2, -2, -1]
    """
    return wrap(_turned("ifftshift", input, dim, -1))


def _turned(op: str, input: Tensor, dim: Dims, way: int) -> Node:
    """Each dim rolled by half of its size, forwards rounded down, backwards up."""
    axes = normalize_axes(op, dim, input.ndim)
    halves = [way * (input.shape[axis] // 2) for axis in axes]
    return join.roll(read(input), halves, axes) if axes else read(input)
