"""backward() and grad() on Tensors: what PyTorch users do, and what must not pile up."""

import gc

import numpy as np
import pytest

import lazygrad
from lazygrad import Tensor, graph
from lazygrad.errors import GradError
from lazygrad.testing.gradcheck import check_grads

RNG = np.random.default_rng(4)


def leaf(*values):
    return Tensor(np.array(values), requires_grad=True)


def test_check_grads_takes_functions_of_tensors():
    def attention(q, k, v):
        return (q @ k.mT / 2.0).softmax(-1) @ v

    check_grads(attention, [RNG.standard_normal((2, 3, 4)) for _ in range(3)])

    def several(x):
        return x.tanh(), (x * x).sum()

    check_grads(several, [RNG.standard_normal(3)])
    with pytest.raises(GradError, match=r"\[check_grads\] fwd, output 0"):
        check_grads(lambda x: x.detach() * x, [RNG.standard_normal(3)])


def test_gradients_accumulate_over_calls():
    x = leaf(1.0, 2.0)
    (x * 3.0).sum().backward()
    (x * x).sum().backward()
    np.testing.assert_array_equal(x.grad.numpy(), [3 + 2 * 1, 3 + 2 * 2])


def test_reading_the_loss_before_backward():
    x = leaf(1.0, 2.0)
    loss = (x.exp() * x).sum()
    assert loss.item() == pytest.approx(np.e + 2 * np.e**2)
    loss.backward()
    np.testing.assert_allclose(x.grad.numpy(), np.exp([1.0, 2.0]) * [2.0, 3.0])


def test_a_read_intermediate_stays_differentiable():
    x = leaf(1.0, 2.0)
    hidden = x.exp()
    hidden.numpy()
    (hidden * hidden).sum().backward()
    np.testing.assert_allclose(x.grad.numpy(), 2 * np.exp([2.0, 4.0]))


def test_backward_twice_through_one_graph():
    x = leaf(2.0)
    loss = (x * x).sum()
    loss.backward()
    loss.backward()
    np.testing.assert_array_equal(x.grad.numpy(), [8.0])


def test_second_derivative():
    x = leaf(0.3, -1.2)
    (first,) = lazygrad.grad(x.sin().sum(), x, create_graph=True)
    (second,) = lazygrad.grad(first.sum(), x)
    np.testing.assert_allclose(first.detach().numpy(), np.cos([0.3, -1.2]), rtol=1e-12)
    np.testing.assert_allclose(second.numpy(), -np.sin([0.3, -1.2]), rtol=1e-12)
    assert not second.requires_grad


def test_equal_leaves_are_told_apart():
    first, second = (Tensor.zeros(2, requires_grad=True) for _ in range(2))
    (first * 3.0 + second * 5.0).sum().backward()
    np.testing.assert_array_equal(first.grad.numpy(), [3.0, 3.0])
    np.testing.assert_array_equal(second.grad.numpy(), [5.0, 5.0])


def test_max_gives_its_gradient_to_the_first_and_amax_shares_it():
    x = Tensor(np.array([[2.0, 2.0, 1.0]]), requires_grad=True)
    x.max(1).values.sum().backward()
    np.testing.assert_array_equal(x.grad.numpy(), [[1.0, 0.0, 0.0]])
    x.grad = None
    x.amax(1).sum().backward()
    np.testing.assert_array_equal(x.grad.numpy(), [[0.5, 0.5, 0.0]])


def test_a_loop_that_reads_its_loss_keeps_graph_size_flat():
    x = leaf(1.0, -2.0)

    def steps(count):
        for _ in range(count):
            x.grad = None
            loss = (x * x).sum()
            loss.item()
            loss.backward()
            with lazygrad.no_grad():
                x.sub_(x.grad * 0.1)

    steps(3)
    gc.collect()
    before = graph.interned_count()
    steps(20)
    gc.collect()
    assert graph.interned_count() <= before


def test_history_goes_with_its_last_handle():
    x = leaf(1.0)
    gc.collect()
    before = graph.interned_count()
    y = x
    for _ in range(50):
        y = y * x
    y.item()
    assert graph.interned_count() >= before + 50
    del y
    gc.collect()
    assert graph.interned_count() <= before


def test_errors():
    x = leaf(1.0, 2.0)
    with pytest.raises(GradError, match=r"\[backward\].*scalar"):
        (x * 2.0).backward()
    with pytest.raises(GradError, match="does not require a gradient"):
        x.detach().sum().backward()
    with pytest.raises(GradError, match="no output depends on input 1"):
        lazygrad.grad((x * 2.0).sum(), [x, leaf(1.0)])
