"""The rules of batching: nothing missing, and each right whichever operands are batched."""

import sys

import numpy as np
import pytest

from lazygrad import element_types as dt, func, ops
from lazygrad.autodiff.batch import NO_RULE, RULES, batch
from lazygrad.bridge import wrap
from lazygrad.graph import const, node, toposort
from lazygrad.lang import activation, conv, linalg, pool, reduce
from lazygrad.lang.elementwise import add, detach, exp, mul, surrogate
from lazygrad.lang.join import cat
from lazygrad.lang.loops import Operands, loop
from lazygrad.lang.movement import reshape
from lazygrad.ops import Kind
from lazygrad.testing.reference import evaluate_all, leaf
from tests.autodiff import test_rules
from tests.autodiff.test_rules import normal, op

SAMPLES = 3
DTYPES = {"f": dt.float64, "i": dt.int64, "b": dt.bool_}
RNG = np.random.default_rng(5)


def integers(low, high, *shape):
    return RNG.integers(low, high, shape)


def to(combine):
    return op("SCATTER", ops.Scatter(1, 4, combine))


def looped(first, given, factor):
    """All that a loop gives: a carry before and after each step, and a value in each."""
    shapes = (first.shape, given.shape[1:], factor.shape)
    h, x, c = (leaf(np.zeros(shape), first.dtype) for shape in shapes)
    inside = mul(h, x)
    made = loop(Operands({h: first}, {x: given}, {c: factor}), [add(mul(h, c), x)], [inside], 4)
    return cat([made.trajectory(0), made.stacked(made.inner[inside])], 0)


PRODUCT = func.custom_vjp(lambda a, b: a * b)
PRODUCT.defvjp(lambda a, b: (a * b, (a, b)), lambda kept, g: (g * kept[1], g * kept[0]))


def ruled(x, y):
    """A value with the derivative of a rule."""
    return PRODUCT(wrap(x), wrap(y))._node


def stored(array):
    return leaf(np.asarray(array), DTYPES[np.asarray(array).dtype.kind])


PLACES = integers(-1, 6, 2, 5, 3)  # some outside
CASES = [  # (what it shows, op, function, arguments), as in test_rules
    *test_rules.CASES,
    ("two", "LT", op("LT"), [normal(3), normal(3)]),
    ("two", "NE", op("NE"), [integers(0, 2, 9), integers(0, 2, 9)]),
    ("two", "AND", op("AND"), [integers(0, 9, 5), integers(0, 9, 5)]),
    ("two", "XOR", op("XOR"), [integers(0, 9, 5), integers(0, 9, 5)]),
    ("three", "WHERE", op("WHERE"), [RNG.random(5) < 0.5, normal(5), normal(5)]),
    ("scalars", "ADD", op("ADD"), [normal(), normal()]),
    ("scalar", "RESHAPE", op("RESHAPE", (1, 1)), [normal()]),
    ("table and index", "GATHER", op("GATHER", 1), [normal(2, 4, 3), PLACES]),
    ("first dim", "GATHER", op("GATHER", 0), [normal(6, 3), integers(0, 6, 2, 3)]),
    ("last dim", "GATHER", op("GATHER", 1), [normal(3, 6), integers(0, 6, 3, 2)]),
    ("no index", "GATHER", op("GATHER", 0), [normal(6, 3), integers(0, 6, 0, 3)]),
    ("sum where", "SCATTER", to(ops.ADD), [PLACES, normal(2, 5, 3)]),
    ("last where", "SCATTER", to(None), [PLACES, normal(2, 5, 3)]),
    ("maximum where", "SCATTER", to(ops.MAX), [PLACES, normal(2, 5, 3)]),
    ("product where", "SCATTER", to(ops.MUL), [PLACES, normal(2, 5, 3)]),
    ("three", "JOIN", op("JOIN", 1), [normal(2, 1), normal(2, 3), normal(2, 2)]),
    ("carry, steps, constant", "LOOP", looped, [normal(3), normal(4, 3), normal(3)]),
    ("two", "CUSTOM", ruled, [normal(3), normal(3)]),
    ("mark", "DETACH", detach, [normal(3)]),
    ("two", "SURROGATE", surrogate, [normal(3), normal(3)]),
    ("one matrix", "CALL", test_rules.called("solve", 0), [normal(3, 3), normal(3, 2)]),
    ("order", "CALL", test_rules.called("order", 0, options=(True,)), [normal(4)]),
    ("stack", "CALL", test_rules.called("order", 0, options=(False,)), [normal(2, 4)]),
    ("two", "CALL", test_rules.called("igamma", 0, 1), [abs(normal(4)), abs(normal(4))]),
    # several at once
    ("matmul", "SUM", linalg.matmul, [normal(2, 3, 4), normal(4, 2)]),
    ("softmax", "REDUCE_MAX", lambda x: activation.softmax(x, 1), [normal(3, 4)]),
    ("conv", "SHEAR", lambda x, w: conv.conv("conv2d", x, w, None, 2, 1, 1),
     [normal(2, 3, 5, 5), normal(4, 3, 3, 3)]),
    ("pool", "PAD", lambda x: pool.max_pool("max_pool2d", x, 2, 2, 1), [normal(1, 2, 4, 4)]),
    ("var", "MUL", lambda x: reduce.var(x, 0), [normal(4, 3)]),
]  # fmt: skip


def test_every_op_has_a_rule_or_a_reason():
    missing = [row.name for row in ops.ALL if row not in RULES and row not in NO_RULE]
    both = [row.name for row in ops.ALL if row in RULES and row in NO_RULE]
    assert not missing, f"neither in RULES nor in NO_RULE: {missing}"
    assert not both, f"in RULES and in NO_RULE: {both}"
    assert all(row.kind is Kind.LEAF for row in NO_RULE)


def test_every_rule_is_checked():
    unchecked = {row.name for row in RULES} - {name for _, name, _, _ in CASES}
    assert not unchecked, f"no case in CASES: {sorted(unchecked)}"


def samples_of(arg):
    """Arrays like ``arg``, of the same elements: what holds of them holds of these."""
    flat = np.asarray(arg).reshape(-1)
    return [np.roll(flat, 5 * i).reshape(np.shape(arg)) for i in range(SAMPLES)]


def ways(count):
    """Which operands are batched: each set of them but none."""
    return [[bool(bits >> i & 1) for i in range(count)] for bits in range(1, 1 << count)]


@pytest.mark.parametrize(
    "function, args",
    [case[2:] for case in CASES],
    ids=[f"{name}-{label.replace(' ', '_')}" for label, name, _, _ in CASES],
)
def test_rule_agrees_with_a_loop(function, args):
    samples = [samples_of(arg) for arg in args]
    inputs = [stored(s[0]) for s in samples]
    for batched in ways(len(args)):
        chosen = [i for i, b in enumerate(batched) if b]
        values = [stored(np.stack(samples[i])) for i in chosen]
        (found,) = batch([function(*inputs)], [inputs[i] for i in chosen], values, SAMPLES)
        rows = list(zip(samples, inputs, batched, strict=True))
        loop = [function(*[stored(s[n]) if b else x for s, x, b in rows]) for n in range(SAMPLES)]
        ours, *theirs = evaluate_all([found, *loop])
        assert found.dtype is loop[0].dtype
        np.testing.assert_allclose(ours, np.stack(theirs), rtol=1e-9, atol=1e-12)


def test_what_depends_on_no_input_is_none():
    x, other = stored(normal(3)), stored(normal(3))
    found = batch([exp(x), exp(other)], [x], [stored(normal(2, 3))], 2)
    assert found[0].shape == (2, 3) and found[1] is None


def test_an_input_may_be_in_the_middle():
    x = stored(normal(3))
    hidden = exp(x)
    value = stored(normal(2, 3))
    (found,) = batch([add(hidden, x)], [hidden], [value], 2)
    np.testing.assert_allclose(*evaluate_all([found, add(value, x)]))


def test_only_what_depends_on_an_input_is_batched():
    x, other = stored(normal(3)), stored(normal(3))
    (found,) = batch([mul(exp(other), x)], [x], [stored(normal(50, 3))], 50)
    (kept,) = [n for n in toposort([found]) if n.op is ops.EXP]
    assert kept.shape == (3,)


def test_constants_grow_and_are_not_expanded():
    x = stored(normal(3))
    (found,) = batch([mul(x, const(2, dt.float64, (3,), "CPU"))], [x], [stored(normal(4, 3))], 4)
    assert {n.op for n in toposort([found])} == {ops.MUL, ops.BUFFER, ops.CONST}


def test_a_table_that_samples_share_is_not_repeated():
    table, index = stored(normal(6, 2)), stored(integers(0, 6, 4, 2))
    one = node(ops.GATHER, (table, index), 0)
    (found,) = batch([one], [index], [stored(integers(0, 6, 5, 4, 2))], 5)
    (gather,) = [n for n in toposort([found]) if n.op is ops.GATHER]
    assert gather.src[0] is table and gather.shape == (20, 2)


def test_a_matrix_that_samples_share_is_taken_apart_once():
    a, b = stored(normal(3, 3)), stored(normal(3, 1))
    one = test_rules.called("solve", 0)(a, b)
    (found,) = batch([one], [b], [stored(normal(5, 3, 1))], 5)
    (call,) = [n for n in toposort([found]) if n.op is ops.CALL]
    assert call.src[0] is a and call.shape == (3, 5)


def test_a_variable_keeps_its_identity():
    x, identity = stored(normal(3)), object()
    one = node(ops.VARIABLE, (x,), identity)
    (found,) = batch([one], [x], [stored(normal(2, 3))], 2)
    assert found.op is ops.VARIABLE and found.arg is identity


def test_no_samples_and_one():
    x = stored(normal(3))
    for size in (0, 1):
        (found,) = batch([reshape(exp(x), (3, 1))], [x], [stored(normal(size, 3))], size)
        assert evaluate_all([found])[0].shape == (size, 3, 1)


def test_a_chain_is_not_followed_by_recursion():
    x = stored(normal(2))
    y = x
    for _ in range(5 * sys.getrecursionlimit()):
        y = mul(add(y, x), 0.5)
    (found,) = batch([y], [x], [stored(normal(3, 2))], 3)
    assert found.shape == (3, 2)
