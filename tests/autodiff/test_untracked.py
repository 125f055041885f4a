"""Graphs are the same whether leaves require a gradient or not: derivatives of both are right."""

import math
from pathlib import Path

import numpy as np
import pytest

from lazygrad import Tensor, element_types as dt, lang, ops
from lazygrad.autodiff.jvp import jvp
from lazygrad.autodiff.vjp import vjp
from lazygrad.graph import node
from lazygrad.lang import (
    activation,
    pool,
    reduce,
    rounding,
    transcendental,
)
from lazygrad.lang.elementwise import clamp, detach, mul, sign
from lazygrad.lang.movement import pad, reshape, shrink
from lazygrad.lang.operands import full_like, ones_like
from lazygrad.rewrite import Rules, rewrite
from lazygrad.runtime import cache
from lazygrad.testing.reference import evaluate, leaf

# values at ties, limits and steps, where a shortcut would show: (function, x, its derivative)
TIES = {
    "relu": (activation.relu, [0.0, 1.0, -1.0], [0, 1, 0]),
    "hardtanh": (activation.hardtanh, [1.0, -1.0, 0.5], [0, 0, 1]),
    "relu6": (activation.relu6, [0.0, 6.0, 3.0], [0, 0, 1]),
    "clamp": (lambda x: clamp(x, 0, 1), [0.0, 1.0, 2.0], [1, 1, 0]),
    "max": (lambda x: reduce.max_with_index(x, 0, True)[0], [2.0, 2.0, 1.0], [1, 0, 0]),
    "min": (lambda x: reduce.min_with_index(x, 0, True)[0], [2.0, 1.0, 1.0], [0, 1, 0]),
    "max_pool": (
        lambda x: pool.max_pool("max_pool1d", reshape(x, (1, 1, 3)), 1, 3),
        [2.0, 2.0, 1.0],
        [1, 0, 0],
    ),
    "floor": (rounding.floor, [0.5, 1.0, -0.5], [0, 0, 0]),
    "ceil": (rounding.ceil, [0.5, 1.0, -0.5], [0, 0, 0]),
    "trunc": (rounding.trunc, [0.5, 1.0, -0.5], [0, 0, 0]),
    "round": (rounding.round, [0.5, 1.0, -0.5], [0, 0, 0]),
    "sign": (sign, [0.5, 0.0, -0.5], [0, 0, 0]),
    "frac": (rounding.frac, [0.5, 1.0, -0.5], [1, 1, 1]),
    "fmod": (lambda x: rounding.fmod(5.0, x), [2.0, 3.0, -2.0], [-2, -1, 2]),
    "remainder": (lambda x: rounding.remainder(5.0, x), [2.0, 3.0, -2.0], [-2, -1, 3]),
    "floor_divide": (lambda x: rounding.floor_divide(5.0, x), [2.0, 3.0, -2.0], [0, 0, 0]),
    "trunc_divide": (lambda x: rounding.trunc_divide(5.0, x), [2.0, 3.0, -2.0], [0, 0, 0]),
    "expm1": (transcendental.expm1, [-200.0, 0.0, 0.0], [math.exp(-200), 1, 1]),
    "log1p": (transcendental.log1p, [0.0, 1.0, 3.0], [1, 0.5, 0.25]),
    "pow": (
        lambda x: transcendental.pow(x, full_like(x, 2.0)),
        [0.0, 2.0, -1.0],
        [0, 4, -2],
    ),
    "pow_scalar": (lambda x: transcendental.pow(x, 1.5), [0.0, 4.0, 1.0], [0, 3, 1.5]),
    "detach": (lambda x: mul(x, detach(x)), [3.0, 0.0, -1.0], [3, 0, -1]),
    "softmax": (
        lambda x: activation.softmax(mul(x, 0), -1),
        [1.0, 2.0, 3.0],
        [0, 0, 0],
    ),
    "pad": (
        lambda x: pad(shrink(x, [(0, 0)]), [(1, 2)]),
        [1.0, 2.0, 3.0],
        [0, 0, 0],
    ),
    "sum": (
        lambda x: reduce.sum(shrink(x, [(0, 0)]), 0, True),
        [1.0, 2.0, 3.0],
        [0, 0, 0],
    ),
    "std": (lambda x: reduce.std(x, 0, 1, True), [2.0, 2.0, 2.0], [0, 0, 0]),
    "amax": (lambda x: reduce.amax(x, 0, True), [2.0, 2.0, 1.0], [0.5, 0.5, 0]),
}


def of(values):
    return leaf(np.array(values), dt.float64)


@pytest.mark.parametrize("name", TIES)
def test_both_modes_differentiate_untracked_graphs(name):
    function, x, right = TIES[name]
    source = of(x)
    result = function(source)
    assert not result.tracked
    (back,) = vjp([result], [ones_like(result)], [source])
    np.testing.assert_allclose(evaluate(back), right, rtol=1e-12)
    for i in range(3):
        along = of(np.eye(3)[i])
        (pushed,) = jvp([result], [source], [along])
        np.testing.assert_allclose(evaluate(reduce.sum(pushed)), right[i], rtol=1e-12)


without_variables = Rules()


@without_variables.on(ops.VARIABLE)
def drop_variable(current):
    return current.src[0]


@pytest.mark.parametrize("name", TIES)
def test_a_tracked_graph_is_the_untracked_one_on_a_variable(name):
    function, x, _ = TIES[name]
    source = of(x)
    tracked = function(node(ops.VARIABLE, (source,), "leaf"))
    assert tracked.tracked
    assert rewrite([tracked], without_variables)[tracked] is function(source)


def test_only_handles_ask_whether_there_is_a_history():
    asking = [
        (path.name, line.strip())
        for path in Path(lang.__file__).parent.glob("*.py")
        for line in path.read_text().splitlines()
        if ".tracked" in line
    ]
    assert asking == [("elementwise.py", "return detach(x) if x.tracked else x")]


def test_plans_are_shared_and_do_not_see_what_derivatives_are_told():
    x, y = Tensor([1.0, -2.0]), Tensor([3.0, -4.0], requires_grad=True)
    x.relu().clamp(0, 2).realize()
    before = cache.statistics.misses
    y.relu().clamp(0, 2).realize()
    assert cache.statistics.misses == before
    made = activation.relu(activation.relu(of([1.0])))
    listed = [row[0] for row in cache.structure([made]).kind[0]]
    assert ops.LT not in listed and ops.SURROGATE not in listed


def test_detaching_a_handle_without_history_builds_nothing():
    x = Tensor([1.0])
    assert x.detach()._node is x._node
