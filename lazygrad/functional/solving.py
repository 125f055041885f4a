"""Linear equations, inverses and determinants. All take stacks of matrices, float32 or float64, in
the last two dims; what has no result raises LinAlgError when it is computed."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from lazygrad import element_types as dt
from lazygrad.bridge import operand, read, wrap
from lazygrad.functional.arguments import Dims, Tolerance
from lazygrad.functional.maps import several
from lazygrad.graph import Node
from lazygrad.lang import solving, spectra
from lazygrad.lang.creation import full
from lazygrad.lang.operands import cast
from lazygrad.public import public

if TYPE_CHECKING:
    from lazygrad.tensor_class import Tensor


class Slogdet(NamedTuple):
    """What ``slogdet`` returns."""

    sign: Tensor
    logabsdet: Tensor


class Lstsq(NamedTuple):
    """What ``linalg.lstsq`` returns."""

    solution: Tensor
    residuals: Tensor
    rank: Tensor
    singular_values: Tensor


class Checked(NamedTuple):
    """What ``linalg.solve_ex`` returns."""

    result: Tensor
    info: Tensor


class Inverse(NamedTuple):
    """What ``linalg.inv_ex`` returns."""

    inverse: Tensor
    info: Tensor


@public
def det(A: Tensor) -> Tensor:
    """The determinant of (.., n, n), of shape (..). Its first derivative is right of singular
    matrices as well.

    >>> lazygrad.linalg.det(Tensor([[1.0, 2.0], [3.0, 4.0]])).realize()
    Tensor(-2.)
    """
    return wrap(solving.det(read(A)))


@public
def slogdet(A: Tensor) -> Slogdet:
    """The sign of the determinant and the logarithm of its absolute value: 0 and -inf of singular
    matrices, which have no derivative.

    >>> sign, logabsdet = lazygrad.linalg.slogdet(Tensor([[0.0, 1.0], [1.0, 0.0]]))
    >>> sign.item(), logabsdet.item()
    (-1.0, 0.0)
    """
    return several(Slogdet, solving.slogdet(read(A)), "slogdet")


@public
def logdet(input: Tensor) -> Tensor:
    """The logarithm of the determinant: -inf where it is 0, NaN where it is negative.

    >>> lazygrad.logdet(Tensor([[2.0, 0.0], [0.0, -1.0]])).item()
    nan
    """
    return wrap(solving.logdet(read(input)))


@public
def inv(A: Tensor) -> Tensor:
    """The inverse of (.., n, n).

    Raises:
        LinAlgError: for a singular matrix.

    >>> lazygrad.linalg.inv(Tensor([[2.0, 0.0], [0.0, 4.0]])).tolist()
    [[0.5, 0.0], [0.0, 0.25]]
    """
    return wrap(solving.inv(read(A)))


@public
def inv_ex(A: Tensor, *, check_errors: bool = False) -> Inverse:
    """The inverse, and 0; for singular matrices the identity, and 1. With ``check_errors`` they are
    errors, as of ``linalg.inv``.

    >>> inverse, info = lazygrad.linalg.inv_ex(lazygrad.ones(2, 2))
    >>> inverse.tolist(), info.item()
    ([[1.0, 0.0], [0.0, 1.0]], 1)
    """
    if check_errors:
        found = wrap(solving.inv(read(A)))
        return Inverse(found, wrap(full(found.shape[:-2], 0, dt.int32, found.device)))
    regular, singular = spectra.replaced(read(A))
    return Inverse(wrap(solving.inv(regular)), wrap(cast(singular, dt.int32)))


@public
def pinv(
    A: Tensor, rcond: Tolerance = None, hermitian: bool = False, *, atol: Tolerance = None,
    rtol: Tolerance = None,
) -> Tensor:  # fmt: skip
    """The pseudo-inverse (.., n, m) of (.., m, n); its derivative is that at constant rank.

    Args:
        atol, rtol: singular values of at most ``max(atol, rtol * largest)`` count as 0; by default
            the precision of the dtype times the larger size, of the largest. Tensors say it for
            each matrix, which is then computed from ``linalg.svd``.
        rcond: an older name of ``rtol``.
        hermitian: accepted, and without effect.

    >>> lazygrad.linalg.pinv(Tensor([[2.0, 0.0], [0.0, 0.0], [0.0, 0.0]])).realize()
    Tensor([[0.5, 0. , 0. ],
            [0. , 0. , 0. ]])
    """
    low, relative = (
        None if t is None else operand(t, A) for t in (atol, rcond if rtol is None else rtol)
    )
    by_matrix = isinstance(low, Node) or isinstance(relative, Node)
    return wrap((spectra if by_matrix else solving).pinv(read(A), low, relative))


@public
def solve(A: Tensor, B: Tensor, *, left: bool = True) -> Tensor:
    """X with ``A @ X = B``, or ``X @ A = B`` unless ``left``.

    Args:
        A: (.., n, n).
        B: (.., n, k), or vectors: (n,), or (.., n) with the leading dims of A; stacks broadcast.

    Raises:
        LinAlgError: for a singular matrix.

    >>> lazygrad.linalg.solve(Tensor([[2.0, 0.0], [0.0, 4.0]]), Tensor([2.0, 8.0])).tolist()
    [1.0, 2.0]
    """
    return wrap(solving.solve(read(A), read(B), left))


@public
def solve_ex(A: Tensor, B: Tensor, *, left: bool = True, check_errors: bool = False) -> Checked:
    """As ``linalg.solve``, and 0; for singular matrices B, and 1, unless ``check_errors``.

    >>> result, info = lazygrad.linalg.solve_ex(lazygrad.ones(2, 2), Tensor([1.0, 2.0]))
    >>> info.item()
    1
    """
    node = read(A)
    if check_errors:
        found = wrap(solving.solve(node, read(B), left))
        return Checked(found, wrap(full(node.shape[:-2], 0, dt.int32, node.device)))
    regular, singular = spectra.replaced(node)
    found = wrap(solving.solve(regular, read(B), left))
    return Checked(found, wrap(cast(singular, dt.int32)))


@public
def solve_triangular(
    A: Tensor, B: Tensor, *, upper: bool, left: bool = True, unitriangular: bool = False
) -> Tensor:
    """As ``linalg.solve`` where one triangle of A counts; a 0 on its diagonal gives infinity.

    Args:
        upper: whether it is the upper one.
        unitriangular: its diagonal is not read, but taken to be 1.

    >>> A, B = Tensor([[2.0, 9.0], [1.0, 4.0]]), Tensor([[2.0], [9.0]])
    >>> lazygrad.linalg.solve_triangular(A, B, upper=False).tolist()
    [[1.0], [2.0]]
    """
    return wrap(solving.solve_triangular(read(A), read(B), upper, left, unitriangular))


@public
def lstsq(A: Tensor, B: Tensor, rcond: float | None = None, *, driver: str | None = None) -> Lstsq:
    """X of least ``norm(A @ X - B)``, and of those the smallest one.

    Args:
        A: (.., m, n).
        B: (.., m, k), or vectors (.., m); stacks broadcast.
        rcond: as ``rtol`` of ``linalg.pinv``.
        driver: accepted; as PyTorch's default one, it gives no residuals and no singular values.

    >>> A, B = Tensor([[1.0, 0.0], [1.0, 1.0], [1.0, 2.0]]), Tensor([[1.0], [3.0], [5.0]])
    >>> lazygrad.linalg.lstsq(A, B).solution.realize()
    Tensor([[1.],
            [2.]])
    """
    a = read(A)
    solution = solving.lstsq(a, read(B), rcond)
    nothing = full((0,), 0, a.dtype, a.device)
    rank = spectra.matrix_rank(a, None, rcond, False)
    return Lstsq(wrap(solution), wrap(nothing), wrap(rank), wrap(nothing))


@public
def lu_solve(
    LU: Tensor, pivots: Tensor, B: Tensor, *, left: bool = True, adjoint: bool = False
) -> Tensor:
    """X with ``A @ X = B`` (``X @ A = B`` unless ``left``) by what ``linalg.lu_factor`` gives of A;
    ``adjoint``: with the transpose of A.

    >>> LU, pivots = lazygrad.linalg.lu_factor(Tensor([[2.0, 1.0], [4.0, 4.0]]))
    >>> lazygrad.linalg.lu_solve(LU, pivots, Tensor([[3.0], [8.0]])).tolist()
    [[1.0], [1.0]]
    """
    return wrap(solving.lu_solve(read(LU), read(pivots), read(B), left, adjoint))


@public
def tensorinv(A: Tensor, ind: int = 2) -> Tensor:
    """The inverse of A as a map from its dims after the first ``ind`` to those: tensordot of both
    over ``ind`` dims is the identity.

    >>> A = lazygrad.eye(6).reshape(2, 3, 6)
    >>> lazygrad.linalg.tensorinv(A).shape
    (6, 2, 3)
    """
    return wrap(solving.tensorinv(read(A), ind))


@public
def tensorsolve(A: Tensor, B: Tensor, dims: Dims = None) -> Tensor:
    """X with ``tensordot(A, X, X.ndim) = B``.

    Args:
        A: of shape B.shape + X.shape, once ``dims`` are moved to its end.

    >>> A, B = lazygrad.eye(6).reshape(2, 3, 6), lazygrad.ones(2, 3)
    >>> lazygrad.linalg.tensorsolve(A, B).shape
    (6,)
    """
    moved = (dims,) if isinstance(dims, int) else dims
    return wrap(solving.tensorsolve(read(A), read(B), None if moved is None else tuple(moved)))
