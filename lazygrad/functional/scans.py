"""What runs along a dim: products, extremes, differences, integrals."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from lazygrad.arguments import require_range
from lazygrad.bridge import optional, read, wrap
from lazygrad.errors import ArgumentError, ShapeError
from lazygrad.functional.arguments import Dims, Indexed, dtype_or_none
from lazygrad.functional.reduce import indexed
from lazygrad.handle import Handle
from lazygrad.lang import operands, scans
from lazygrad.public import alias, public
from lazygrad.shape import normalize_axes

if TYPE_CHECKING:
    from lazygrad.tensor_class import Tensor


@public
def cumprod(input: Tensor, dim: int, *, dtype: Any = None) -> Tensor:
    """Running product along ``dim``; bools and integers give int64.

    >>> Tensor([1, 2, 3, 4]).cumprod(0).tolist()
    [1, 2, 6, 24]
    """
    return wrap(scans.cumprod(read(input), dim, dtype_or_none(dtype)))


@public
def logcumsumexp(input: Tensor, dim: int) -> Tensor:
    """``log(cumsum(exp(x)))`` along ``dim``, without overflow.

    >>> Tensor([0.0, 0.0, 1000.0]).logcumsumexp(0).realize()
    Tensor([0.0000e+00, 6.9315e-01, 1.0000e+03])
    """
    return wrap(scans.logcumsumexp(read(input), dim))


@public
def cummax(input: Tensor, dim: int) -> Indexed:
    """The largest element up to each along ``dim``, and its index: ``(values, indices)``.

    >>> values, indices = Tensor([1, 3, 2, 3]).cummax(0)
    >>> values.tolist(), indices.tolist()
    ([1, 3, 3, 3], [0, 1, 1, 3])
    """
    return indexed(scans.cummax(read(input), dim), "cummax")


@public
def cummin(input: Tensor, dim: int) -> Indexed:
    """The smallest element up to each along ``dim``, and its index: ``(values, indices)``.

    >>> values, indices = Tensor([2, 3, 1]).cummin(0)
    >>> values.tolist(), indices.tolist()
    ([2, 2, 1], [0, 0, 2])
    """
    return indexed(scans.cummax(read(input), dim, smallest=True), "cummin")


@public
def diff(
    input: Tensor, n: int = 1, dim: int = -1, prepend: Tensor | None = None,
    append: Tensor | None = None,
) -> Tensor:  # fmt: skip
    """The differences of neighbours along ``dim``, ``n`` times; values before and after come in
    first. Of bools: whether neighbours differ.

    >>> Tensor([1, 4, 9]).diff().tolist(), Tensor([1, 4, 9]).diff(prepend=Tensor([0])).tolist()
    ([3, 5], [1, 3, 5])
    """
    require_range("diff", 0, n=n)
    whole = scans.between(read(input), optional(prepend), optional(append), dim)
    return wrap(scans.diff(whole, n, dim))


@public
def trapezoid(
    y: Tensor, x: Tensor | None = None, *, dx: float | None = None, dim: int = -1
) -> Tensor:
    """The integral along ``dim`` by the trapezoidal rule, of values at ``x`` or ``dx`` apart.

    >>> lazygrad.trapezoid(Tensor([1.0, 2.0, 4.0]), Tensor([0.0, 1.0, 3.0])).item()
    7.5
    """
    apart = _places("trapezoid", x, dx)
    return wrap(scans.trapezoid(operands.to_float(read(y)), apart, dim))


@public
def cumulative_trapezoid(
    y: Tensor, x: Tensor | None = None, *, dx: float | None = None, dim: int = -1
) -> Tensor:
    """The integrals up to each value along ``dim`` but the first, as of ``trapezoid``.

    >>> lazygrad.cumulative_trapezoid(Tensor([1.0, 2.0, 4.0])).tolist()
    [1.5, 4.5]
    """
    apart = _places("cumulative_trapezoid", x, dx)
    return wrap(scans.cumulative_trapezoid(operands.to_float(read(y)), apart, dim))


@public
def gradient(
    input: Tensor, *, spacing: float | Sequence[float] | Sequence[Tensor] = 1,
    dim: Dims = None, edge_order: int = 1,
) -> tuple[Tensor, ...]:  # fmt: skip
    """Estimates of the derivatives along each of ``dim`` (all by default) from neighbours: the
    slope of the parabola through three of them, or at the ends the line through two.

    Args:
        spacing: how far apart values are, one number or one for each dim; or for each dim a vector
            of the places that they are at.
        edge_order: 2 for parabolas at the ends too.

    Raises:
        ShapeError: for too few values, or places that do not fit.

    >>> (slope,) = lazygrad.gradient(Tensor([0.0, 1.0, 4.0, 9.0]))
    >>> slope.tolist()
    [1.0, 2.0, 4.0, 5.0]
    """
    require_range("gradient", 1, 2, edge_order=edge_order)
    own = operands.to_float(read(input))
    axes = normalize_axes("gradient", dim, own.ndim)
    listed: list[Any] = [spacing] * len(axes) if isinstance(spacing, int | float) else list(spacing)
    if len(listed) != len(axes):
        raise ShapeError(f"[gradient] {len(listed)} spacings for {len(axes)} dims")
    gaps = [scans.diff(read(s), 1, 0) if isinstance(s, Handle) else float(s) for s in listed]
    found = [scans.gradient(own, *given, edge_order) for given in zip(axes, gaps, strict=True)]
    return tuple([wrap(made, "gradient") for made in found])


def _places(op: str, x: Tensor | None, dx: float | None) -> Any:
    if x is None:
        return 1.0 if dx is None else float(dx)
    if dx is not None:
        raise ArgumentError(f"[{op}] takes places x or a distance dx, not both")
    return read(x)


trapz = alias(trapezoid, "trapz")
