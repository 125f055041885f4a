"""``backward``, ``grad`` and the modes around them, as PyTorch behaves."""

import gc
import sys
from typing import Any

import numpy as np
import pytest

import lazygrad
from lazygrad import Tensor, enable_grad, grad, is_grad_enabled, no_grad, set_grad_enabled
from lazygrad.errors import GradError, ShapeError


def leaf(*values: float) -> Tensor:
    return Tensor(list(values), dtype="float32", requires_grad=True)


# -- backward ------------------------------------------------------------------------------------


def test_backward_fills_and_accumulates() -> None:
    x = leaf(1, 2, 3)
    (x * x).sum().backward()
    assert x.grad is not None and x.grad.tolist() == [2, 4, 6]
    assert not x.grad.requires_grad
    (x * 3).sum().backward()
    assert x.grad.tolist() == [5, 7, 9]
    x.grad = None
    x.sum().backward()
    assert x.grad.tolist() == [1, 1, 1]


def test_backward_reaches_every_leaf() -> None:
    x, y, unused = leaf(1, 2), leaf(3, 4), leaf(5)
    constant = Tensor([1.0, 1.0])
    (x * y + constant).sum().backward()
    assert (x.grad.tolist(), y.grad.tolist()) == ([3, 4], [1, 2])
    assert unused.grad is None and constant.grad is None


def test_equal_leaves_are_two() -> None:
    a, b = Tensor.zeros(2, requires_grad=True), Tensor.zeros(2, requires_grad=True)
    (a * 2 + b * 3).sum().backward()
    assert (a.grad.tolist(), b.grad.tolist()) == ([2, 2], [3, 3])


def test_backward_with_gradient() -> None:
    x = leaf(1, 2)
    (x * x).backward(Tensor([10.0, 100.0]))
    assert x.grad.tolist() == [20, 400]
    with pytest.raises(ShapeError, match=r"\[backward\] gradient has shape \(3,\)"):
        (x * x).backward(Tensor([1.0, 1.0, 1.0]))


def test_value_before_backward() -> None:
    """``loss.item()`` first is normal PyTorch code: the history stays while the handle lives."""
    x = leaf(1, 2)
    loss = (x * x).sum()
    assert loss.item() == 5
    x.realize()
    loss.backward()
    assert x.grad.tolist() == [2, 4]
    loss.backward()
    assert x.grad.tolist() == [4, 8]


def test_backward_errors() -> None:
    x = leaf(1, 2)
    with pytest.raises(
        GradError, match=r"\[backward\] gradient can be left out for scalar.*\(2,\)"
    ):
        (x * 2).backward()
    with pytest.raises(GradError, match=r"\[backward\] .* does not require a gradient"):
        Tensor([1.0]).sum().backward()
    with pytest.raises(GradError, match="does not require"):
        x.detach().sum().backward()


def test_deep_graphs() -> None:
    x = leaf(1)
    y = x
    depth = 4 * sys.getrecursionlimit()
    for _ in range(depth):
        y = y + 0.5
    assert y.item() == 1 + 0.5 * depth
    y.backward()
    assert x.grad.tolist() == [1]


# -- leaves --------------------------------------------------------------------------------------


def test_leaves() -> None:
    x = leaf(1, 2)
    y = x * 2
    assert x.is_leaf and x.requires_grad and not y.is_leaf and y.requires_grad
    assert Tensor([1.0]).is_leaf
    assert not y.detach().requires_grad
    assert not (y > 1).requires_grad
    with pytest.raises(GradError, match="only leaves"):
        y.requires_grad_(False)
    with pytest.raises(GradError, match="only floats have derivatives, got int64"):
        Tensor([1], requires_grad=True)
    x.requires_grad_(False)
    assert not x.requires_grad and x.tolist() == [1, 2]
    x.requires_grad = True
    assert x.requires_grad


def test_reshape_to_the_same_shape_is_the_same_leaf() -> None:
    x = leaf(1, 2)
    view = x.reshape(2)
    view.sum().backward()
    assert x.grad.tolist() == [1, 1]


def test_assign_keeps_the_leaf() -> None:
    x = leaf(1, 2)
    before = x * x
    x.assign(x.detach() * 10)
    assert x.is_leaf and x.requires_grad and x.tolist() == [10, 20]
    (x * x).sum().backward()
    assert x.grad.tolist() == [20, 40]
    x.grad = None
    before.sum().backward()
    assert x.grad.tolist() == [2, 4], "the history holds the value it was made with"


# -- in place ------------------------------------------------------------------------------------


def test_in_place_rebinds() -> None:
    x = Tensor([1.0, 2.0])
    same = x
    x += 1
    x.mul_(2).sub_(Tensor([1.0, 1.0])).div_(2)
    assert same is x and x.tolist() == [1.5, 2.5]
    x.copy_(7)
    assert x.tolist() == [7, 7]
    x.fill_(2)
    x.clamp_(max=1)
    assert x.tolist() == [1, 1]
    assert x.zero_().tolist() == [0, 0]
    assert Tensor.zeros(5).uniform_(3, 4).realize().amin().item() >= 3


def test_in_place_keeps_history() -> None:
    x = leaf(1, 2)
    y = x * 1
    y += x
    y.sum().backward()
    assert x.grad.tolist() == [2, 2]


def test_in_place_errors() -> None:
    x = leaf(1, 2)
    with pytest.raises(GradError, match=r"\[add_\] a leaf that requires a gradient.*no_grad"):
        x.add_(1)
    with no_grad():
        x.add_(1)
    assert x.tolist() == [2, 3] and x.is_leaf and x.requires_grad
    with pytest.raises(ShapeError, match=r"\[add_\] the result has shape \(2, 2\)"):
        Tensor([1.0, 2.0]).add_(Tensor.zeros(2, 2))
    with pytest.raises(lazygrad.errors.DtypeError, match=r"\[mul_\] .* float32"):
        Tensor([1, 2]).mul_(0.5)
    with pytest.raises(ShapeError, match=r"\[assign\]"):
        Tensor([1.0, 2.0]).assign(Tensor([1.0]))


# -- grad ----------------------------------------------------------------------------------------


def test_grad_leaves_handles_alone() -> None:
    x = leaf(2, 3)
    (first,) = grad((x**3).sum(), x)
    assert first.tolist() == [12, 27] and x.grad is None and not first.requires_grad


def test_grad_of_grad() -> None:
    x = leaf(2, 3)
    (first,) = grad((x**3).sum(), x, create_graph=True)
    (second,) = grad(first.sum(), x, create_graph=True)
    (third,) = grad(second.sum(), x)
    assert second.tolist() == [12, 18] and third.tolist() == [6, 6]


def test_grad_by_intermediate_and_several() -> None:
    x, y = leaf(1, 2), leaf(3, 4)
    product = x * y
    by_product, by_x = grad((product * product).sum(), [product, x])
    assert by_product.tolist() == [6, 16] and by_x.tolist() == [18, 64]
    weighted = grad([x * y, x + y], [y], [Tensor([1.0, 2.0]), Tensor([1.0, 1.0])])
    assert weighted[0].tolist() == [2, 5]


def test_grad_after_the_leaf_was_realised() -> None:
    x = Tensor.full((2,), 3.0, requires_grad=True)
    y = (x * x).sum()
    x.realize()
    assert grad(y, x)[0].tolist() == [6, 6]


def test_grad_errors() -> None:
    x, other = leaf(1), leaf(2)
    with pytest.raises(GradError, match=r"\[grad\] no output depends on input 0 .*allow_unused"):
        grad(x * 2, other)
    assert grad(x * 2, other, allow_unused=True) == (None,)
    with pytest.raises(GradError, match="does not require"):
        grad(x * 2, Tensor([1.0]))


def test_max_pool_gives_the_first_of_equals_the_gradient() -> None:
    x = Tensor([[[[1.0, 1.0], [1.0, 0.0]]]], requires_grad=True)
    x.max_pool2d(2).sum().backward()
    assert x.grad.tolist() == [[[[1, 0], [0, 0]]]]


def test_ties() -> None:
    cases = {
        "max_dim": (lambda x: x.max(0).values, [0, 1, 0]),
        "min_dim": (lambda x: x.min(0).values, [1, 0, 0]),
        "amax": (lambda x: x.amax(), [0, 0.5, 0.5]),
        "max_all": (lambda x: x.max(), [0, 0.5, 0.5]),
        "relu": (lambda x: (x - 1).relu().sum(), [0, 0, 0]),
        "abs": (lambda x: (x - 1).abs().sum(), [-1, 0, 0]),
        "maximum": (lambda x: x.maximum(1).sum(), [0, 0.5, 0.5]),
        "clamp": (lambda x: x.clamp(0, 1).sum(), [1, 1, 1]),
        "sign": (lambda x: x.sign().sum(), [0, 0, 0]),
    }
    for name, (function, expected) in cases.items():
        x = leaf(0, 1, 1)
        function(x).backward()
        assert x.grad.tolist() == expected, name


# -- modes ---------------------------------------------------------------------------------------


def test_no_grad() -> None:
    x = leaf(1)
    with no_grad():
        assert not (x * 2).requires_grad and not is_grad_enabled()
        with enable_grad():
            assert (x * 2).requires_grad
        assert not (x * 2).requires_grad
    assert (x * 2).requires_grad


def test_modes_as_decorators_and_after_errors() -> None:
    x = leaf(1)

    @no_grad()
    def plain() -> Tensor:
        return x * 2

    @no_grad
    def bare() -> Tensor:
        return x * 2

    assert not plain().requires_grad and not bare().requires_grad
    with pytest.raises(ZeroDivisionError), no_grad():
        raise ZeroDivisionError
    assert is_grad_enabled()


def test_set_grad_enabled() -> None:
    set_grad_enabled(False)
    try:
        assert not is_grad_enabled()
    finally:
        set_grad_enabled(True)
    with set_grad_enabled(False):
        assert not is_grad_enabled()
    assert is_grad_enabled()


def test_backward_works_under_no_grad() -> None:
    x = leaf(3)
    y = (x * x).sum()
    with no_grad():
        y.backward()
    assert x.grad.tolist() == [6]


# -- nothing piles up ----------------------------------------------------------------------------


def count_after(step: object, rounds: int) -> int:
    for _ in range(rounds):
        step()  # type: ignore[operator]
    gc.collect()
    return lazygrad.graph.interned_count()


def test_training_keeps_the_graph_flat() -> None:
    w = Tensor.rand(3, 3, requires_grad=True)
    x = Tensor.rand(4, 3).realize()
    mean = Tensor.zeros(3)

    def step() -> None:
        w.grad = None
        loss = (x @ w).square().mean()
        loss.item()
        loss.backward()
        with no_grad():
            mean.assign(mean * 0.9 + (x @ w).mean(0) * 0.1)  # state that nobody reads
            w.assign(w - 0.1 * w.grad)
        w.realize()

    early = count_after(step, 3)
    assert count_after(step, 20) == early


def test_unread_state_is_realised_with_what_is_read() -> None:
    state = Tensor([0.0])
    state.assign(state + 1)
    assert state._node.value is None
    (Tensor([1.0]) * 2).realize()
    assert state._node.op is lazygrad.ops.BUFFER and state.tolist() == [1]


def test_state_that_is_never_read_does_not_pile_up() -> None:
    state = Tensor([0.0])
    early = count_after(lambda: state.assign(state + 1), 3)
    assert count_after(lambda: state.assign(state + 1), 50) == early
    assert state.tolist() == [53]


def test_gradients_that_nobody_reads_do_not_pile_up() -> None:
    w, x = Tensor.rand(3, requires_grad=True), Tensor.rand(3).realize()
    early = count_after(lambda: (w * x).sum().backward(), 3)
    assert count_after(lambda: (w * x).sum().backward(), 30) <= early + 2
    np.testing.assert_allclose(w.grad.numpy(), x.numpy() * 33, rtol=1e-5)


SINGULAR = {
    "reciprocal": lambda y: y.reciprocal(),
    "log": lambda y: y.log(),
    "sqrt": lambda y: y.sqrt(),
    "power": lambda y: y**-1.5,
    "quotient": lambda y: (y + 1) / y,
}


@pytest.mark.parametrize("realised", [False, True], ids=["lazy", "realised"])
@pytest.mark.parametrize("function", SINGULAR.values(), ids=SINGULAR)
def test_padding_of_what_is_infinite_at_zero(device: str, function: Any, realised: bool) -> None:
    """Behind a convolution, whose derivative pads: 0 times infinity must not arise there."""
    x = Tensor(np.full((1, 4, 7), 2.5, np.float32), device=device, requires_grad=True)
    weight = Tensor(np.ones((2, 4, 3), np.float32), device=device)
    y = x.conv1d(weight, padding=1, dilation=2)
    if realised:
        y.realize()
    function(y).sum().backward()
    assert x.grad is not None
    ends = Tensor(y.detach().numpy().astype(np.float64), requires_grad=True)
    function(ends).sum().backward()
    assert ends.grad is not None
    slopes = np.pad(ends.grad.numpy().sum(1)[0], 4)  # of both channels: all weights are 1
    expected = [sum(slopes[i + 5 - 2 * k] for k in range(3)) for i in range(7)]
    np.testing.assert_allclose(x.grad.numpy()[0, 0], expected, rtol=1e-5)
