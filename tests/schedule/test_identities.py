"""What simplification leaves out must not show: signs of zeros, infinities, nothing at all."""

import numpy as np
import pytest

from lazygrad import element_types as dt, ops
from lazygrad.graph import const, node
from lazygrad.schedule.simplify import simplify
from lazygrad.testing.reference import evaluate, leaf

X = leaf(np.array([0.0, -0.0, np.inf, -np.inf, np.nan, 1.5]), dt.float32)
WHOLE = leaf(np.arange(-3, 3), dt.int32)
TRUTH = leaf(np.array([True, False]), dt.bool_)
EMPTY = leaf(np.zeros((2, 0)), dt.float32)


def simple(op, left, number):
    graph = node(op, (left, const(number, left.dtype, left.shape, left.device)))
    return graph, simplify([graph])[graph]


@pytest.mark.parametrize("number", [0.0, -0.0, 1.0, -1.0])
@pytest.mark.parametrize("op", [ops.ADD, ops.MUL, ops.DIV, ops.MAX])
def test_bits_are_those_of_the_full_computation(op, number):
    graph, simpler = simple(op, X, number)
    right, found = evaluate(graph), evaluate(simpler)
    np.testing.assert_array_equal(found.view(np.uint32), right.view(np.uint32))


def test_only_what_adds_nothing_is_dropped():
    assert simple(ops.ADD, X, -0.0)[1] is X
    assert simple(ops.ADD, X, 0.0)[1].op is ops.ADD
    assert simple(ops.ADD, WHOLE, 0)[1] is WHOLE


def test_bits_kept_and_cleared():
    assert simple(ops.AND, WHOLE, -1)[1] is WHOLE
    assert simple(ops.AND, TRUTH, True)[1] is TRUTH
    assert simple(ops.AND, WHOLE, 0)[1].op is ops.CONST
    assert not evaluate(simple(ops.AND, TRUTH, False)[1]).any()


@pytest.mark.parametrize(("op", "right"), [(ops.SUM, 0.0), (ops.REDUCE_MAX, -np.inf)])
def test_reductions_over_nothing_are_the_identity(op, right):
    graph = node(op, (EMPTY,), (1,))
    simpler = simplify([graph])[graph]
    assert simpler.op is ops.CONST
    np.testing.assert_array_equal(evaluate(simpler), [[right]] * 2)


def test_padding_around_nothing_is_zero():
    graph = node(ops.PAD, (EMPTY,), ((0, 0), (1, 1)))
    assert simplify([graph])[graph].op is ops.CONST


def test_a_surrogate_is_its_value():
    graph = node(ops.SURROGATE, (X, node(ops.SLOPE, (X, X))))
    assert simplify([graph])[graph] is X
