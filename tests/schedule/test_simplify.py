"""Every rule of simplification: what it makes of a graph is simpler, and as right as before.

Where the result of a case is not what a rule should make of it, its text differs; where the result
means something else, its value does.
"""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np
import pytest

from lazygrad import element_types as dt, ops
from lazygrad.graph import Iota, Node, const, node, toposort
from lazygrad.schedule.rules import table
from lazygrad.schedule.rules.table import rules
from lazygrad.schedule.simplify import simplify
from lazygrad.testing.reference import evaluate, leaf

X = leaf(np.arange(24.0).reshape(2, 3, 4) - 11.5, dt.float32)
ROW = leaf(np.arange(1.0, 5.0).reshape(1, 4), dt.float32)
WHOLE = leaf(np.arange(-5, 7).reshape(3, 4), dt.int32)
BITS = leaf(np.array([True, False]), dt.bool_)


def make(op: ops.Op, *src: Node | float, arg: object = None) -> Node:
    """A node; numbers stand for constants like the first node."""
    like = next(s for s in src if isinstance(s, Node))
    values = [s if isinstance(s, Node) else _constant(s, like) for s in src]
    return node(op, tuple(values), arg)


def _constant(number: float, like: Node) -> Node:
    return const(number, like.dtype, like.shape, like.device)


def text(root: Node) -> str:
    """The graph in words: ``MUL(BUFFER, 2.0)``, arguments of movement and reductions included."""
    found: dict[Node, str] = {}
    for n in toposort([root]):
        if n.op is ops.CONST:
            found[n] = str(n.arg.value)
            continue
        named = getattr(n.arg, "name", n.arg)  # of a dtype
        silent = n.arg is None or n.op in (ops.BUFFER, ops.IOTA, ops.SCATTER)
        arg = "" if silent else f"[{named}]".replace(" ", "")
        inner = f"({', '.join(found[s] for s in n.src)})" if n.src else ""
        found[n] = f"{n.op.name}{arg}{inner}"
    return found[root]


def flips(*several: tuple[int, ...]) -> Node:
    found = X
    for axes in several:
        found = make(ops.FLIP, found, arg=axes)
    return found


def cast(value: Node, *dtypes: dt.DType) -> Node:
    for dtype in dtypes:
        value = make(ops.CAST, value, arg=dtype)
    return value


def expanded(*shape: int) -> Node:
    return make(ops.EXPAND, ROW, arg=shape)


NONE = ((0, 0), (0, 0), (0, 0))
SPREAD = ((1, 0), (0, 2), (0, 0))
INNER = ((0, 2), (1, 3), (0, 4))
NAN = float("nan")
MANY = (2**20 + 1,)  # a sum of that many floats may round
CONDITION = make(ops.LT, X, 0.0)
NEGATED = make(ops.XOR, CONDITION, True)
EMPTY = make(ops.SHRINK, X, arg=((1, 1), (0, 3), (0, 4)))

PLACES = leaf(np.array([[3, 0, -1, 4, 0]]), dt.int64)
TALL = leaf(np.arange(1.0, 4.0).reshape(3, 1), dt.float32)
PLACE = leaf(np.array([[1], [0], [7]]), dt.int64)


def counted(*shape: int, axis: int) -> Node:
    """0 1 2 ... along an axis of a shape."""
    counter = node(ops.IOTA, (), Iota((shape[axis],), dt.int64, "CPU"))
    line = node(ops.RESHAPE, (counter,), tuple(n if a == axis else 1 for a, n in enumerate(shape)))
    return node(ops.EXPAND, (line,), shape)


def scatter(value: Node, combine: ops.Op | None, index: Node | int = PLACES, size: int = 5) -> Node:
    """Along dim 1; a number stands for indices of ``value``'s shape cut from PLACES."""
    if isinstance(index, int) or index.shape != value.shape:
        index = make(ops.SHRINK, PLACES, arg=((0, 1), (0, value.shape[1])))
    return node(ops.SCATTER, (index, value), ops.Scatter(1, size, combine))


# rule: [(graph, what it becomes)]; a graph that stays as it is has itself as its text
CASES: dict[str, list[tuple[Node, str]]] = {
    "drop_empty": [(make(ops.EXP, EMPTY), "0.0"), (make(ops.SUM, EMPTY, arg=(0, 1, 2)), "0.0")],
    "drop_mark": [
        (make(ops.DETACH, make(ops.VARIABLE, X, arg="x")), "BUFFER"),
        (make(ops.SURROGATE, make(ops.EXP, X), X), "EXP(BUFFER)"),
    ],
    "contiguous_of_memory": [
        (make(ops.CONTIGUOUS, make(ops.CONTIGUOUS, X)), "BUFFER"),
        (make(ops.CONTIGUOUS, make(ops.EXP, X)), "CONTIGUOUS(EXP(BUFFER))"),
    ],
    "copy_to_same_device": [
        (make(ops.COPY, X, arg="CPU"), "BUFFER"),
        (make(ops.COPY, X, arg="GPU"), "COPY[GPU](BUFFER)"),
    ],
    "fold_constants": [
        (make(ops.ADD, _constant(2.0, X), 3.0), "5.0"),
        (make(ops.DIV, _constant(-7, WHOLE), 2), "-3"),
        (make(ops.MOD, _constant(-7, WHOLE), 2), "-1"),
        (make(ops.ADD, _constant(2**31 - 1, WHOLE), 1), str(-(2**31))),
        (cast(_constant(1.0 + 2**-11, X), dt.float16), "1.0"),
        (cast(_constant(1.0 + 2**-8 + 2**-16, X), dt.bfloat16), "1.0078125"),
    ],
    "move_constant": [
        (make(ops.FLIP, _constant(2.0, X), arg=(0,)), "2.0"),
        (make(ops.EXPAND, _constant(2.0, ROW), arg=(3, 4)), "2.0"),
    ],
    "pad_zero": [
        (make(ops.PAD, _constant(0.0, X), arg=SPREAD), "0.0"),
        (make(ops.PAD, _constant(2.0, X), arg=SPREAD), "PAD[((1,0),(0,2),(0,0))](2.0)"),
        (make(ops.PAD, _constant(-0.0, X), arg=SPREAD), "PAD[((1,0),(0,2),(0,0))](-0.0)"),
    ],
    "sum_constant": [
        (make(ops.SUM, _constant(2.0, X), arg=(0, 2)), "16.0"),
        (make(ops.SUM, _constant(2**30, WHOLE), arg=(1,)), "0"),
        (make(ops.SUM, _constant(True, BITS), arg=(0,)), "True"),
        (make(ops.SUM, const(0.0, dt.float32, MANY, "CPU"), arg=(0,)), "0.0"),
        (make(ops.SUM, const(3, dt.int64, MANY, "CPU"), arg=(0,)), str(3 * MANY[0])),
        (make(ops.SUM, const(0.5, dt.float32, MANY, "CPU"), arg=(0,)), "SUM[(0,)](0.5)"),
    ],
    "max_constant": [(make(ops.REDUCE_MAX, _constant(NAN, X), arg=(0,)), "nan")],
    "add_zero": [
        (make(ops.ADD, -0.0, X), "BUFFER"),
        (make(ops.ADD, WHOLE, 0), "BUFFER"),
        (make(ops.ADD, WHOLE, 1), "ADD(BUFFER, 1)"),
    ],
    "multiply_one": [
        (make(ops.MUL, X, 1.0), "BUFFER"),
        (make(ops.MUL, 1.0, X), "BUFFER"),
        (make(ops.MUL, WHOLE, 0), "0"),
        (make(ops.MUL, X, 0.0), "MUL(BUFFER, 0.0)"),  # of infinity it is NaN
    ],
    "nan_of_nan": [
        (make(ops.MUL, X, math.nan), "nan"),
        (make(ops.ADD, math.nan, X), "nan"),
        (make(ops.DIV, X, math.nan), "nan"),
        (make(ops.MAX, X, math.nan), "nan"),
        (make(ops.MUL, X, math.inf), "MUL(BUFFER, inf)"),
    ],
    "remainder_of_nothing": [
        (make(ops.MOD, X, 0.0), "nan"),
        (make(ops.MOD, X, math.nan), "nan"),
        (make(ops.MOD, math.inf, X), "nan"),
        (make(ops.MOD, WHOLE, 0), "0"),
        (make(ops.MOD, X, 2.0), "MOD(BUFFER, 2.0)"),
        (make(ops.MOD, X, math.inf), "MOD(BUFFER, inf)"),
    ],
    "multiply_constants": [
        (make(ops.MUL, make(ops.MUL, X, -1.0), -1.0), "BUFFER"),
        (make(ops.MUL, make(ops.MUL, X, 3.0), -1.0), "MUL(BUFFER, -3.0)"),
        (make(ops.MUL, make(ops.MUL, X, 3.0), 0.3125), "MUL(MUL(BUFFER, 3.0), 0.3125)"),
    ],
    "constant_to_the_right": [
        (make(op, 3, WHOLE), f"{op.name}(BUFFER, 3)") for op in ops.ALL if op.commutative
    ]
    + [(make(ops.LT, 3, WHOLE), "LT(3, BUFFER)")],
    "divide_by_one": [
        (make(ops.DIV, WHOLE, 1), "BUFFER"),
        (make(ops.DIV, 1, WHOLE), "DIV(1, BUFFER)"),
    ],
    "divide_by_power_of_two": [
        (make(ops.DIV, X, -4.0), "MUL(BUFFER, -0.25)"),
        (make(ops.DIV, X, 3.0), "DIV(BUFFER, 3.0)"),
        (make(ops.DIV, X, 2.0**-110), f"DIV(BUFFER, {2.0**-110})"),  # its inverse is too large
        (make(ops.DIV, WHOLE, 4), "DIV(BUFFER, 4)"),
    ],
    "max_of_itself": [
        (make(ops.MAX, X, X), "BUFFER"),
        (make(ops.MAX, WHOLE, dt.int32.min), "BUFFER"),
        (make(ops.MAX, X, 0.0), "MAX(BUFFER, 0.0)"),
    ],
    "exclusive_or": [
        (make(ops.XOR, WHOLE, 0), "BUFFER"),
        (make(ops.XOR, make(ops.XOR, WHOLE, 6), 3), "XOR(BUFFER, 5)"),
        (make(ops.XOR, make(ops.XOR, BITS, True), True), "BUFFER"),
    ],
    "where_decided": [
        (make(ops.WHERE, CONDITION, X, X), "BUFFER"),
        (make(ops.WHERE, _constant(True, CONDITION), X, make(ops.EXP, X)), "BUFFER"),
        (make(ops.WHERE, _constant(False, CONDITION), X, make(ops.EXP, X)), "EXP(BUFFER)"),
        (
            make(ops.WHERE, NEGATED, X, make(ops.SIN, X)),
            "WHERE(LT(BUFFER, 0.0), SIN(BUFFER), BUFFER)",
        ),
    ],
    "cast_to_same": [
        (cast(X, dt.float32), "BUFFER"),
        (cast(X, dt.float64, dt.float32), "BUFFER"),
        (cast(WHOLE, dt.float64, dt.float32), "CAST[float32](BUFFER)"),
        (cast(WHOLE, dt.int64, dt.int16), "CAST[int16](BUFFER)"),
        (cast(BITS, dt.int8, dt.float32), "CAST[float32](BUFFER)"),
        (cast(X, dt.float16, dt.float32), "CAST[float32](CAST[float16](BUFFER))"),
        (cast(WHOLE, dt.uint64, dt.float32), "CAST[float32](CAST[uint64](BUFFER))"),
        (cast(WHOLE, dt.float32, dt.int64), "CAST[int64](CAST[float32](BUFFER))"),
        (cast(WHOLE, dt.bool_, dt.int32), "CAST[int32](CAST[bool](BUFFER))"),
    ],
    "reduce_single_elements": [
        (make(ops.SUM, ROW, arg=(0,)), "BUFFER"),
        (make(ops.SUM, ROW, arg=(0, 1)), "SUM[(1,)](BUFFER)"),
    ],
    "reduce_reduced": [
        (make(ops.SUM, make(ops.SUM, X, arg=(2,)), arg=(0,)), "SUM[(0,2)](BUFFER)"),
        (
            make(ops.SUM, make(ops.REDUCE_MAX, X, arg=(2,)), arg=(0,)),
            "SUM[(0,)](REDUCE_MAX[(2,)](BUFFER))",
        ),
    ],
    "max_of_expanded": [
        (make(ops.REDUCE_MAX, expanded(3, 4), arg=(0, 1)), "REDUCE_MAX[(1,)](BUFFER)"),
        (make(ops.REDUCE_MAX, expanded(3, 4), arg=(0,)), "BUFFER"),
        (make(ops.SUM, expanded(3, 4), arg=(0,)), "SUM[(0,)](EXPAND[(3,4)](BUFFER))"),
    ],
    "keep_shape": [
        (make(ops.RESHAPE, X, arg=(2, 3, 4)), "BUFFER"),
        (make(ops.EXPAND, X, arg=(2, 3, 4)), "BUFFER"),
    ],
    "reshape_reshaped": [
        (make(ops.RESHAPE, make(ops.RESHAPE, X, arg=(24,)), arg=(4, 6)), "RESHAPE[(4,6)](BUFFER)"),
        (make(ops.RESHAPE, make(ops.RESHAPE, X, arg=(24,)), arg=(2, 3, 4)), "BUFFER"),
    ],
    "expand_expanded": [
        (
            make(
                ops.EXPAND,
                make(ops.EXPAND, make(ops.RESHAPE, ROW, arg=(1, 1, 4)), arg=(1, 3, 4)),
                arg=(2, 3, 4),
            ),
            "EXPAND[(2,3,4)](RESHAPE[(1,1,4)](BUFFER))",
        ),
    ],
    "permute_permuted": [
        (
            make(ops.PERMUTE, make(ops.PERMUTE, X, arg=(1, 2, 0)), arg=(0, 2, 1)),
            "PERMUTE[(1,0,2)](BUFFER)",
        ),
        (make(ops.PERMUTE, make(ops.PERMUTE, X, arg=(1, 2, 0)), arg=(2, 0, 1)), "BUFFER"),
    ],
    "pad_nothing": [
        (make(ops.PAD, X, arg=NONE), "BUFFER"),
        (
            make(ops.PAD, make(ops.PAD, X, arg=SPREAD), arg=((2, 1), (0, 0), (0, 3))),
            "PAD[((3,1),(0,2),(0,3))](BUFFER)",
        ),
    ],
    "shrink_nothing": [
        (make(ops.SHRINK, X, arg=((0, 2), (0, 3), (0, 4))), "BUFFER"),
        (
            make(ops.SHRINK, make(ops.SHRINK, X, arg=INNER), arg=((1, 2), (0, 1), (1, 3))),
            "SHRINK[((1,2),(1,2),(1,3))](BUFFER)",
        ),
    ],
    "shrink_padded": [
        (make(ops.SHRINK, make(ops.PAD, X, arg=SPREAD), arg=((1, 3), (0, 3), (0, 4))), "BUFFER"),
        (
            make(ops.SHRINK, make(ops.PAD, X, arg=SPREAD), arg=((2, 3), (1, 3), (0, 4))),
            "SHRINK[((1,2),(1,3),(0,4))](BUFFER)",
        ),
        (
            make(ops.SHRINK, make(ops.PAD, X, arg=SPREAD), arg=((0, 3), (0, 3), (0, 4))),
            "SHRINK[((0,3),(0,3),(0,4))](PAD[((1,0),(0,2),(0,0))](BUFFER))",
        ),
    ],
    "reduce_nothing": [
        (make(ops.SUM, make(ops.SHRINK, X, arg=((0, 2), (0, 3), (1, 1))), arg=(2,)), "0.0"),
        (make(ops.REDUCE_MAX, make(ops.SHRINK, X, arg=((0, 2), (0, 3), (1, 1))), arg=(2,)), "-inf"),
    ],
    "and_constant": [
        (make(ops.AND, WHOLE, 0), "0"),
        (make(ops.AND, WHOLE, -1), "BUFFER"),
        (make(ops.AND, BITS, True), "BUFFER"),
        (make(ops.AND, WHOLE, 6), "AND(BUFFER, 6)"),
    ],
    "flip_flipped": [
        (flips((0, 1), (1, 2)), "FLIP[(0,2)](BUFFER)"),
        (flips((0, 2), (0, 2)), "BUFFER"),
        (make(ops.FLIP, ROW, arg=(0,)), "BUFFER"),
        (make(ops.FLIP, ROW, arg=(0, 1)), "FLIP[(1,)](BUFFER)"),
    ],
}
CASES |= {
    "gather_zeros": [
        (make(ops.GATHER, _constant(0.0, ROW), PLACES, arg=1), "0.0"),
        (make(ops.GATHER, make(ops.SHRINK, ROW, arg=((0, 1), (2, 2))), PLACES, arg=1), "0.0"),
        (make(ops.GATHER, ROW, PLACES, arg=1), "GATHER[1](BUFFER, BUFFER)"),
        (make(ops.GATHER, _constant(1.0, ROW), PLACES, arg=1), "GATHER[1](1.0, BUFFER)"),
    ],
    "gather_in_order": [
        (make(ops.GATHER, ROW, counted(1, 3, axis=1), arg=1), "SHRINK[((0,1),(0,3))](BUFFER)"),
        (make(ops.GATHER, ROW, counted(1, 6, axis=1), arg=1), "PAD[((0,0),(0,2))](BUFFER)"),
        (make(ops.GATHER, X, counted(2, 3, 4, axis=1), arg=1), "BUFFER"),
        (
            make(ops.GATHER, X, counted(2, 2, 4, axis=1), arg=1),
            "SHRINK[((0,2),(0,2),(0,4))](BUFFER)",
        ),
        (
            make(ops.GATHER, TALL, counted(3, 3, axis=0), arg=1),
            "GATHER[1](BUFFER, EXPAND[(3,3)](RESHAPE[(3,1)](IOTA)))",
        ),
    ],
    "scatter_nothing": [
        (scatter(make(ops.SHRINK, ROW, arg=((0, 1), (2, 2))), None, 0), "0.0"),
        (scatter(make(ops.SHRINK, ROW, arg=((0, 1), (2, 2))), ops.MAX, 0), "-inf"),
        (scatter(_constant(0.0, ROW), ops.ADD), "0.0"),
        (scatter(_constant(0.0, ROW), ops.MUL), "SCATTER(SHRINK[((0,1),(0,4))](BUFFER), 0.0)"),
    ],
    "scatter_in_order": [
        (scatter(ROW, ops.ADD, counted(1, 4, axis=1), size=3), "SHRINK[((0,1),(0,3))](BUFFER)"),
        (scatter(ROW, None, counted(1, 4, axis=1), size=5), "PAD[((0,0),(0,1))](BUFFER)"),
        (
            scatter(ROW, ops.MAX, counted(1, 4, axis=1), size=4),
            "SCATTER(RESHAPE[(1,4)](IOTA), BUFFER)",
        ),
    ],
    "scatter_one": [
        (
            scatter(TALL, ops.ADD, PLACE, size=3),
            "WHERE(NE(EXPAND[(3,3)](BUFFER), EXPAND[(3,3)](RESHAPE[(1,3)](IOTA))), 0.0, "
            "EXPAND[(3,3)](BUFFER))",
        ),
        (
            scatter(TALL, ops.MUL, PLACE, size=2),
            "WHERE(NE(EXPAND[(3,2)](BUFFER), EXPAND[(3,2)](RESHAPE[(1,2)](IOTA))), 1.0, "
            "EXPAND[(3,2)](BUFFER))",
        ),
    ],
}
EACH = [(name, graph, right) for name, cases in CASES.items() for graph, right in cases]


@pytest.mark.parametrize(
    ("graph", "right"), [case[1:] for case in EACH], ids=[f"{n}-{r}" for n, _, r in EACH]
)
def test_the_simpler_graph_is_the_expected_one_and_equal(graph: Node, right: str) -> None:
    simpler = simplify([graph])[graph]
    assert text(simpler) == right
    np.testing.assert_array_equal(evaluate(simpler), evaluate(graph))


def test_every_rule_is_checked_and_fires(monkeypatch: pytest.MonkeyPatch) -> None:
    """Each in one of its own cases."""
    fired: set[str] = set()

    def watched(rule: Callable[[Node], Node | None]) -> Callable[[Node], Node | None]:
        def watch(current: Node) -> Node | None:
            found = rule(current)
            if found is not None and found is not current:
                fired.add(rule.__name__)
            return found

        return watch

    names = {rule.__name__ for by_op in rules.by_op.values() for rule in by_op}
    by_op = {op: [watched(rule) for rule in found] for op, found in rules.by_op.items()}
    monkeypatch.setattr(table.rules, "by_op", by_op)
    assert set(CASES) == names
    for name, cases in CASES.items():
        fired.clear()
        for graph, _ in cases:
            simplify([graph])
        assert name in fired
