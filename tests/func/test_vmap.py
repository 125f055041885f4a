"""vmap: what it computes for each argument, what it refuses, and that nothing is lost."""

from __future__ import annotations

from collections import namedtuple
from typing import Any

import numpy as np
import pytest

import lazygrad
from lazygrad import Tensor, func, inspect, jit, nn, no_grad, vmap
from lazygrad.errors import (
    ArgumentError,
    AxisError,
    GradError,
    ShapeError,
    ValueRangeError,
    VmapError,
    WriteError,
)
from lazygrad.nn import functional as F

RNG = np.random.default_rng(11)


def normal(*shape: int) -> Tensor:
    return Tensor(RNG.standard_normal(shape).astype(np.float32))


def close(found: Any, expected: Any) -> None:
    np.testing.assert_allclose(found.numpy(), np.asarray(expected), rtol=1e-5, atol=1e-6)


def stacked(function: Any, *tensors: Tensor) -> np.ndarray[Any, Any]:
    """What a loop over the first dims computes."""
    rows = zip(*[tensor.unbind(0) for tensor in tensors], strict=True)
    return np.stack([function(*row).numpy() for row in rows])


# -- arguments and results -------------------------------------------------------------------------


def test_the_function_sees_one_sample() -> None:
    seen = []

    def f(x: Tensor, y: Tensor) -> Tensor:
        seen.append((x.shape, y.shape, x.dtype, y.dtype, x.ndim, len(x)))
        return x.sum() + y

    assert vmap(f)(normal(5, 2, 3), Tensor([1, 2, 3, 4, 5])).shape == (5,)
    assert seen == [((2, 3), (), lazygrad.float32, lazygrad.int64, 2, 2)]


@pytest.mark.parametrize(("in_dims", "at"), [(0, 0), (1, 1), (2, 2), (-1, 2), (-3, 0), ((1,), 1)])
def test_in_dims_of_one_argument(in_dims: Any, at: int) -> None:
    x = normal(2, 3, 4)
    found = vmap(lambda row: row * 2, in_dims)(x)
    close(found, np.moveaxis(x.numpy() * 2, at, 0))


def test_in_dims_of_several_arguments() -> None:
    x, y, z = normal(3, 2), normal(2, 3), normal(2)
    found = vmap(lambda a, b, c, k: a * b + c * k, in_dims=(0, -1, None, None))(x, y, z, 3)
    close(found, x.numpy() * y.numpy().T + 3 * z.numpy())


def test_in_dims_follow_containers() -> None:
    Pair = namedtuple("Pair", "first second")
    x, y = normal(3, 2), normal(2, 3)

    def f(tree: Any) -> Tensor:
        return tree["a"] + tree["b"][0] * tree["b"][1] + tree["c"].first

    tree = {"a": x, "b": [y, 2.0], "c": Pair(x, x)}
    dims = ({"a": 0, "b": [1, None], "c": 0},)
    expected = x.numpy() * 2 + 2 * y.numpy().T
    close(vmap(f, dims)(tree), expected)
    close(vmap(f, ({"c": Pair(0, 0), "b": [1, None], "a": 0},))(tree), expected)
    close(vmap(lambda pair: pair[0] - pair[1])((x, x)), np.zeros((3, 2)))


def test_keyword_arguments_are_the_same_for_all() -> None:
    x, y = normal(3, 2), normal(2)
    close(
        vmap(lambda row, *, other, k: row @ other * k)(x, other=y, k=2), 2 * x.numpy() @ y.numpy()
    )


@pytest.mark.parametrize(("out_dims", "at"), [(0, 0), (1, 1), (-1, 2), (-3, 0), ((1,), 1)])
def test_out_dims_of_one_result(out_dims: Any, at: int) -> None:
    x = normal(4, 2, 3)
    close(vmap(lambda row: row + 1, out_dims=out_dims)(x), np.moveaxis(x.numpy() + 1, 0, at))


def test_out_dims_of_several_results() -> None:
    x = normal(4, 2)
    many, one, text = vmap(lambda r: (r, Tensor(5.0), "yes"), out_dims=(1, None, None))(x)
    close(many, x.numpy().T)
    assert (one.item(), text) == (5.0, "yes")
    found = vmap(lambda r: {"a": [r, r.sum()], "b": r}, out_dims={"a": 0, "b": -1})(x)
    close(found["a"][1], x.numpy().sum(1))
    close(found["b"], x.numpy().T)


def test_what_does_not_depend_on_samples_is_repeated() -> None:
    x, y = normal(3), normal(2)
    results = vmap(lambda row: (y * 2, Tensor([1, 2]), lazygrad.arange(2), y))(x)
    for found, one in zip(results, (y * 2, Tensor([1, 2]), lazygrad.arange(2), y), strict=True):
        close(found, np.tile(one.numpy(), (3, 1)))


def test_no_samples_and_one() -> None:
    for size in (0, 1):
        x = normal(size, 2, 2)
        found = vmap(lambda m, b: (m @ b).relu().sum(0), (0, None))(x, normal(2, 3))
        assert found.numpy().shape == (size, 3)


def test_vmap_is_a_name_of_the_package() -> None:
    assert lazygrad.vmap is func.vmap
    assert vmap(TWICE).__name__ == "TWICE"


def TWICE(x: Tensor) -> Tensor:
    return x * 2


X = Tensor(np.ones((3, 2), np.float32))
REFUSED: dict[str, tuple[Any, type[Exception], str]] = {
    "in_dims": (lambda: vmap(TWICE, "0")(X), ArgumentError, r"in_dims must be an integer, or a t"),
    "in_dims list": (lambda: vmap(TWICE, [0])(X), ArgumentError, r"a tuple .* of TWICE, got \[0\]"),
    "in_dims bool": (lambda: vmap(TWICE, True)(X), ArgumentError, r"got True"),
    "in_dims item": (lambda: vmap(TWICE, ("a",))(X), ArgumentError, r"integers and None, got 'a'"),
    "structure": (lambda: vmap(TWICE, (0, 0))(X), ArgumentError, r"in_dims=\(0, 0\) does not have"),
    "deep": (lambda: vmap(TWICE, ((0,),))(X), ArgumentError, r"of the arguments of TWICE"),
    "no tensor": (lambda: vmap(TWICE)(1.5), ArgumentError, r"no Tensor, 1.5 .*; say None for it"),
    "dim": (lambda: vmap(TWICE, 2)(X), AxisError, r"says 2 .* of shape \(3, 2\), which has 2 dims"),
    "0-d": (lambda: vmap(TWICE)(Tensor(1.0)), AxisError, r"of shape \(\), which has 0 dims"),
    "sizes": (
        lambda: vmap(lambda a, b: a, (0, 1))(X, X), ShapeError,
        r"got 3 in dim 0 of \(3, 2\), 2 in dim 1 of \(3, 2\)",
    ),
    "all None": (lambda: vmap(TWICE, (None,))(X), ValueRangeError, r"None for all arguments"),
    "nothing": (lambda: vmap(TWICE)(), ArgumentError, r"TWICE was given no arguments"),
    "out_dims": (lambda: vmap(TWICE, out_dims="a"), ArgumentError, r"out_dims .* got 'a'"),
    "out structure": (
        lambda: vmap(lambda x: (x, x), out_dims=(0,))(X), ArgumentError, r"out_dims=\(0,\) does not"
    ),
    "out dim": (lambda: vmap(TWICE, out_dims=2)(X), AxisError, r"\[vmap\].*2"),
    "out no tensor": (lambda: vmap(lambda x: 3)(X), ArgumentError, r"returned 3 .*; say None for"),
    "out None": (
        lambda: vmap(TWICE, out_dims=None)(X), ValueRangeError, r"of shape \(2,\) that differs"
    ),
    "randomness": (lambda: vmap(TWICE, randomness="some"), ValueRangeError, r"error, same, diff"),
    "chunk_size": (lambda: vmap(TWICE, chunk_size=0), ValueRangeError, r"at least 1, got 0"),
    "func": (lambda: vmap(3), ArgumentError, r"\[vmap\] func must be a function, got 3"),
}  # fmt: skip


@pytest.mark.parametrize("name", REFUSED)
def test_what_is_refused_and_why(name: str) -> None:
    call, error, text = REFUSED[name]
    with pytest.raises(error, match=text):
        call()


# -- inside ----------------------------------------------------------------------------------------


def test_nested() -> None:
    a, b = normal(3, 4), normal(4, 5)
    dot = lambda x, y: (x * y).sum()  # noqa: E731
    product = vmap(vmap(dot, (None, 1)), (0, None))
    close(product(a, b), a.numpy() @ b.numpy())
    deep = vmap(vmap(vmap(lambda x, y: x - y, (0, None)), (None, 0)), (1, None), out_dims=2)
    x, y = normal(3, 4), normal(2)
    close(deep(x, y), (x.numpy()[None] - y.numpy()[:, None, None]))


def test_views_and_writes_inside() -> None:
    def f(x: Tensor) -> Tensor:
        held = lazygrad.zeros(3, 4)
        held[1] = x
        held[:, 2] += x[:3]
        row = held[0]
        row.add_(x.flip(0))
        held.T[3].mul_(2)
        return lazygrad.cat([held, row.unsqueeze(0), x.clone().sin_()[None]])

    x = normal(5, 4)
    close(vmap(f)(x), stacked(f, x))


def test_a_value_that_differs_from_sample_to_sample_cannot_be_read() -> None:
    reads = [
        lambda x: x.item(),
        lambda x: bool(x > 0),
        lambda x: (x + 1).numpy(),
        lambda x: float(x),
        lambda x: x if x else -x,
        lambda x: lazygrad.arange(4)[: int(x)],
    ]
    for read in reads:
        with pytest.raises(VmapError, match=r"\[vmap\] the value of .* use where\(\)"):
            vmap(read)(Tensor([1.0, 2.0]))
    with pytest.raises(VmapError, match="use where"):  # of the outer one
        vmap(lambda x: vmap(lambda y: y * x.item())(X))(Tensor([1.0, 2.0]))


def test_a_value_that_all_samples_share_can_be_read() -> None:
    mask, counts = Tensor([True, False, True]), Tensor([1, 2])

    def f(x: Tensor, scale: Tensor) -> Tensor:
        assert scale.item() == 2.0
        assert lazygrad.arange(3).tolist() == [0, 1, 2]
        return x[mask].repeat_interleave(counts) * (scale if scale > 1 else 0)

    x = normal(4, 3)
    close(vmap(f, (0, None))(x, Tensor(2.0)), 2 * x.numpy()[:, [0, 2, 2]])
    close(vmap(vmap(f, (0, None)), (0, None))(x[None], Tensor(2.0))[0], 2 * x.numpy()[:, [0, 2, 2]])


def test_a_tensor_that_escapes_says_that_it_has_no_value() -> None:
    escaped: list[Tensor] = []
    vmap(lambda x: escaped.append(x + 1) or x)(X)
    with pytest.raises(VmapError, match="made inside a mapped function has no value outside"):
        escaped[0].numpy()


def test_a_write_to_a_tensor_from_outside_is_an_error() -> None:
    total, table = Tensor(0.0), lazygrad.zeros(2, 2)
    writes = [
        lambda x: total.add_(x.sum()),
        lambda x: table.__setitem__(0, x),
        lambda x: table[1].copy_(x),
        lambda x: vmap(lambda y: x.add_(y))(x),
        lambda x: MODEL(x.expand(2, 2)),
    ]
    for write in writes:
        with pytest.raises(WriteError, match="tensor"):
            vmap(lambda x, write=write: write(x) or x)(X)
    assert total.item() == 0
    assert table.sum().item() == 0


MODEL = nn.BatchNorm1d(2)


def test_a_write_to_a_mapped_argument_is_seen_by_the_caller() -> None:
    def f(x: Tensor, y: Tensor) -> Tensor:
        x.mul_(y)
        x[0] = 5
        return x.sum()

    for way in (vmap(f, (1, 0)), vmap(f, (1, 0), chunk_size=2), jit(vmap(f, (1, 0)))):
        x, y = Tensor(np.ones((2, 3), np.float32)), Tensor([1.0, 2.0, 3.0])
        part = x[1]
        close(way(x, y), [6, 7, 8])
        close(x, [[5, 5, 5], [1, 2, 3]])
        close(part, [1, 2, 3])
    zeroed = normal(3, 2)
    vmap(lambda row: row.zero_())(zeroed)
    close(zeroed, np.zeros((3, 2)))


def test_a_write_to_what_has_a_history_goes_on_with_it() -> None:
    x = normal(3, 2).requires_grad_()
    hidden = x * 2
    found = vmap(lambda row: row.square_() + 1)(hidden)
    (found * hidden).sum().backward()
    close(x.grad, 8 * x.detach().numpy() * (2 * 4 * x.detach().square().numpy() + 1))
    with pytest.raises(GradError, match="a leaf that requires a gradient"):
        vmap(lambda row: row.square_())(x)
    with no_grad():
        vmap(lambda row: row.fill_(2))(x)
    close(x, np.full((3, 2), 2))
    assert x.is_leaf
    assert x.requires_grad


# -- random numbers --------------------------------------------------------------------------------


def test_random_numbers_need_leave() -> None:
    with pytest.raises(VmapError, match='say randomness="same" or "different"'):
        vmap(lambda x: F.dropout(x))(X)
    with pytest.raises(VmapError, match="randomness"):
        vmap(lambda x: lazygrad.poisson(Tensor([3.0])))(X)


def test_random_numbers_that_all_samples_share() -> None:
    lazygrad.manual_seed(3)
    expected = (lazygrad.rand(4).numpy(), lazygrad.randperm(4).numpy())
    for chunk_size in (None, 2):
        lazygrad.manual_seed(3)
        draw = vmap(
            lambda x: (lazygrad.rand(4), lazygrad.randperm(4)), 0, 0, "same", chunk_size=chunk_size
        )
        for found, one in zip(draw(normal(5)), expected, strict=True):
            close(found, np.tile(one, (5, 1)))


def test_random_numbers_of_each_sample() -> None:
    for chunk_size in (None, 2):
        lazygrad.manual_seed(3)
        draw = vmap(lambda x: lazygrad.randn(400) + x, 0, 0, "different", chunk_size=chunk_size)
        found = draw(lazygrad.zeros(50)).numpy()
        assert len(np.unique(found)) > 0.999 * found.size
        assert abs(found.mean()) < 0.02
        assert abs(found.std() - 1) < 0.02
        assert abs(np.corrcoef(found) - np.eye(50)).max() < 0.25
        lazygrad.manual_seed(3)
        close(draw(lazygrad.zeros(50)), found)


def test_nested_and_jitted_random_numbers() -> None:
    inner = vmap(lambda x: lazygrad.rand(2) + 0 * x, randomness="different")
    found = jit(vmap(inner, randomness="different"))
    first, second = found(lazygrad.zeros(3, 4)).numpy(), found(lazygrad.zeros(3, 4)).numpy()
    assert len(np.unique([first, second])) == 48
    shared = vmap(inner, randomness="same")(lazygrad.zeros(3, 4)).numpy()
    assert len(np.unique(shared)) == 8
    rows = vmap(vmap(lambda x: lazygrad.rand(2), randomness="same"), randomness="different")
    assert len(np.unique(rows(lazygrad.zeros(3, 4)).numpy())) == 6


def test_dropout_of_each_sample() -> None:
    found = vmap(lambda x: F.dropout(x, 0.25), randomness="different")(lazygrad.ones(64, 100))
    kept = found.numpy() != 0
    assert abs(kept.mean() - 0.75) < 0.02
    assert len(np.unique(kept, axis=0)) == 64


# -- derivatives -----------------------------------------------------------------------------------


def test_derivatives_flow_through() -> None:
    x, w = normal(4, 3).requires_grad_(), normal(3).requires_grad_()
    y = vmap(lambda row: (row * w).sin().sum())(x)
    assert y.requires_grad
    y.square().sum().backward()
    plain_x, plain_w = x.detach().requires_grad_(), w.detach().requires_grad_()
    (plain_x * plain_w).sin().sum(1).square().sum().backward()
    close(x.grad, plain_x.grad.numpy())
    close(w.grad, plain_w.grad.numpy())


def test_what_runs_without_gradients_inside_has_none() -> None:
    x = normal(4, 3).requires_grad_()

    def f(row: Tensor) -> Tensor:
        with no_grad():
            scale = row.square()
        return (row * scale).sum() + row.detach().sum()

    vmap(f)(x).sum().backward()
    close(x.grad, x.detach().square().numpy())
    with no_grad():
        assert not vmap(f)(x).requires_grad


def test_gradients_inside() -> None:
    x = normal(4, 3)
    f = lambda row: (row**3).sum() * row[0].exp()  # noqa: E731
    close(vmap(func.grad(f))(x), stacked(func.grad(f), x))
    close(vmap(func.hessian(f))(x), stacked(func.hessian(f), x))
    outer = lambda x: vmap(func.grad(f))(x).square().sum()  # noqa: E731
    each = lambda row: func.grad(f)(row).square().sum()  # noqa: E731
    close(func.grad(outer)(x), stacked(func.grad(each), x))
    tangent = normal(4, 3)
    pushed = func.jvp(vmap(f), (x,), (tangent,))[1]
    close(pushed, stacked(lambda r, t: func.jvp(f, (r,), (t,))[1], x, tangent))

    def by_backward(row: Tensor) -> Tensor:
        leaf = row.detach().requires_grad_()
        f(leaf).backward()
        assert leaf.grad is not None
        return leaf.grad

    close(vmap(by_backward)(x), stacked(func.grad(f), x))


def test_a_gradient_of_a_tensor_from_outside_is_not_lost() -> None:
    w, x = normal(2).requires_grad_(), normal(3, 2).requires_grad_()
    with pytest.raises(WriteError, match="gradient"):
        vmap(lambda row: (row.detach() * w).sum().backward())(x)
    with pytest.raises(WriteError, match="gradient"):
        vmap(lambda row: row.sum().backward())(x)
    assert w.grad is None
    assert x.grad is None


# -- jit, modules, chunks --------------------------------------------------------------------------


def test_jit_around_and_inside() -> None:
    w = normal(3, 2)
    f = jit(lambda row: (row @ w).relu())
    x, again = normal(4, 3), normal(4, 3)
    mapped = jit(vmap(f))
    close(mapped(x), stacked(f, x))
    close(mapped(again), stacked(f, again))
    w.add_(1)
    close(mapped(x), stacked(f, x))
    assert mapped.captures == 1
    close(vmap(f)(x), stacked(f, x))


def test_modules() -> None:
    model = nn.Sequential(
        nn.Conv2d(2, 3, 3, padding=1), nn.BatchNorm2d(3), nn.ReLU(), nn.MaxPool2d(2), nn.Flatten(),
        nn.Linear(12, 5),
    )  # fmt: skip
    x, y = normal(6, 1, 2, 4, 4), Tensor([0, 1, 2, 3, 4, 0])
    model[1].running_mean.add_(0.1)
    model.eval()
    close(vmap(model)(x), stacked(model, x))
    loss = vmap(lambda image, label: F.cross_entropy(model(image), label[None]))(x, y)
    close(loss, F.cross_entropy(model(x.flatten(0, 1)), y, reduction="none").numpy())


def test_chunks() -> None:
    x, y = normal(7, 3), normal(3, 7)
    f = lambda a, b, c: (a * b, (a + c).sum(), c)  # noqa: E731
    whole = vmap(f, (0, 1, None), (1, 0, None))(x, y, Tensor(2.0))
    for chunk_size in (1, 3, 7, 9):
        parts = vmap(f, (0, 1, None), (1, 0, None), chunk_size=chunk_size)(x, y, Tensor(2.0))
        for part, all_ in zip(parts, whole, strict=True):
            close(part, all_.numpy())


def test_a_chunk_is_computed_before_the_next_one_is_begun() -> None:
    seen = []

    def f(x: Tensor) -> Tensor:
        seen.append(inspect.plan_cache().hits + inspect.plan_cache().misses)
        return x * 2

    vmap(f, chunk_size=2)(normal(6))
    assert np.diff(seen).tolist() == [1, 1]


def test_a_function_that_raises_leaves_no_trace() -> None:
    with pytest.raises(ZeroDivisionError):
        vmap(lambda x: 1 / 0)(X)
    assert lazygrad.modes.ambient.trace is None
    close(X + 1, np.full((3, 2), 2))
