"""The rule table: nothing missing, and every rule right to second order."""

import numpy as np
import pytest

from lazygrad import dtype as dt, lang, ops
from lazygrad.autodiff.rules import NO_RULE, RULES
from lazygrad.errors import GradError
from lazygrad.graph import node
from lazygrad.testing.gradcheck import check_graph_grads
from lazygrad.testing.reference import leaf

RNG = np.random.default_rng(7)


def normal(*shape):
    return RNG.standard_normal(shape)


def positive(*shape):
    return RNG.uniform(0.5, 2.0, shape)


def distinct(*shape):
    """Values at least 0.1 apart: no ties, and no step of central differences makes one."""
    return RNG.permutation(np.prod(shape, dtype=int)).reshape(shape) * 0.1 - 0.5


def op(name, arg=None):
    return lambda *src: node(ops.BY_NAME[name], src, arg)


def slope_of_product(x, y):
    return lang.sloped(lang.mul(x, y), (x, y), (y, x))


def whole(*values):
    return leaf(np.array(values, np.int64), dt.int64)


PAIRS = whole((2, 0), (1, 1))


def scattered(combine):
    """Rows that meet, one that stays alone, one that is dropped."""

    def function(x):
        index = lang.broadcast_to(lang.reshape(whole(1, 3, 1, 7, 1), (5, 1)), x.shape)
        found = lang.scatter(index, x, 0, 4, combine)
        # without what nothing reaches: the largest of nothing is infinite
        return found if combine is ops.ADD else lang.take(found, 0, whole(1, 3), True)

    return function


# (what it shows, op, function, arguments); the op's rule is used in every derivative
CASES = [
    ("vector", "EXP", op("EXP"), [normal(3)]),
    ("matrix", "LOG", op("LOG"), [positive(2, 3)]),
    ("vector", "SIN", op("SIN"), [normal(5)]),
    ("scalar", "SQRT", op("SQRT"), [positive()]),
    ("same dtype", "CAST", op("CAST", dt.float64), [normal(3)]),
    ("two", "ADD", op("ADD"), [normal(2, 3), normal(2, 3)]),
    ("itself", "ADD", lambda x: node(ops.ADD, (x, x)), [normal(3)]),
    ("two", "MUL", op("MUL"), [normal(2, 3), normal(2, 3)]),
    ("itself", "MUL", lambda x: node(ops.MUL, (x, x)), [normal(3)]),
    ("broadcast", "MUL", lang.mul, [normal(2, 1, 3), normal(4, 1)]),
    ("two", "DIV", op("DIV"), [normal(2, 3), positive(2, 3)]),
    ("broadcast", "DIV", lang.div, [normal(3), positive(2, 1)]),
    ("negative", "DIV", op("DIV"), [normal(3), -positive(3)]),
    ("two", "MOD", op("MOD"), [np.array([5.3, -5.3, 0.4]), np.array([1.7, 1.6, 2.0])]),
    ("two", "MAX", op("MAX"), [distinct(2, 3), distinct(2, 3) + 0.05]),
    ("constant", "MAX", lambda x: lang.maximum(x, 0.05), [distinct(7)]),
    ("three", "WHERE", lambda x, y: lang.where(lang.lt(x, y), x, y), [distinct(4), normal(4)]),
    ("one side", "WHERE", lambda x: lang.where(lang.lt(x, 0.05), 2.0, x), [distinct(4)]),
    ("all axes", "SUM", op("SUM", (0, 1)), [normal(2, 3)]),
    ("inner axis", "SUM", op("SUM", (1,)), [normal(2, 3, 2)]),
    ("all axes", "REDUCE_MAX", op("REDUCE_MAX", (0, 1)), [distinct(2, 3)]),
    ("inner axis", "REDUCE_MAX", op("REDUCE_MAX", (1,)), [distinct(2, 3, 2)]),
    ("flat", "RESHAPE", op("RESHAPE", (6,)), [normal(2, 3)]),
    ("cycle", "PERMUTE", op("PERMUTE", (1, 2, 0)), [normal(2, 3, 4)]),
    ("two axes", "EXPAND", op("EXPAND", (4, 2, 3)), [normal(1, 2, 1)]),
    ("nothing", "EXPAND", op("EXPAND", (2,)), [normal(2)]),
    ("lopsided", "PAD", op("PAD", ((1, 0), (0, 2))), [normal(2, 3)]),
    ("inside", "SHRINK", op("SHRINK", ((1, 3), (0, 2))), [normal(4, 3)]),
    ("to nothing", "SHRINK", op("SHRINK", ((1, 1),)), [normal(4)]),
    ("both", "FLIP", op("FLIP", (0, 1)), [normal(2, 3)]),
    ("window", "SHEAR", op("SHEAR", ops.Shear(0, 1, 1, 0, 3)), [normal(5, 3)]),
    ("dilated", "SHEAR", op("SHEAR", ops.Shear(1, 0, -2, 3, 6)), [normal(3, 5)]),
    ("padded", "SHEAR", op("SHEAR", ops.Shear(0, 2, 1, -1, 6)), [normal(4, 2, 3)]),
    ("cut", "SHEAR", op("SHEAR", ops.Shear(0, 1, 3, 2, 2)), [normal(5, 2)]),
    ("rows", "GATHER", lambda x: lang.take(x, 0, whole(2, 0, 2, 3), True), [normal(4, 3)]),
    ("elements", "GATHER", lambda x: lang.gather(x, 1, PAIRS, True), [normal(2, 3)]),
    ("outside", "GATHER", lambda x: node(ops.GATHER, (x, whole(-1, 3, 1, 9)), 0), [normal(3)]),
    ("nothing", "GATHER", lambda x: lang.take(x, 0, whole(), True), [normal(3)]),
    ("rows", "JOIN", op("JOIN", 0), [normal(2, 3), normal(1, 3), normal(4, 3)]),
    ("columns", "JOIN", lambda x, y: node(ops.JOIN, (x, y, x), 1), [normal(2, 3), normal(2, 1)]),
    ("sum", "SCATTER", scattered(ops.ADD), [normal(5, 2)]),
    ("last", "SCATTER", scattered(None), [normal(5, 2)]),
    ("maximum", "SCATTER", scattered(ops.MAX), [distinct(5, 2)]),
    ("product", "SCATTER", scattered(ops.MUL), [normal(5, 2)]),
    ("one", "SCATTER", lambda x: lang.scatter(whole(2), x, 0, 4, ops.ADD), [normal(1)]),
    ("mark", "CONTIGUOUS", op("CONTIGUOUS"), [normal(3)]),
    ("same device", "COPY", op("COPY", "CPU"), [normal(3)]),
    ("below", "VARIABLE", op("VARIABLE", "identity"), [normal(3)]),
    ("one", "SLOPE", lambda x: lang.sloped(lang.exp(x), (x, lang.exp(x))), [normal(3)]),
    ("two", "SLOPE", slope_of_product, [normal(3), normal(3)]),
]  # fmt: skip
SURROGATES = {"SURROGATE"}  # differ from differences by design: tested in test_vjp.py


def test_every_op_has_a_rule_or_a_reason():
    missing = [row.name for row in ops.ALL if row not in RULES and row not in NO_RULE]
    both = [row.name for row in ops.ALL if row in RULES and row in NO_RULE]
    assert not missing, f"neither in RULES nor in NO_RULE: {missing}"
    assert not both, f"in RULES and in NO_RULE: {both}"


def test_every_rule_is_checked():
    checked = {name for _, name, _, _ in CASES} | SURROGATES
    unchecked = [row.name for row in RULES if row.name not in checked]
    assert not unchecked, f"no case in CASES: {unchecked}"


# Operands that a result does not vary with, as far as calculus is concerned.
CONSTANT = {("WHERE", 0), ("GATHER", 1), ("SCATTER", 0), ("SLOPE", 1), ("SURROGATE", 0)}


ANY = 3  # operands of an op that takes as many as it is given


def test_rules_cover_every_operand():
    every = {(row.name, index) for row in RULES for index in range(row.arity or ANY)}
    covered = {
        (row.name, index)
        for row, rule in RULES.items()
        for index in range(row.arity or ANY)
        if rule.has_derivative(index)
    }
    assert every - covered == CONSTANT


@pytest.mark.parametrize(
    "function, args",
    [case[2:] for case in CASES],
    ids=[f"{name}-{label.replace(' ', '_')}" for label, name, _, _ in CASES],
)
def test_rule_agrees_with_differences(function, args):
    def graph(inputs):
        # squared, so that derivatives of linear ops vary as well
        return [lang.square(function(*inputs))]

    check_graph_grads(graph, args, order=2)


def test_a_product_has_a_derivative_where_factors_are_zero():
    """One zero among those that meet, then two, then the only one."""
    index = whole(0, 0, 1, 1, 1, 2)
    factors = np.array([0.0, 3.0, 0.0, 0.0, 2.0, 0.0])

    def graph(inputs):
        return [lang.scatter(index, *inputs, 0, 3, ops.MUL)]

    check_graph_grads(graph, [factors], order=1)


def test_check_grads_notices_a_wrong_derivative():
    def wrong(inputs):
        (x,) = inputs
        return [lang.surrogate(lang.exp(x), lang.mul(lang.exp(x), 1.001))]

    with pytest.raises(GradError, match="rev, output 0"):
        check_graph_grads(wrong, [normal(3)], order=1, modes=["rev"])
    with pytest.raises(GradError, match="fwd, output 0"):
        check_graph_grads(wrong, [normal(3)], order=1, modes=["fwd"])


def test_check_grads_notices_a_wrong_second_derivative():
    def wrong(inputs):
        (x,) = inputs
        return [lang.surrogate(lang.exp(x), lang.mul(x, lang.detach(lang.exp(x))))]

    check_graph_grads(wrong, [normal(3)], order=1)
    with pytest.raises(GradError, match="of"):
        check_graph_grads(wrong, [normal(3)], order=2)
