"""Nodes: interning, inference, deep graphs, rewriting."""

import math

import pytest

from lazygrad import element_types as dt, ops
from lazygrad.errors import DeviceError, DtypeError, InternalError, ShapeError
from lazygrad.graph import Node, const, interned_count, node, toposort
from lazygrad.rewrite import Rules, rewrite
from lazygrad.verify import verify_graph


def scalar(value: float, device: str = "CPU") -> Node:
    return const(value, dt.float32, (), device)


def test_equal_nodes_are_one_object() -> None:
    assert scalar(2.0) is scalar(2.0)
    assert node(ops.EXP, (scalar(2.0),)) is node(ops.EXP, (scalar(2.0),))


def test_nan_is_one_constant_and_the_zeros_are_two() -> None:
    assert scalar(math.nan) is scalar(float("nan"))
    assert scalar(0.0) is not scalar(-0.0)


def test_integer_constants_wrap_like_casts() -> None:
    assert const(300, dt.uint8, (), "CPU").arg.value == 44
    assert const(200, dt.int8, (), "CPU").arg.value == -56
    assert const(-1, dt.uint32, (), "CPU").arg.value == 2**32 - 1


def test_shapes_dtypes_and_devices_are_checked_where_they_meet() -> None:
    with pytest.raises(ShapeError, match=r"ADD.*\(2,\) and \(3,\)"):
        node(ops.ADD, (const(0, dt.int8, (2,), "CPU"), const(0, dt.int8, (3,), "CPU")))
    with pytest.raises(DtypeError, match="int8 and int16"):
        node(ops.ADD, (const(0, dt.int8, (), "CPU"), const(0, dt.int16, (), "CPU")))
    with pytest.raises(DtypeError, match="EXP.*needs a float, got int8"):
        node(ops.EXP, (const(0, dt.int8, (), "CPU"),))
    with pytest.raises(DeviceError, match="CPU and GPU"):
        node(ops.ADD, (scalar(0.0), scalar(0.0, "GPU")))


def test_a_deep_chain_is_built_walked_and_freed_without_recursion() -> None:
    before = interned_count()
    value = scalar(1.0)
    for _ in range(100_000):
        value = node(ops.SIN, (value,))
    assert len(toposort([value])) == 100_001
    del value
    assert interned_count() <= before + 1


def test_every_op_has_a_distinct_name_and_a_doc() -> None:
    assert len(ops.BY_NAME) == len(ops.ALL)
    assert all(op.doc for op in ops.ALL)


def test_rewriting_reaches_the_fixed_point_bottom_up() -> None:
    rules = Rules()

    @rules.on(ops.SIN)
    def unwrap(current: Node) -> Node | None:
        return current.src[0]

    value = node(ops.EXP, (node(ops.SIN, (node(ops.SIN, (scalar(2.0),)),)),))
    assert rewrite([value], rules)[value] is node(ops.EXP, (scalar(2.0),))


def test_rules_that_chase_each_other_are_reported() -> None:
    rules = Rules()

    @rules.on(ops.SIN)
    def grow(current: Node) -> Node | None:
        return node(ops.SIN, (node(ops.EXP, (current.src[0],)),))

    with pytest.raises(InternalError, match="do not settle"):
        rewrite([node(ops.SIN, (scalar(2.0),))], rules)


def test_the_verifier_finds_a_wrong_shape() -> None:
    value = node(ops.EXP, (const(0.5, dt.float32, (3,), "CPU"),))
    verify_graph([value], "test")
    value.shape = (4,)
    try:
        with pytest.raises(InternalError, match="after test"):
            verify_graph([value], "test")
    finally:
        value.shape = (3,)
