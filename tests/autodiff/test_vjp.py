"""Reverse mode: which nodes it visits, what it adds up, where it stops."""

import sys

import numpy as np
import pytest

from lazygrad import element_types as dt, ops
from lazygrad.autodiff import vjp
from lazygrad.errors import DtypeError, ShapeError
from lazygrad.graph import Origin, const, node, toposort
from lazygrad.lang import (
    activation,
    comparison,
    linalg,
    reduce,
    transcendental,
)
from lazygrad.lang.elementwise import add, detach, exp, maximum, mul, sin, surrogate, where
from lazygrad.lang.operands import cast
from lazygrad.schedule.simplify import simplify
from lazygrad.testing.gradcheck import constant, variable
from lazygrad.testing.reference import evaluate, evaluate_all


def one(like):
    return const(1.0, like.dtype, like.shape, like.device)


def gradients(output, *inputs):
    """Of the sum of ``output``."""
    return vjp([output], [one(output)], inputs)


def test_chain_rule():
    x = variable([0.5, -1.0])
    (found,) = gradients(exp(sin(x)), x)
    np.testing.assert_allclose(
        evaluate(found), np.exp(np.sin([0.5, -1.0])) * np.cos([0.5, -1.0]), rtol=1e-14
    )


def test_cotangents_of_several_outputs_add_up():
    x = variable([1.0, 2.0])
    found = vjp(
        [mul(x, 3.0), mul(x, x)],
        [constant(np.array([1.0, 10.0])), constant(np.array([0.5, 2.0]))],
        [x],
    )
    np.testing.assert_array_equal(evaluate(found[0]), [3 + 0.5 * 2, 30 + 2 * 4])


def test_an_output_given_twice_counts_twice():
    x = variable([1.0, 2.0])
    y = mul(x, 3.0)
    (found,) = vjp([y, y], [one(y), one(y)], [x])
    np.testing.assert_array_equal(evaluate(found), [6.0, 6.0])


def test_output_that_is_the_input():
    x = variable([1.0, 2.0])
    cotangent = constant(np.array([3.0, 4.0]))
    assert vjp([x], [cotangent], [x]) == [cotangent]


def test_gradient_of_an_intermediate_node_and_of_what_is_below_it():
    x = variable([2.0])
    hidden = mul(x, x)
    at_hidden, at_x = gradients(mul(hidden, 5.0), hidden, x)
    np.testing.assert_array_equal(evaluate(at_hidden), [5.0])
    np.testing.assert_array_equal(evaluate(at_x), [20.0])


def test_inputs_need_not_be_variables():
    x = constant(np.array([2.0]))
    assert not x.tracked
    (found,) = gradients(mul(x, x), x)
    np.testing.assert_array_equal(evaluate(found), [4.0])


def test_a_variable_passes_on_to_its_source():
    inner = constant(np.array([2.0]))
    leaf = node(ops.VARIABLE, (inner,), object())
    (found,) = gradients(mul(leaf, 3.0), inner)
    np.testing.assert_array_equal(evaluate(found), [3.0])


def test_no_path_is_none():
    x, other = variable([1.0]), variable([1.0])
    assert gradients(mul(x, 2.0), other) == [None]
    assert gradients(mul(detach(x), 2.0), x) == [None]
    assert gradients(cast(cast(x, dt.int64), dt.float64), x) == [None]
    assert gradients(where(comparison.lt(x, 0.0), 1.0, other), x) == [None]


def test_reached_but_zero_is_zeros():
    x = variable([1.0, 2.0])
    (found,) = vjp([mul(x, 2.0)], [const(0.0, x.dtype, x.shape, x.device)], [x])
    assert found.shape == (2,)
    np.testing.assert_array_equal(evaluate(found), [0.0, 0.0])


def test_detach_stops_one_of_two_paths():
    x = variable([3.0])
    (found,) = gradients(mul(x, detach(x)), x)
    np.testing.assert_array_equal(evaluate(found), [3.0])


def test_surrogate_has_the_derivative_of_its_second_source():
    x = variable([2.0])
    y = surrogate(exp(x), mul(x, 7.0))
    (found,) = gradients(y, x)
    np.testing.assert_array_equal(evaluate(found), [7.0])
    np.testing.assert_allclose(evaluate(y), np.exp([2.0]))


def test_copy_goes_back_to_the_device_of_its_source():
    x = variable([2.0])
    moved = node(ops.COPY, (x,), "ELSEWHERE")
    (found,) = gradients(mul(moved, 3.0), x)
    assert moved.device == "ELSEWHERE"
    assert found.device == x.device
    np.testing.assert_array_equal(evaluate(found), [3.0])


@pytest.mark.parametrize(
    "axes, shares",
    [((1,), [[0.5, 0.5, 0], [1, 0, 0]]), ((0, 1), [[1 / 3, 1 / 3, 0], [1 / 3, 0, 0]])],
)
def test_ties_of_a_reduction_share_evenly(axes, shares):
    x = variable([[2.0, 2.0, 1.0], [2.0, 0.0, -1.0]])
    (found,) = gradients(node(ops.REDUCE_MAX, (x,), axes), x)
    np.testing.assert_allclose(evaluate(found), shares, rtol=1e-15)


def test_ties_of_an_elementwise_maximum_share_evenly():
    x, y = variable([1.0, 2.0, 3.0]), variable([2.0, 2.0, 2.0])
    found = gradients(maximum(x, y), x, y)
    np.testing.assert_array_equal(evaluate_all(found), [[0, 0.5, 1], [1, 0.5, 0]])


def test_gradient_keeps_shape_and_dtype_of_its_input():
    half = node(ops.VARIABLE, (cast(constant(np.ones((3, 1))), dt.float16),), object())
    wide = mul(cast(half, dt.float32), constant(np.ones((2, 1, 4), np.float32)))
    (found,) = gradients(wide, half)
    assert (found.shape, found.dtype) == ((3, 1), dt.float16)
    np.testing.assert_array_equal(evaluate(found), np.full((3, 1), 8.0))


# -- economy ---------------------------------------------------------------------------------


def test_unneeded_gradients_are_not_built():
    image, weight = constant(np.ones((4, 3))), variable(np.ones((3, 2)))
    loss = reduce.sum(linalg.matmul(image, weight))
    below = set(toposort([loss]))
    (found,) = gradients(loss, weight)
    new = [n for n in toposort([found]) if n not in below]
    assert not [n for n in new if n.shape == image.shape]


def test_nodes_beside_the_path_are_not_visited():
    x = variable([1.0])
    beside = constant(np.ones(1))
    for _ in range(50):
        beside = exp(beside)
    visited = []
    original = ops.EXP.infer
    ops.EXP.infer = lambda *args: visited.append(args) or original(*args)
    try:
        gradients(mul(x, beside), x)
    finally:
        ops.EXP.infer = original
    assert not visited


def test_zero_cotangents_cost_nothing():
    x = variable([1.0, 2.0])
    zero = const(0.0, x.dtype, x.shape, x.device)
    kept, dropped = exp(x), sin(x)
    (found,) = vjp([kept, dropped], [one(kept), zero], [x])
    assert not [n for n in toposort([found]) if n.op is ops.SIN]


def test_same_contribution_many_times_is_added_in_few_steps():
    x = variable([1.0])
    total = x
    for _ in range(1023):
        total = add(total, x)
    (found,) = gradients(total, x)
    assert len(toposort([found])) == 11  # 1, 2, 4 ... 1024
    np.testing.assert_array_equal(evaluate(found), [1024.0])


def test_casts_that_change_nothing_are_not_built():
    x = variable(np.ones((2, 3)))
    (found,) = gradients(reduce.mean(activation.softmax(x, 1), 0), x)
    assert not [n for n in toposort([found]) if n.op is ops.CAST and n.src[0].dtype is n.dtype]


# -- errors, depth, identity -----------------------------------------------------------------


def test_cotangent_of_another_shape_or_dtype_is_an_error():
    x = variable([1.0, 2.0])
    with pytest.raises(ShapeError, match=r"\[vjp\] a cotangent of shape \(3,\).*shape \(2,\)"):
        vjp([x], [constant(np.ones(3))], [x])
    with pytest.raises(DtypeError, match=r"\[vjp\].*float32.*float64"):
        vjp([x], [constant(np.ones(2, np.float32))], [x])


def test_a_chain_is_not_followed_by_recursion():
    x = variable([1.0])
    y = x
    for _ in range(5 * sys.getrecursionlimit()):
        y = mul(add(y, x), 0.5)
    (found,) = gradients(y, x)
    np.testing.assert_allclose(evaluate(found), [1.0], rtol=1e-9)


def test_work_is_linear_in_the_length_of_a_chain():
    def nodes_built(length):
        x = variable([1.0])
        y = x
        for _ in range(length):
            y = mul(exp(y), x)
        return len(toposort(gradients(y, x)))

    each = nodes_built(11) - nodes_built(10)
    assert nodes_built(400) - nodes_built(100) == 300 * each


def test_equal_parameters_are_not_merged():
    # two zero biases are one constant, but two leaves
    zero = const(0.0, dt.float64, (2,), "CPU")
    first = node(ops.VARIABLE, (zero,), object())
    second = node(ops.VARIABLE, (zero,), object())
    found = gradients(add(mul(first, 3.0), mul(second, 5.0)), first, second)
    np.testing.assert_array_equal(evaluate_all(found), [[3, 3], [5, 5]])


@pytest.mark.parametrize("name", ["tanh", "sigmoid"])
def test_derivatives_of_what_saturates_need_its_value_alone(name):
    """So that it is all that a training step keeps, and nothing is computed again."""
    x = variable([-3.0, 0.25, 40.0])
    y = getattr(transcendental, name)(x)
    (found,) = gradients(y, x)
    kept = simplify([y, found])
    walked = toposort([kept[found]], lambda n: () if n is kept[y] else n.src)
    assert kept[y] in walked
    assert kept[x] not in walked
    value = evaluate(y)
    slope = 1 - value**2 if name == "tanh" else value * (1 - value)
    np.testing.assert_allclose(evaluate(found), slope, rtol=1e-14)


def test_derivatives_know_the_line_they_come_from():
    x = variable([1.0, 2.0])
    y = transcendental.tanh(x)
    y.origin = Origin("tanh", "train.py", 31)
    for inner in toposort([y], lambda n: () if n is x else n.src):
        inner.origin = inner.origin or y.origin
    x.origin = Origin("Tensor", "train.py", 3)
    (found,) = gradients(y, x)
    forward = set(toposort([y]))
    new = [n for n in toposort([found]) if n not in forward and n.op is not ops.CONST]
    assert new
    assert {n.origin for n in new} <= {
        Origin("tanh_backward", "train.py", 31), Origin("Tensor_backward", "train.py", 3)
    }  # fmt: skip
    assert y.origin.label == "tanh"
