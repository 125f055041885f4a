"""Maths, order and choices: what is refused, what is computed now, and inside jitted functions."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

import lazygrad as T
from lazygrad import Tensor, config, jit
from lazygrad.errors import (
    ArgumentError,
    AxisError,
    DtypeError,
    GradError,
    JitError,
    ShapeError,
    ValueRangeError,
    WriteError,
)

X, V, W = Tensor.ones(2, 3), Tensor.ones(3), Tensor([1, 2, 3])

WRONG: dict[str, tuple[Callable[[], object], type[Exception], str]] = {
    "einsum, operands": (lambda: T.einsum("ij,jk", X),
                         ValueRangeError, "speaks of 2 operands, got 1"),
    "einsum, result": (lambda: T.einsum("ij->k", X), ValueRangeError, "must name dims of operands"),
    "einsum, twice": (lambda: T.einsum("ij->ii", X), ValueRangeError, "each once"),
    "einsum, sizes": (lambda: T.einsum("ij,jk", X, X),
                      ShapeError, r"'j' of 'ij,jk' has sizes 3 and 2"),
    "einsum, letters": (lambda: T.einsum("i1", X), ValueRangeError, "not of letters"),
    "einsum, dims": (lambda: T.einsum("ijk", X), ValueRangeError, "an operand of 2 dims"),
    "einsum, nothing": (lambda: T.einsum(), ArgumentError, "an equation or a Tensor comes first"),
    "einsum, lists": (lambda: T.einsum(X, ["a"]), ArgumentError, r"lists of numbers from 0 to 51"),
    "topk": (lambda: X.topk(4),
             ValueRangeError, r"k must be from 0 to 3, the size of dim -1, got 4"),
    "kthvalue": (lambda: X.kthvalue(0),
                 ValueRangeError, r"\[kthvalue\] k must be from 1 to 3, got 0"),
    "quantile": (lambda: X.quantile(1.5), ValueRangeError, r"\[quantile\] q must be from 0 to 1"),
    "quantile, kind": (lambda: X.quantile(0.5, interpolation="cubic"),
                       ValueRangeError, "must be one of"),
    "quantile, dtype": (lambda: W.quantile(0.5), DtypeError, r"\[quantile\] needs a float dtype"),
    "median": (lambda: Tensor.zeros(2, 0).median(1), ShapeError, "none over dim 1 of size 0"),
    "as_strided": (lambda: X.as_strided((3,), (3,)), ShapeError, "outside of the 6 elements"),
    "as_strided, pairs": (lambda: X.as_strided((3,), ()), ShapeError, "1 sizes do not pair with 0"),
    "as_strided, view": (lambda: X.T.as_strided((2,), (1,)),
                         WriteError, r"a view .* contiguous\(\)"),
    "unfold": (lambda: X.unfold(1, 4, 1), ShapeError, "no 4 elements along dim 1"),
    "unfold, step": (lambda: X.unfold(1, 2, 0), ValueRangeError, "step must be at least 1"),
    "diagonal": (lambda: V.diagonal(), ShapeError, r"\[diagonal\] needs 2 dims, got shape \(3,\)"),
    "diagonal, one dim": (lambda: X.diagonal(0, 1, -1), AxisError, "which are one"),
    "diagonal_scatter": (lambda: T.diagonal_scatter(X, V),
                         ShapeError, r"a diagonal of shape \(2,\)"),
    "block_diag": (lambda: T.block_diag(Tensor.ones(1, 1, 1)), ShapeError, "needs matrices"),
    "meshgrid": (lambda: T.meshgrid(V, indexing="yx"), ValueRangeError, '"ij" or "xy", got \'yx\''),
    "meshgrid, dims": (lambda: T.meshgrid(X), ShapeError, r"needs vectors, got shapes \(2, 3\)"),
    "hsplit": (lambda: X.hsplit(2), ShapeError, r"2 pieces do not divide .* tensor_split\(\)"),
    "vsplit": (lambda: V.vsplit(1), ShapeError, r"\[vsplit\] needs 2 dims"),
    "repeat_interleave": (lambda: V.repeat_interleave(Tensor([1, -1, 1])),
                          ValueRangeError, "negative: -1"),
    "repeat_interleave, count": (lambda: V.repeat_interleave(Tensor([1, 2])),
                                 ShapeError, "must be 3 int"),
    "repeat_interleave, size": (lambda: V.repeat_interleave(W, output_size=5),
                                ShapeError, "give 6, not 5"),
    "rot90": (lambda: X.rot90(1, (0, 0)), AxisError, "turns in a plane of two dims"),
    "addmm": (lambda: T.addmm(V, X, X),
              ShapeError, r"\[addmm\] shapes \(2, 3\) and \(2, 3\) do not fit"),
    "addmm, dims": (lambda: T.addmm(V, V, X), ShapeError, r"needs tensors of 2, 2 dims"),
    "addmm, dtype": (lambda: T.addmm(V.double(), X, X.T), DtypeError, "float64 and float32 differ"),
    "addmm, shape": (lambda: T.addmm(V, X, X.T), ShapeError, r"\[addmm\] .*do not broadcast"),
    "tensordot": (lambda: T.tensordot(X, X, 1), ShapeError, "summed together, but differ"),
    "cross": (lambda: T.cross(X, X, dim=0), ShapeError, "needs a dim of size 3"),
    "matrix_power": (lambda: X.matrix_power(2), ShapeError, r"needs square matrices"),
    "chain_matmul": (lambda: T.chain_matmul(V), ShapeError, "needs matrices"),
    "cdist": (lambda: T.cdist(X, Tensor.ones(2, 2)), ShapeError, "rows of one length"),
    "norm": (lambda: X.norm("one"), ValueRangeError, r'\[norm\] p must be a number, "fro"'),
    "norm, dtype": (lambda: W.norm(), DtypeError, "needs a float dtype"),
    "cov": (lambda: X.cov(aweights=Tensor.ones(2)),
            ShapeError, r"aweights of shape \(2,\) for 3 col"),
    "bincount": (lambda: Tensor([-1]).bincount(), ValueRangeError, "must not be negative, got -1"),
    "histc": (lambda: X.histc(0), ValueRangeError, "bins must be at least 1"),
    "searchsorted": (lambda: T.searchsorted(V, V, side="up"), ValueRangeError, '"left" or "right"'),
    "searchsorted, dims": (lambda: T.searchsorted(X, V), ShapeError, "the same leading dims"),
    "bucketize": (lambda: T.bucketize(V, X), ShapeError, "boundaries must be a vector"),
    "isin": (lambda: T.isin(1, 2), ArgumentError, "needs a Tensor, got two numbers"),
    "where": (lambda: T.where(X > 0, X), ArgumentError, "both input and other, or neither"),
    "masked_select": (lambda: X.masked_select(W), DtypeError, "the mask must be bool, got int64"),
    "take_along_dim": (lambda: X.take_along_dim(W, 1), ShapeError, "need as many dims"),
    "take": (lambda: X.take(Tensor([6])), ValueRangeError, r"indices must be in \[-6, 6\)"),
    "gcd": (lambda: T.gcd(X, X), DtypeError, r"\[gcd\] needs integers, got float32"),
    "frexp": (lambda: T.frexp(W), DtypeError, r"\[frexp\] needs a float dtype, got int64"),
    "heaviside": (lambda: T.heaviside(X, W), DtypeError, "float32 and int64 differ"),
    "polygamma": (lambda: T.polygamma(-1, X), ValueRangeError, "n must be at least 0"),
    "polygamma, kinds": (lambda: T.polygamma(X, X), ArgumentError, "takes an order and a Tensor"),
    "pow": (lambda: T.pow(2, 3),
            ArgumentError, r"\[pow\] needs a Tensor among its operands, got \(2, 3\)"),
    "diff": (lambda: Tensor(1.0).diff(), ShapeError, "a scalar has no neighbours"),
    "trapezoid": (lambda: T.trapezoid(X, V, dx=1.0), ArgumentError, "places x or a distance dx"),
    "trapezoid, places": (lambda: T.trapezoid(X, Tensor.ones(2)),
                          ShapeError, "2 places for 3 values"),
    "gradient": (lambda: T.gradient(X, edge_order=2),
                 ShapeError, "needs at least 3 values along dim 0"),
    "hann_window": (lambda: T.hann_window(-1), ValueRangeError, "window_length must be at least 0"),
    "fill_diagonal_": (lambda: V.fill_diagonal_(1), ShapeError, "needs a matrix, or equal dims"),
    "sum_to_size": (lambda: X.sum_to_size(2),
                    ShapeError, r"\(2,\) and \(2, 3\) do not broadcast"),
    "in place, leaf": (lambda: Tensor([1.0], requires_grad=True).exp_(),
                       GradError, r"^\[exp_\] a leaf"),
    "in place, dtype": (lambda: Tensor([1]).sqrt_(),
                        DtypeError, r"^\[sqrt_\] the result is float32"),
    "view in place": (lambda: Tensor([1.0], requires_grad=True).unsqueeze_(0),
                      GradError, r"\[unsqueeze_\]"),
}  # fmt: skip


@pytest.mark.parametrize("name", WRONG)
def test_what_is_refused(name: str) -> None:
    call, kind, message = WRONG[name]
    with pytest.raises(kind, match=message):
        call()


LOOKED_UP: list[Callable[[Tensor], object]] = [
    lambda x: x.nonzero(), lambda x: x.argwhere(), lambda x: x.masked_select(x > 0),
    lambda x: x.unique(), lambda x: x.unique_consecutive(), lambda x: x.long().bincount(),
    lambda x: T.where(x > 0), lambda x: x.repeat_interleave(x.long()),
]  # fmt: skip


@pytest.mark.parametrize("number", range(len(LOOKED_UP)))
def test_a_shape_that_depends_on_values_is_refused_inside_a_jitted_function(number: int) -> None:
    with pytest.raises(JitError, match="the value of a tensor of shape"):
        jit(LOOKED_UP[number])(Tensor([1.0, 0.0, 2.0]))


JITTED: dict[str, Callable[[Tensor], object]] = {
    "sort": lambda x: x.sort(-1, descending=True),
    "topk": lambda x: x.topk(2),
    "median": lambda x: [x.median(), *x.median(0)],
    "quantile": lambda x: x.quantile(0.3, 1),
    "einsum": lambda x: T.einsum("ij,kj->ik", x, x),
    "cumprod": lambda x: x.cumprod(1),
    "nonzero_static": lambda x: (x > 0).nonzero_static(size=3),
    "histc": lambda x: x.histc(4, -1, 1),
    "bucketize": lambda x: T.bucketize(x, Tensor([-1.0, 0.0, 1.0], device=x.device)),
    "norm": lambda x: x.norm(dim=1),
    "lgamma": lambda x: x.abs().lgamma(),
}


@pytest.mark.parametrize("name", JITTED)
def test_a_jitted_function_gives_the_same(name: str, device: str) -> None:
    function = JITTED[name]
    step = jit(function)
    for seed in range(3):
        given = np.float32(np.random.RandomState(seed).randn(4, 5))
        x = Tensor(given, device=device)
        expected, found = function(x), step(x)
        listed = found if isinstance(found, list | tuple) else [found]
        for ours, theirs in zip(
            listed, expected if isinstance(expected, list | tuple) else [expected], strict=True
        ):
            np.testing.assert_allclose(ours.numpy(), theirs.numpy(), rtol=1e-6, atol=1e-6)


def test_order_is_not_computed_before_it_is_needed(device: str) -> None:
    x = Tensor([3.0, 1.0, 2.0], device=device)
    with config(repr="lazy"):
        assert "lazy" in repr(x.sort().values)
        assert "lazy" in repr(x.topk(2).indices)
    assert x.sort().indices.tolist() == [1, 2, 0]


def test_a_long_sort_keeps_equals_in_order(device: str) -> None:
    keys = np.random.RandomState(0).randint(0, 9, (2, 1300))
    found = Tensor(np.float32(keys), device=device).sort(descending=True).indices.numpy()
    for row, indices in zip(keys, found, strict=True):
        assert indices.tolist() == np.argsort(-row, kind="stable").tolist()


@pytest.mark.parametrize("dtype", ["int64", "uint64", "int32", "float64", "float16", "bool"])
@pytest.mark.parametrize("descending", [False, True])
def test_a_long_sort_tells_all_values_apart(dtype: str, descending: bool, device: str) -> None:
    random = np.random.RandomState(1)
    keys = random.randint(0, 2**62, 300).astype(np.uint64) * 3 + random.randint(0, 9, 300).astype(
        np.uint64
    )
    if dtype == "int64":
        values = keys.view(np.int64)
    elif dtype.startswith("float"):
        values = random.randn(300).astype(dtype)
    else:
        values = keys.astype(dtype)
    found = Tensor(values, device=device).sort(descending=descending)
    ordered = np.sort(values)
    assert found.values.numpy().tolist() == (ordered[::-1] if descending else ordered).tolist()
    assert values[found.indices.numpy()].tolist() == found.values.numpy().tolist()


def test_einsum_is_the_product_that_matmul_is(device: str) -> None:
    x, y = Tensor.rand(3, 20, 30, device=device), Tensor.rand(3, 30, 10, device=device)
    summed = T.einsum("bij,bjk->bik", x, y)
    assert np.array_equal(summed.numpy(), (x @ y).numpy())
