"""The rule table: nothing missing, and every rule right to second order."""

import inspect
import re

import numpy as np
import pytest

from lazygrad import element_types as dt, ops
from lazygrad.autodiff.calls import DERIVATIVES
from lazygrad.autodiff.rules import JOINT, NO_RULE, RULES
from lazygrad.body import Held
from lazygrad.bridge import wrap
from lazygrad.errors import GradError
from lazygrad.func import checkpoint, custom_jvp, custom_vjp
from lazygrad.graph import node
from lazygrad.lang import calls, comparison, indexing, matrices, reduce
from lazygrad.lang.elementwise import (
    add,
    detach,
    div,
    exp,
    maximum,
    mul,
    sin,
    sloped,
    square,
    surrogate,
    where,
)
from lazygrad.lang.join import cat
from lazygrad.lang.linalg import matmul
from lazygrad.lang.loops import Operands, loop
from lazygrad.lang.movement import broadcast_to, narrow, reshape
from lazygrad.routines import ROUTINES
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
    return sloped(mul(x, y), (x, y), (y, x))


def looped(wanted, reverse=False):
    """A result of a loop of three steps over two carries, of which the second one feels the first,
    a number given step by step, and a constant."""

    def build(first, second, xs, constant):
        h, c, x, k = (held(v) for v in (first, second, narrow(xs, 0, 0, 1), constant))
        given = reshape(x, ())
        after = sin(add(mul(h, k), given))
        other = mul(add(c, reshape(reduce.sum(mul(after, h), 0), ())), given)
        output = mul(exp(given), add(after, c))
        each = reshape(given, (1,))
        made = loop(
            Operands({h: first, c: second}, {x: reshape(xs, (3, 1))}, {k: constant}),
            [after, other], [output, each], 3, reverse=reverse,
        )  # fmt: skip
        return wanted(made, made.inner[output])

    return build


def held(value):
    return node(ops.BUFFER, (), Held(value.shape, value.dtype, value.device))


LOOPED = [normal(2), normal(), normal(3), normal(2)]
LOOPS = {
    "final": (lambda made, output: made.final(1),),
    "trajectory": (lambda made, output: made.trajectory(0),),
    "trajectory back": (lambda made, output: made.trajectory(1), True),
    "stacked": (lambda made, output: made.stacked(output),),
    "stacked back": (lambda made, output: made.stacked(output), True),
    "together": (
        lambda made, output: mul(mul(made.stacked(output), made.before(0)), made.final(0)),
    ),
}


@custom_vjp
def by_reverse(x, y):
    return [x.exp() * y, y.sin()]


by_reverse.defvjp(
    lambda x, y: (by_reverse.fun(x, y), (x, y)),
    lambda kept, g: (g[0] * kept[0].exp() * kept[1], g[0] * kept[0].exp() + g[1] * kept[1].cos()),
)


@custom_jvp
def by_forward(x, y):
    return [x.exp() * y, y.sin()]


@by_forward.defjvp
def _(primals, tangents):
    (x, y), (s, t) = primals, tangents
    return by_forward(x, y), [x.exp() * (s * y + t), t * y.cos()]


@checkpoint
def again(x, y):
    return [x.exp() * y, y.sin()]


def on_nodes(function):
    """The product of two results."""

    def build(*nodes):
        first, second = function(*map(wrap, nodes))
        return (first * second)._node

    return build


def whole(*values):
    return leaf(np.array(values, np.int64), dt.int64)


PAIRS = whole((2, 0), (1, 1))


def scattered(combine):
    """Rows that meet, one that stays alone, one that is dropped."""

    def function(x):
        index = broadcast_to(reshape(whole(1, 3, 1, 7, 1), (5, 1)), x.shape)
        found = indexing.scatter(index, x, 0, 4, combine)
        # without what nothing reaches: the largest of nothing is infinite
        return found if combine is ops.ADD else indexing.take(found, 0, whole(1, 3), True)

    return function


def called(routine, *results, options=(), of=lambda x: x):
    """Results of a routine, of a first operand that is made ``of`` what is given."""

    def function(x, *others):
        found = calls.call(routine, of(x), *others, options=options)
        return cat([reshape(found[number], (-1,)) for number in results], 0)

    return function


def signless(routine, *results, options=(), of=lambda x: x):
    """As ``called``, of results that are determined up to a sign."""
    return lambda x: square(called(routine, *results, options=options, of=of)(x))


def regular(x):
    return add(x, mul(matrices.identity(x), 3.0))


def definite(x):
    return add(matmul(x, matrices.mT(x)), matrices.identity(x))


def separate(*shape):
    """Matrices whose singular values lie apart."""
    u, _, vh = np.linalg.svd(normal(*shape), full_matrices=False)
    return u * np.array([3.0, 1.7, 0.8]) @ vh


STACK, TALL, WIDE = separate(2, 3, 3), separate(2, 4, 3), separate(2, 3, 4)
CALLS = [
    ("inv", called("inv", 0, of=regular), [STACK]),
    ("solve", called("solve", 0, of=regular), [STACK, normal(2, 3, 2)]),
    *[
        (f"solve {how}", called("solve_triangular", 0, options=options, of=regular),
         [STACK, normal(2, 3, 2)])
        for how, options in
        [("lower", (False, False)), ("upper", (True, False)), ("unit", (False, True))]
    ],
    ("pinv tall", called("pinv", 0, options=(0.0, 1e-12)), [TALL]),
    ("pinv wide", called("pinv", 0, options=(0.0, 1e-12)), [WIDE]),
    ("det", called("det", 0), [STACK]),
    ("cofactors", called("cofactors", 0, of=regular), [STACK]),
    ("slogdet", called("slogdet", 0, 1, of=regular), [STACK]),
    ("cholesky", called("cholesky", 0, of=definite), [STACK]),
    ("cholesky_ex", called("cholesky_ex", 0, 1, of=definite), [STACK]),
    ("qr tall", called("qr", 0, 1, options=(False,)), [TALL]),
    ("qr square", called("qr", 0, 1, options=(True,)), [STACK]),
    ("lu", called("lu", 1, 2, of=regular), [STACK]),
    ("eigenvalues", called("eigh", 0, of=matrices.symmetric), [STACK]),
    ("eigenvectors", signless("eigh", 1, of=matrices.symmetric), [STACK]),
    ("singular values", called("svd", 1, options=(False,)), [TALL]),
    ("left vectors", signless("svd", 0, options=(False,)), [TALL]),
    ("right vectors", signless("svd", 2, options=(False,)), [WIDE]),
    ("square vectors", signless("svd", 0, 2, options=(True,)), [STACK]),
    ("matrix_exp", called("matrix_exp", 0), [STACK]),
]  # fmt: skip


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
    ("broadcast", "MUL", mul, [normal(2, 1, 3), normal(4, 1)]),
    ("two", "DIV", op("DIV"), [normal(2, 3), positive(2, 3)]),
    ("broadcast", "DIV", div, [normal(3), positive(2, 1)]),
    ("negative", "DIV", op("DIV"), [normal(3), -positive(3)]),
    ("two", "MOD", op("MOD"), [np.array([5.3, -5.3, 0.4]), np.array([1.7, 1.6, 2.0])]),
    ("two", "MAX", op("MAX"), [distinct(2, 3), distinct(2, 3) + 0.05]),
    ("constant", "MAX", lambda x: maximum(x, 0.05), [distinct(7)]),
    ("three", "WHERE", lambda x, y: where(comparison.lt(x, y), x, y), [distinct(4), normal(4)]),
    ("one side", "WHERE", lambda x: where(comparison.lt(x, 0.05), 2.0, x), [distinct(4)]),
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
    ("rows", "GATHER", lambda x: indexing.take(x, 0, whole(2, 0, 2, 3), True), [normal(4, 3)]),
    ("elements", "GATHER", lambda x: indexing.gather(x, 1, PAIRS, True), [normal(2, 3)]),
    ("outside", "GATHER", lambda x: node(ops.GATHER, (x, whole(-1, 3, 1, 9)), 0), [normal(3)]),
    ("nothing", "GATHER", lambda x: indexing.take(x, 0, whole(), True), [normal(3)]),
    ("rows", "JOIN", op("JOIN", 0), [normal(2, 3), normal(1, 3), normal(4, 3)]),
    ("columns", "JOIN", lambda x, y: node(ops.JOIN, (x, y, x), 1), [normal(2, 3), normal(2, 1)]),
    ("sum", "SCATTER", scattered(ops.ADD), [normal(5, 2)]),
    ("last", "SCATTER", scattered(None), [normal(5, 2)]),
    ("maximum", "SCATTER", scattered(ops.MAX), [distinct(5, 2)]),
    ("product", "SCATTER", scattered(ops.MUL), [normal(5, 2)]),
    ("one", "SCATTER", lambda x: indexing.scatter(whole(2), x, 0, 4, ops.ADD), [normal(1)]),
    *[(name, "CALL", call, args) for name, call, args in CALLS],
    *[(name, "LOOP", looped(*how), LOOPED) for name, how in LOOPS.items()],
    ("mark", "CONTIGUOUS", op("CONTIGUOUS"), [normal(3)]),
    ("same device", "COPY", op("COPY", "CPU"), [normal(3)]),
    ("below", "VARIABLE", op("VARIABLE", "identity"), [normal(3)]),
    ("one", "SLOPE", lambda x: sloped(exp(x), (x, exp(x))), [normal(3)]),
    ("two", "SLOPE", slope_of_product, [normal(3), normal(3)]),
    ("reverse", "CUSTOM", on_nodes(by_reverse), [normal(3), normal(3)]),
    ("forward", "CUSTOM", on_nodes(by_forward), [normal(3), normal(3)]),
    ("again", "CUSTOM", on_nodes(again), [normal(3), normal(3)]),
]  # fmt: skip
HAVE = RULES | JOINT
SURROGATES = {"SURROGATE"}  # differ from differences by design: tested in test_vjp.py


def test_every_op_has_a_rule_or_a_reason():
    missing = [row.name for row in ops.ALL if row not in HAVE and row not in NO_RULE]
    both = [row.name for row in ops.ALL if row in HAVE and row in NO_RULE]
    assert not missing, f"neither in RULES, JOINT nor in NO_RULE: {missing}"
    assert not both, f"in RULES or JOINT and in NO_RULE: {both}"


def test_every_routine_has_derivatives_that_are_checked():
    assert DERIVATIVES.keys() == ROUTINES.keys()
    for name, row in ROUTINES.items():
        assert len(DERIVATIVES[name]) == len(row.nothing), name
    text = inspect.getsource(inspect.getmodule(called))
    unchecked = [name for name in ROUTINES if not re.search(rf'(called|signless)\("{name}"', text)]
    # two vary with nothing, and what one has stands beside its values, in lang
    assert sorted(unchecked) == ["igamma", "order", "permutation"]


def test_every_rule_is_checked():
    checked = {name for _, name, _, _ in CASES} | SURROGATES
    unchecked = [row.name for row in HAVE if row.name not in checked]
    assert not unchecked, f"no case in CASES: {unchecked}"


# Operands that a result does not vary with, as far as calculus is concerned.
CONSTANT = {
    ("WHERE", 0), ("GATHER", 1), ("SCATTER", 0), ("SLOPE", 1), ("SURROGATE", 0), ("CUSTOM", 0),
}  # fmt: skip


ANY = 3  # operands of an op that takes as many as it is given


def test_rules_cover_every_operand():
    every = {(row.name, index) for row in HAVE for index in range(row.arity or ANY)}
    covered = {
        (row.name, index)
        for row, rule in HAVE.items()
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
        return [square(function(*inputs))]

    check_graph_grads(graph, args, order=2)


def test_a_product_has_a_derivative_where_factors_are_zero():
    """One zero among those that meet, then two, then the only one."""
    index = whole(0, 0, 1, 1, 1, 2)
    factors = np.array([0.0, 3.0, 0.0, 0.0, 2.0, 0.0])

    def graph(inputs):
        return [indexing.scatter(index, *inputs, 0, 3, ops.MUL)]

    check_graph_grads(graph, [factors], order=1)


def test_check_grads_notices_a_wrong_derivative():
    def wrong(inputs):
        (x,) = inputs
        return [surrogate(exp(x), mul(exp(x), 1.001))]

    with pytest.raises(GradError, match="rev, output 0"):
        check_graph_grads(wrong, [normal(3)], order=1, modes=["rev"])
    with pytest.raises(GradError, match="fwd, output 0"):
        check_graph_grads(wrong, [normal(3)], order=1, modes=["fwd"])


def test_check_grads_notices_a_wrong_second_derivative():
    def wrong(inputs):
        (x,) = inputs
        return [surrogate(exp(x), mul(x, detach(exp(x))))]

    check_graph_grads(wrong, [normal(3)], order=1)
    with pytest.raises(GradError, match="of"):
        check_graph_grads(wrong, [normal(3)], order=2)
