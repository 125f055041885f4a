"""Forward mode: what it pushes where, and that it is the adjoint of reverse mode."""

import sys

import numpy as np
import pytest

from lazygrad import ops
from lazygrad.autodiff import jvp, vjp
from lazygrad.errors import DtypeError, ShapeError
from lazygrad.graph import node
from lazygrad.lang import activation, conv, linalg, pool, reduce, rounding
from lazygrad.lang.elementwise import add, detach, exp, mul, sin
from lazygrad.testing.gradcheck import constant, variable
from lazygrad.testing.reference import evaluate

RNG = np.random.default_rng(3)


def test_chain_rule():
    x = variable([0.5, -1.0])
    (found,) = jvp([exp(sin(x))], [x], [constant(np.array([2.0, 1.0]))])
    expected = np.exp(np.sin([0.5, -1.0])) * np.cos([0.5, -1.0]) * [2, 1]
    np.testing.assert_allclose(evaluate(found), expected, rtol=1e-14)


def test_tangents_of_several_inputs_add_up():
    x, y = variable([2.0]), variable([5.0])
    found = jvp([mul(x, y)], [x, y], [constant(np.array([1.0])), constant(np.array([10.0]))])
    np.testing.assert_array_equal(evaluate(found[0]), [5 * 1 + 2 * 10])


def test_an_input_is_independent_of_the_others():
    x = variable([2.0])
    hidden = mul(x, x)
    tangents = [constant(np.array([1.0])), constant(np.array([100.0]))]
    (found,) = jvp([mul(hidden, 3.0)], [x, hidden], tangents)
    np.testing.assert_array_equal(evaluate(found), [300.0])


def test_no_path_is_none():
    x, other = variable([1.0]), variable([1.0])
    tangent = constant(np.ones(1))
    assert jvp([mul(other, 2.0)], [x], [tangent]) == [None]
    assert jvp([mul(detach(x), 2.0)], [x], [tangent]) == [None]


def test_tangent_of_another_shape_or_dtype_is_an_error():
    x = variable([1.0, 2.0])
    with pytest.raises(ShapeError, match=r"\[jvp\] a tangent of shape \(3,\)"):
        jvp([x], [x], [constant(np.ones(3))])
    with pytest.raises(DtypeError, match=r"\[jvp\].*float32"):
        jvp([x], [x], [constant(np.ones(2, np.float32))])


def test_a_chain_is_not_followed_by_recursion():
    x = variable([1.0])
    y = x
    for _ in range(5 * sys.getrecursionlimit()):
        y = mul(add(y, x), 0.5)
    (found,) = jvp([y], [x], [constant(np.array([3.0]))])
    np.testing.assert_allclose(evaluate(found), [3.0], rtol=1e-9)


ADJOINTS = {
    "matmul": (linalg.matmul, [(3, 4), (4, 2)]),
    "softmax": (lambda x: activation.softmax(x, 1), [(3, 4)]),
    "conv": (lambda x, w: conv.conv("conv2d", x, w, None, 2, 2, 1), [(2, 3, 6, 6), (4, 3, 3, 3)]),
    "amax_with_ties": (lambda x: reduce.amax(rounding.round(x), 1), [(3, 8)]),
    "max_pool": (lambda x: pool.max_pool("max_pool2d", x, 2, 2), [(1, 2, 4, 4)]),
    "shear": (lambda x: node(ops.SHEAR, (x,), ops.Shear(0, 1, -2, 3, 7)), [(5, 4)]),
    "var": (lambda x: reduce.var(x, 0), [(4, 3)]),
}


@pytest.mark.parametrize("name", ADJOINTS)
def test_forward_and_reverse_are_adjoint(name):
    """<J v, w> = <v, J^T w>"""
    function, shapes = ADJOINTS[name]
    inputs = [variable(RNG.standard_normal(shape)) for shape in shapes]
    output = function(*inputs)
    v = [RNG.standard_normal(shape) for shape in shapes]
    w = RNG.standard_normal(output.shape)
    (pushed,) = jvp([output], inputs, [constant(part) for part in v])
    pulled = vjp([output], [constant(w)], inputs)
    left = np.vdot(evaluate(pushed), w)
    right = sum(np.vdot(part, evaluate(grad)) for part, grad in zip(v, pulled, strict=True))
    np.testing.assert_allclose(left, right, rtol=1e-12)
