"""Norms of matrices and vectors, conditions, ranks, and the exponential, as torch.linalg has
them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from lazygrad.bridge import read, required, wrap
from lazygrad.errors import AxisError, ShapeError
from lazygrad.functional.arguments import Dims, Sizes, Tolerance, all_dims, dtype_or_none
from lazygrad.lang import elementwise, norms, reduce, spectra
from lazygrad.public import public

if TYPE_CHECKING:
    from lazygrad.tensor_class import Tensor


@public
def vector_norm(
    x: Tensor, ord: float = 2, dim: Dims = None, keepdim: bool = False, *, dtype: Any = None
) -> Tensor:
    """``sum(abs(x) ** ord) ** (1 / ord)`` over ``dim``, by default all dims as one vector; the
    largest magnitude for inf, the smallest for -inf, the number of elements that are not 0 for 0.

    >>> x = Tensor([[3.0, -4.0], [0.0, 2.0]])
    >>> lazygrad.linalg.vector_norm(x, ord=float("inf"), dim=1).tolist()
    [4.0, 2.0]
    """
    made = norms.vector_norm(read(x), float(ord), all_dims(dim), keepdim, dtype_or_none(dtype))
    return wrap(made)


@public
def matrix_norm(
    A: Tensor, ord: float | str = "fro", dim: Sizes = (-2, -1), keepdim: bool = False, *,
    dtype: Any = None,
) -> Tensor:  # fmt: skip
    """A norm of the matrices over the two dims ``dim``.

    Args:
        ord: "fro": of all elements; "nuc", 2, -2: sum, largest and smallest of the singular values;
            1, -1: largest and smallest sum of magnitudes of a column; inf, -inf: of a row.

    Raises:
        ValueRangeError: for another ``ord``.

    >>> lazygrad.linalg.matrix_norm(Tensor([[3.0, 0.0], [0.0, -4.0]]), ord="nuc").realize()
    Tensor(7.)
    """
    return wrap(spectra.matrix_norm(read(A), ord, _pair(dim), keepdim, dtype_or_none(dtype)))


@public
def norm(
    A: Tensor, ord: float | str | None = None, dim: Dims = None, keepdim: bool = False, *,
    dtype: Any = None,
) -> Tensor:  # fmt: skip
    """``matrix_norm`` if there are two dims and ``ord``, else ``vector_norm``; of all elements
    where neither is given.

    Raises:
        ShapeError: for ``ord`` without ``dim`` where A has neither one dim nor two.

    >>> A = Tensor([[3.0, 0.0], [0.0, -4.0]])
    >>> lazygrad.linalg.norm(A).item(), lazygrad.linalg.norm(A, ord=2).realize()
    (5.0, Tensor(4.))
    """
    node, target = read(A), dtype_or_none(dtype)
    axes = all_dims(dim)
    if ord is None:
        return wrap(norms.vector_norm(node, 2.0, axes, keepdim, target))
    if axes is None and node.ndim not in (1, 2):
        raise ShapeError(f"[norm] ord={ord!r} without dim needs 1 or 2 dims, got {node.shape}")
    axes = range(node.ndim) if axes is None else (axes,) if isinstance(axes, int) else axes
    if len(axes) == 2:
        return wrap(spectra.matrix_norm(node, ord, tuple(axes), keepdim, target))
    if isinstance(ord, str) or len(axes) != 1:
        raise AxisError(f"[norm] ord={ord!r} of dim={dim!r}: one dim and a number, or two dims")
    return wrap(norms.vector_norm(node, float(ord), tuple(axes), keepdim, target))


def _pair(dim: Any) -> tuple[int, ...]:
    return (dim,) if isinstance(dim, int) else tuple(dim)


@public
def cond(A: Tensor, p: float | str | None = None) -> Tensor:
    """The condition of matrices: the ``matrix_norm`` times that of the inverse, by default of
    ``p=2``; infinite for singular ones.

    >>> lazygrad.linalg.cond(Tensor([[4.0, 0.0], [0.0, 2.0]])).realize()
    Tensor(2.)
    """
    return wrap(spectra.cond(read(A), p))


@public
def matrix_rank(
    A: Tensor, tol: Tolerance = None, hermitian: bool = False, *, atol: Tolerance = None,
    rtol: Tolerance = None,
) -> Tensor:  # fmt: skip
    """How many singular values are above ``max(atol, rtol * largest)``, int64.

    Args:
        atol, rtol: numbers, or tensors of one for each matrix; by default the precision of the
            dtype times the larger size, of the largest.
        tol: an older name of ``atol``, without ``rtol``.
        hermitian: matrices are symmetric; eigenvalues are computed, which takes less.

    >>> lazygrad.linalg.matrix_rank(Tensor([[1.0, 2.0], [2.0, 4.0]])).item()
    1
    """
    if tol is not None:
        atol, rtol = tol, 0.0
    low, relative = (None if t is None else required("matrix_rank", t, A) for t in (atol, rtol))
    return wrap(spectra.matrix_rank(read(A), low, relative, hermitian))


@public
def matrix_exp(A: Tensor) -> Tensor:
    """The exponential of (.., n, n), by scaling and squaring.

    >>> lazygrad.linalg.matrix_exp(Tensor([[0.0, 1.0], [0.0, 0.0]])).tolist()
    [[1.0, 1.0], [0.0, 1.0]]
    """
    return wrap(spectra.matrix_exp(read(A)))


@public
def vecdot(x: Tensor, y: Tensor, *, dim: int = -1) -> Tensor:
    """The sum of ``x * y`` over ``dim``; they broadcast.

    >>> lazygrad.linalg.vecdot(Tensor([[1, 2], [3, 4]]), Tensor([10, 1])).tolist()
    [12, 34]
    """
    return wrap(reduce.sum(elementwise.mul(read(x), read(y)), dim))
