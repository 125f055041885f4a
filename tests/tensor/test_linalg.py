"""linalg and fft: what their functions say of themselves and of wrong calls, and what the table of
parity cannot show."""

from __future__ import annotations

import inspect
import math
from collections.abc import Callable
from types import ModuleType

import numpy as np
import pytest

import lazygrad
from lazygrad import Tensor, fft, linalg, no_grad
from lazygrad.errors import (
    ArgumentError,
    AxisError,
    DtypeError,
    GradError,
    LinAlgError,
    MissingNameError,
    ShapeError,
    ValueRangeError,
)

NAMES = [
    (owner, name)
    for owner in (linalg, fft)
    for name, found in vars(owner).items()
    if inspect.isfunction(found) and found.__module__.startswith("lazygrad.functional")
]
MATRIX = Tensor(np.float32([[4, 1], [1, 3]]))


def test_there_are_many() -> None:
    assert len(NAMES) >= 38


@pytest.mark.parametrize(("owner", "name"), NAMES, ids=lambda v: getattr(v, "__name__", v))
def test_each_is_described_and_checks_what_it_is_given(owner: ModuleType, name: str) -> None:
    function = getattr(owner, name)
    signature = inspect.signature(function)
    assert function.__doc__
    assert signature.return_annotation != inspect.Signature.empty
    first = next(iter(signature.parameters.values()))
    if first.annotation == "Tensor":
        with pytest.raises(ArgumentError, match=rf"^\[{name}\] {first.name} must be a Tensor"):
            function("a")


SQUARE = ("cholesky", "cholesky_ex", "cond", "det", "eigh", "eigvalsh", "inv", "inv_ex",
          "matrix_exp", "matrix_power", "slogdet")  # fmt: skip


@pytest.mark.parametrize("name", SQUARE)
def test_matrices_must_be_square(name: str) -> None:
    given = (2,) if name == "matrix_power" else (1,) if name == "cond" else ()
    with pytest.raises(ShapeError, match=rf"^\[{name}\] needs square matrices.*\(2, 3\)"):
        getattr(linalg, name)(Tensor.zeros(2, 3), *given)


OTHERS = ("lu", "lu_factor", "matrix_norm", "matrix_rank", "pinv", "qr", "svd", "svdvals")


@pytest.mark.parametrize("name", [*SQUARE, *OTHERS])
def test_a_vector_is_no_matrix(name: str) -> None:
    given = (2,) if name == "matrix_power" else ()
    with pytest.raises(ShapeError, match=rf"^\[{name}\] needs .*\(3,\)"):
        getattr(linalg, name)(Tensor.zeros(3), *given)


@pytest.mark.parametrize("dtype", ["float16", "bfloat16", "int64", "bool"])
@pytest.mark.parametrize("name", ["inv", "det", "cholesky", "qr", "eigh", "svd", "pinv", "slogdet"])
def test_of_float32_and_float64_only(name: str, dtype: str) -> None:
    """As PyTorch has it on a CPU."""
    with pytest.raises(DtypeError, match=rf"^\[{name}\] needs float32 or float64, got {dtype}; c"):
        getattr(linalg, name)(Tensor.eye(2).cast(dtype))


def test_both_operands_have_one_dtype() -> None:
    with pytest.raises(DtypeError, match=r"^\[solve\] operands have dtypes float32 and float64"):
        linalg.solve(MATRIX, MATRIX.double())


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (
            lambda: linalg.solve(MATRIX, Tensor.zeros(3, 2)),
            ShapeError,
            r"\[solve\] matrices of sha",
        ),
        (lambda: linalg.solve(MATRIX, Tensor.zeros(2), left=False), ShapeError, "only be solved"),
        (
            lambda: linalg.solve_triangular(MATRIX, Tensor.zeros(2), upper=True),
            ShapeError,
            "2 dims",
        ),
        (
            lambda: linalg.lstsq(MATRIX, Tensor.zeros(3, 2)),
            ShapeError,
            r"\[lstsq\] matrices of sha",
        ),
        (lambda: linalg.qr(MATRIX, "full"), ValueRangeError, "mode must be .*, got 'full'"),
        (lambda: linalg.eigh(MATRIX, "x"), ValueRangeError, "UPLO must be .* got 'x'"),
        (lambda: linalg.lu(MATRIX, pivot=False), ValueRangeError, "pivot must be True"),
        (lambda: linalg.matrix_norm(MATRIX, 3), ValueRangeError, "ord must be .* got 3"),
        (lambda: linalg.matrix_norm(MATRIX, dim=(0, 0)), AxisError, "must be two dims"),
        (lambda: linalg.matrix_norm(MATRIX, dim=1), AxisError, "must be two dims"),
        (lambda: linalg.norm(MATRIX.reshape(1, 2, 2), 2), ShapeError, "without dim needs 1 or 2"),
        (lambda: linalg.norm(MATRIX, "fro", 1), AxisError, "one dim and a number, or two dims"),
        (lambda: linalg.multi_dot([MATRIX]), ShapeError, "at least 2 tensors, got 1"),
        (lambda: linalg.cross(MATRIX, MATRIX), ShapeError, "needs a dim of size 3"),
        (lambda: linalg.cross(Tensor.zeros(3), Tensor.zeros(2, 3)), ShapeError, "as many dims"),
        (lambda: linalg.tensorinv(MATRIX, 0), ShapeError, "the first 0 dims"),
        (lambda: linalg.tensorsolve(MATRIX, Tensor.zeros(3)), ShapeError, "do not fit"),
        (lambda: linalg.vander(Tensor(1.0)), ShapeError, "got a scalar"),
        (lambda: lazygrad.svd_lowrank(MATRIX, 3), ValueRangeError, "q must be from 0 to 2"),
        (lambda: fft.fftfreq(0), ValueRangeError, "n must be at least 1"),
    ],
)
def test_what_does_not_fit_is_told_at_the_call(
    call: Callable[[], object], error: type[Exception], message: str
) -> None:
    with pytest.raises(error, match=message):
        call()


def test_what_needs_complex_numbers_says_so() -> None:
    for name, owner in [("eig", linalg), ("rfft", fft), ("irfft", fft)]:
        with pytest.raises(MissingNameError, match="complex numbers"):
            getattr(owner, name)


# -- derivatives that are not determined ---------------------------------------------------------


def test_further_columns_of_a_complete_qr_have_no_derivative() -> None:
    x = Tensor(np.float32([[1, 2], [3, 5], [4, 4]]), requires_grad=True)
    q, r = linalg.qr(x, "complete")
    assert q.shape == (3, 3)
    with pytest.raises(GradError, match=r"\[qr\] of 3 x 2 matrices .* use mode='reduced'"):
        (q.sum() + r.sum()).backward()


def test_equal_eigenvalues_have_derivatives_but_not_their_vectors(device: str) -> None:
    x = Tensor.eye(3, device=device).requires_grad_()
    (x_grad,) = lazygrad.grad(linalg.eigvalsh(x).sum(), [x])
    np.testing.assert_allclose(x_grad.numpy(), np.eye(3), atol=1e-6)
    (x_grad,) = lazygrad.grad(linalg.eigh(x).eigenvectors.square().cos().sum(), [x])
    assert not np.isfinite(x_grad.numpy()).all()


def test_a_determinant_of_a_singular_matrix_has_a_derivative(device: str) -> None:
    """Of rank 2 and of rank 1, where it is 0."""
    for values in ([[1, 2, 3], [2, 4, 6], [1, 0, 1]], [[1, 2, 3], [2, 4, 6], [3, 6, 9]]):
        x = Tensor(np.float32(values), device=device, requires_grad=True)
        linalg.det(x).backward()
        assert x.grad is not None
        minors = [[_minor(np.float64(values), i, j) for j in range(3)] for i in range(3)]
        np.testing.assert_allclose(x.grad.numpy(), minors, atol=1e-4)


def _minor(x: np.ndarray, row: int, column: int) -> float:
    rest = np.delete(np.delete(x, row, 0), column, 1)
    return float((-1) ** (row + column) * np.linalg.det(rest))


def test_an_empty_batch_trains(device: str) -> None:
    """Results without elements, and those of matrices without elements, have derivatives."""
    a = Tensor(np.zeros((0, 3, 3), np.float32), device=device, requires_grad=True)
    linalg.solve(a, a).sum().backward()
    b = Tensor(np.zeros((2, 0, 0), np.float32), device=device, requires_grad=True)
    linalg.det(b).sum().backward()
    assert a.grad is not None and a.grad.shape == (0, 3, 3)
    assert b.grad is not None and b.grad.shape == (2, 0, 0)
    assert linalg.det(b).tolist() == [1, 1]


# -- values ----------------------------------------------------------------------------------------


def test_large_systems(device: str) -> None:
    """Triangles in blocks, and a factorisation of many columns."""
    rng = np.random.default_rng(0)
    a = rng.standard_normal((2, 150, 150)) + 12 * np.eye(150)
    b = rng.standard_normal((2, 150, 5))
    x, y = Tensor(a, device=device), Tensor(b, device=device)
    for upper, part in ((False, np.tril), (True, np.triu)):
        right = np.linalg.solve(part(a), b)
        found = linalg.solve_triangular(x, y, upper=upper).numpy()
        np.testing.assert_allclose(found, right, rtol=1e-9, atol=1e-12)
    p, lower, upper_ = linalg.lu(x)
    np.testing.assert_allclose((p @ lower @ upper_).numpy(), a, rtol=1e-10, atol=1e-12)
    solved = linalg.lu_solve(*linalg.lu_factor(x), y).numpy()
    np.testing.assert_allclose(solved, np.linalg.solve(a, b), rtol=1e-9, atol=1e-12)


@pytest.mark.parametrize("scale", [1e-3, 1.0, 30.0, 300.0])
def test_the_exponential_of_matrices_of_all_sizes(scale: float) -> None:
    """Of diagonal and of nilpotent ones, whose exponentials are known, in one stack."""
    diagonal = np.diag([scale, -scale, scale / 2])
    nilpotent = scale * np.array([[0, 1, 2], [0, 0, 3], [0, 0, 0]])
    stack = Tensor(np.stack([diagonal, nilpotent, 0 * diagonal]))
    right = [np.diag(np.exp([scale, -scale, scale / 2])),
             np.eye(3) + nilpotent + nilpotent @ nilpotent / 2, np.eye(3)]  # fmt: skip
    np.testing.assert_allclose(linalg.matrix_exp(stack).numpy(), right, rtol=1e-11, atol=1e-12)


def test_the_exponential_of_what_is_not_finite_is_nan() -> None:
    found = linalg.matrix_exp(Tensor(np.array([[[math.nan, 0], [0, 1]], [[0.0, 0], [0, 0]]])))
    assert np.isnan(found.numpy()[0]).all()
    np.testing.assert_allclose(found.numpy()[1], np.eye(2), rtol=1e-15)


def test_halves_have_an_exponential() -> None:
    found = linalg.matrix_exp(Tensor.zeros(2, 2, dtype="float16"))
    assert found.dtype is lazygrad.float16
    assert found.tolist() == [[1, 0], [0, 1]]


def test_checks_can_be_left_to_the_caller(device: str) -> None:
    singular = Tensor(np.float32([[[1, 2], [2, 4]], [[2, 0], [0, 2]]]), device=device)
    inverse, info = linalg.inv_ex(singular)
    assert info.tolist() == [1, 0]
    assert inverse[1].tolist() == [[0.5, 0], [0, 0.5]]
    with pytest.raises(LinAlgError):
        linalg.inv_ex(singular, check_errors=True).inverse.numpy()
    assert linalg.solve_ex(singular, singular).info.tolist() == [1, 0]
    assert np.isnan(linalg.cholesky_ex(singular - 3).L.numpy()).all()


def test_named_results_and_old_names() -> None:
    with no_grad():
        assert linalg.svd(MATRIX)._fields == ("U", "S", "Vh")
        assert MATRIX.svd()._fields == ("U", "S", "V")
        assert linalg.eigh(MATRIX)._fields == ("eigenvalues", "eigenvectors")
        assert linalg.lstsq(MATRIX, MATRIX).rank.item() == 2
        assert linalg.slogdet(MATRIX).sign.item() == 1
