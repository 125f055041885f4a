"""Plain data as bytes and back: everything that fits, and nothing else."""

from __future__ import annotations

import json
import math
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import numpy as np
import pytest

from lazygrad import element_types as dt, ops
from lazygrad.kernel import expr as ex
from lazygrad.kernel.expr import KernelOp
from lazygrad.kernel.index import DataAtom, Index, Range, of
from lazygrad.kernel.kernel import BufferSpec, Kernel, Output
from lazygrad.kernel.plan import INPUT, OUTPUT, Place, Plan, Step
from lazygrad.runtime.plan_format import ARGUMENTS, plan_format
from lazygrad.runtime.records import Format, Malformed


@dataclass(frozen=True)
class Leaf:
    number: int
    text: str = ""


class Pair(NamedTuple):
    left: Leaf
    right: Leaf | None


@dataclass(frozen=True)
class Tree:
    leaves: tuple[Leaf, ...]
    pair: Pair
    either: Leaf | Pair
    values: tuple[int, float, bool, str]
    scalar: bool | int | float
    by_name: dict[str, tuple[int, ...]]
    array: np.ndarray[Any, Any] = field(compare=False)
    other: Any = None


SHARED = Leaf(-1, "ü\n")
TREE = Tree(
    (SHARED, Leaf(1 << 70), SHARED),
    Pair(SHARED, None),
    Pair(Leaf(3), SHARED),
    (1, -0.0, True, "1"),
    True,
    {"a": (1, 2), "": ()},
    np.arange(6, dtype=np.uint32).reshape(2, 3),
    SHARED,
)
TREES = Format(Tree, (Leaf,))


def test_everything_comes_back() -> None:
    found = TREES.decode(TREES.encode(TREE))
    assert found == TREE
    assert [type(value) for value in found.values] == [int, float, bool, str]
    assert math.copysign(1, found.values[1]) == -1
    assert found.scalar is True
    np.testing.assert_array_equal(found.array, TREE.array)
    assert found.array.dtype == TREE.array.dtype and found.array.flags.writeable


def test_shared_parts_stay_shared() -> None:
    found = TREES.decode(TREES.encode(TREE))
    assert found.leaves[0] is found.leaves[2] is found.pair.left is found.other


def test_simple_values_have_formats_too() -> None:
    assert Format(float).decode(Format(float).encode(0.25)) == 0.25
    infinite = Format(tuple[float, ...])
    assert infinite.decode(infinite.encode((math.inf, -math.inf))) == (math.inf, -math.inf)


def changed(**changes: Any) -> Tree:
    values = {name: getattr(TREE, name) for name in Tree.__dataclass_fields__}
    return Tree(**{**values, **changes})


@pytest.mark.parametrize(
    "changes",
    [
        {"leaves": [SHARED]},
        {"leaves": (1,)},
        {"pair": (SHARED, None)},
        {"values": (1, 1, True, "1")},
        {"values": (1, 0.5, True)},
        {"scalar": "1"},
        {"by_name": {1: (1,)}},
        {"array": np.array([object()])},
        {"other": Pair(SHARED, None)},
        {"other": print},
    ],
)
def test_what_does_not_fit_is_not_written(changes: dict[str, Any]) -> None:
    with pytest.raises((Malformed, ValueError)):
        TREES.encode(changed(**changes))


def test_no_change_of_a_file_gives_anything_but_a_tree_or_malformed() -> None:
    """Every value of the document, exchanged for others."""
    document = json.loads(TREES.encode(TREE))
    tried = 0
    for place in places(document):
        before = at(document, place)
        for value in (None, -1, 0, 1, 10**6, 0.5, True, "x", [], [0], {}, {"a": 1}):
            put(document, place, value)
            try:
                found = TREES.decode(json.dumps(document).encode())
            except Malformed:
                pass
            else:
                assert TREES.decode(TREES.encode(found)) == found  # so every field has its type
            tried += 1
        put(document, place, before)
    assert tried > 500


def places(value: Any, before: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    found = [before] if before else []
    if isinstance(value, (list, dict)):
        for key in range(len(value)) if isinstance(value, list) else value:
            found += places(value[key], (*before, key))
    return found


def at(document: Any, place: tuple[Any, ...]) -> Any:
    for key in place:
        document = document[key]
    return document


def put(document: Any, place: tuple[Any, ...], value: Any) -> None:
    at(document, place[:-1])[place[-1]] = value


@pytest.mark.parametrize("content", [b"", b"\xff", b"null", b"[1]", b"[" * 10**5, b"9" * 10**4])
def test_other_bytes_are_malformed(content: bytes) -> None:
    with pytest.raises(Malformed):
        TREES.decode(content)


@pytest.mark.parametrize("name", ["builtins.print", "os.system", f"{__name__}.test_other_bytes"])
def test_only_the_classes_of_the_format_are_made(name: str) -> None:
    with pytest.raises(Malformed, match="KeyError"):
        TREES.decode(json.dumps([1, ["id"], [name], [[0, 0]], 0]).encode())


# -- plans ----------------------------------------------------------------------------------------


def test_every_op_of_kernels_has_its_argument() -> None:
    declared = {value for value in vars(ex).values() if isinstance(value, KernelOp)}
    assert ARGUMENTS.keys() == declared


def test_every_kind_of_expression_comes_back() -> None:
    i, k = Range("i", 6), Range("k", 4)
    row = ex.load(2, of(i), dt.int64, (ex.Bound(of(i), 0, 5),))
    gathered = Index([(DataAtom(row, (0, 9)), 4), (k, 1)])
    split = of(i).floordiv(4) + of(i).mod(4) * 2
    loaded = ex.load(1, gathered + split, dt.float32)
    guarded = ex.guarded(loaded, (ex.Bound(of(k), 1, 4),))
    total = ex.reduce(ops.SUM, guarded, [k])
    place = ex.elementwise(ops.CAST, (ex.index_value(of(i), dt.int32),), dt.float32)
    value = ex.elementwise(ops.ADD, (total, place), dt.float32)
    for number in (-0.0, 0.0, math.inf, 1e-45):
        value = ex.elementwise(ops.MAX, (value, ex.literal(number, dt.float32)), dt.float32)
    specs = (BufferSpec(dt.float32, 6), BufferSpec(dt.float32, 99), BufferSpec(dt.int64, 6))
    kernel = Kernel("k", (i,), (Output(0, of(i), value, (i,)),), specs, ("a.py:1",), ("why",))
    step = Step(kernel, (Place(OUTPUT, 0), Place(INPUT, 0), Place(INPUT, 1)))
    plan = Plan((step,), (Place(OUTPUT, 0),), (24,), ())
    found = plan_format().decode(plan_format().encode(plan))
    assert found == plan
    assert found.steps[0].kernel.outputs[0].value is value
    assert found.steps[0].kernel.reasons == ("why",)
