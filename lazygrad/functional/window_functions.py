"""Window functions of signal processing: float32 vectors, symmetric or (by default) periodic."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from lazygrad import element_types as dt
from lazygrad.arguments import require_range
from lazygrad.functional.creation import as_leaf
from lazygrad.graph import Node
from lazygrad.lang import bessel, creation, elementwise, operands
from lazygrad.lang.creation import iota
from lazygrad.lang.elementwise import add, cos, div, mul, sqrt, square, sub
from lazygrad.public import public
from lazygrad.runtime import registry

if TYPE_CHECKING:
    from lazygrad.tensor_class import Tensor


def _window(
    op: str, length: int, periodic: bool, dtype: Any, device: str | None,
    shape: Callable[[Node], Node],
) -> Node:  # fmt: skip
    """``shape`` of places that run over [0, 1], or up to before 1."""
    require_range(op, 0, window_length=length)
    kind, where = dt.default_float if dtype is None else dt.of(dtype), registry.check_device(device)
    if length == 1:
        return creation.full((1,), 1, kind, where)
    places = operands.cast(iota(length, where), dt.accumulator(kind))
    return operands.cast(shape(div(places, float(length if periodic else length - 1))), kind)


def _cosines(*weights: float) -> Callable[[Node], Node]:
    """A sum of cosines of whole numbers of turns."""

    def shape(place: Node) -> Node:
        found = operands.full_like(place, weights[0])
        for k, weight in enumerate(weights[1:], 1):
            found = add(found, mul(cos(mul(place, 2.0 * math.pi * k)), weight))
        return found

    return shape


@public
def hann_window(
    window_length: int, periodic: bool = True, *, dtype: Any = None, device: str | None = None,
    requires_grad: bool = False,
) -> Tensor:  # fmt: skip
    """``sin(pi * n / N) ** 2``

    >>> lazygrad.hann_window(4).realize()
    Tensor([0. , 0.5, 1. , 0.5])
    """
    made = _window("hann_window", window_length, periodic, dtype, device, _cosines(0.5, -0.5))
    return as_leaf(made, requires_grad)


@public
def hamming_window(
    window_length: int, periodic: bool = True, alpha: float = 0.54, beta: float = 0.46, *,
    dtype: Any = None, device: str | None = None, requires_grad: bool = False,
) -> Tensor:  # fmt: skip
    """``alpha - beta * cos(2 * pi * n / N)``

    >>> lazygrad.hamming_window(4, periodic=False).realize()
    Tensor([0.08, 0.77, 0.77, 0.08])
    """
    shape = _cosines(alpha, -beta)
    made = _window("hamming_window", window_length, periodic, dtype, device, shape)
    return as_leaf(made, requires_grad)


@public
def blackman_window(
    window_length: int, periodic: bool = True, *, dtype: Any = None, device: str | None = None,
    requires_grad: bool = False,
) -> Tensor:  # fmt: skip
    """``0.42 - 0.5 * cos(2 * pi * n / N) + 0.08 * cos(4 * pi * n / N)``

    >>> lazygrad.blackman_window(5, periodic=False).tolist()[1:4]
    [0.3399999737739563, 0.9999999403953552, 0.3399999737739563]
    """
    shape = _cosines(0.42, -0.5, 0.08)
    made = _window("blackman_window", window_length, periodic, dtype, device, shape)
    return as_leaf(made, requires_grad)


@public
def bartlett_window(
    window_length: int, periodic: bool = True, *, dtype: Any = None, device: str | None = None,
    requires_grad: bool = False,
) -> Tensor:  # fmt: skip
    """``1 - |2 * n / N - 1|``

    >>> lazygrad.bartlett_window(4).tolist()
    [0.0, 0.5, 1.0, 0.5]
    """

    def shape(place: Node) -> Node:
        return sub(1.0, elementwise.abs(sub(mul(place, 2.0), 1.0)))

    made = _window("bartlett_window", window_length, periodic, dtype, device, shape)
    return as_leaf(made, requires_grad)


@public
def kaiser_window(
    window_length: int, periodic: bool = True, beta: float = 12.0, *, dtype: Any = None,
    device: str | None = None, requires_grad: bool = False,
) -> Tensor:  # fmt: skip
    """``i0(beta * sqrt(1 - (2 * n / N - 1) ** 2)) / i0(beta)``

    >>> lazygrad.kaiser_window(4, beta=2.0).realize()
    Tensor([0.4387, 0.8348, 1.    , 0.8348])
    """

    def shape(place: Node) -> Node:
        rest = sub(1.0, square(sub(mul(place, 2.0), 1.0)))
        peak = bessel.i0(operands.full_like(place, beta))
        return div(bessel.i0(mul(sqrt(elementwise.clamp(rest, 0.0)), beta)), peak)

    made = _window("kaiser_window", window_length, periodic, dtype, device, shape)
    return as_leaf(made, requires_grad)
