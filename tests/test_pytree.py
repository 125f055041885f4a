"""Containers taken apart and put together again, by every transform and by jit."""

from __future__ import annotations

from collections import OrderedDict, defaultdict, deque, namedtuple
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

import pytest

from lazygrad import Tensor, jit, pytree
from lazygrad.errors import ArgumentError, JitError, ValueRangeError
from lazygrad.func import grad, register_pytree_node, vmap

Pair = namedtuple("Pair", "first second")


@dataclass
class Layer:
    weight: Tensor
    name: str = "layer"
    twice: Tensor | None = field(init=False, default=None)

    def __post_init__(self) -> None:
        self.twice = self.weight * 2


@dataclass(frozen=True)
class Frozen:
    weight: Tensor


TREES: dict[str, Any] = {
    "tuple": (1, (2, ()), 3),
    "list": [1, [2], []],
    "dict": {"b": 1, "a": {"c": 2}},
    "ordered": OrderedDict(b=1, a=2),
    "default": defaultdict(list, b=1, a=2),
    "deque": deque([1, 2], maxlen=5),
    "namedtuple": Pair(1, Pair(2, 3)),
    "none": (None, 1),
    "leaf": 1,
}


@pytest.mark.parametrize("name", TREES)
def test_what_is_taken_apart_can_be_put_together(name: str) -> None:
    tree = TREES[name]
    leaves, spec = pytree.flatten(tree)
    made = pytree.unflatten(spec, leaves)
    assert made == tree and type(made) is type(tree)
    assert pytree.count(spec) == len(leaves)
    assert hash(spec) == hash(pytree.flatten(made)[1])
    if name == "default":
        assert made["new"] == []
    if name == "deque":
        assert made.maxlen == 5


def test_dataclasses_are_containers() -> None:
    def f(layer: Layer) -> Tensor:
        assert layer.twice is not None and layer.name == "mine"
        return layer.weight * 3 + layer.twice

    layer = Layer(Tensor(1.0), "mine")
    assert jit(f)(layer).item() == 5
    with pytest.raises(ArgumentError, match="'mine'"):
        grad(f)(layer)  # a name has no gradient
    found = grad(lambda frozen: frozen.weight**2)(Frozen(Tensor(3.0)))
    assert isinstance(found, Frozen) and found.weight.item() == 6
    assert jit(lambda x: Frozen(x + 1))(Tensor(1.0)).weight.item() == 2
    assert vmap(lambda a: a.weight.sum())(Frozen(Tensor([[1.0, 2.0]]))).tolist() == [3]


def test_none_stays_none() -> None:
    def f(params: dict[str, Any]) -> Tensor:
        assert params["bias"] is None
        return params["weight"] ** 2

    assert grad(f)({"weight": Tensor(3.0), "bias": None}) == {
        "weight": pytest.approx(6), "bias": None,
    }  # fmt: skip


class Line:
    def __init__(self, slope: Any, shift: Any, name: Any) -> None:
        self.slope, self.shift, self.name = slope, shift, name


def line_apart(line: Line) -> tuple[list[Any], Any]:
    return [line.slope, line.shift], line.name


def line_together(children: Iterable[Any], name: Any) -> Line:
    return Line(*children, name)


def test_classes_can_be_made_known() -> None:
    with pytest.raises(JitError, match="Line"):
        Line.__hash__ = None  # type: ignore[assignment, method-assign]
        jit(lambda line: line.slope)(Line(Tensor(1.0), Tensor(2.0), "a"))
    register_pytree_node(Line, line_apart, line_together)
    found = grad(lambda line: line.slope * 3 + line.shift)(Line(Tensor(1.0), Tensor(2.0), "a"))
    assert (found.slope.item(), found.shift.item(), found.name) == (3, 1, "a")
    f = jit(lambda line: Line(line.slope + 1, line.shift, line.name))
    assert f(Line(Tensor(1.0), Tensor(2.0), "a")).slope.item() == 2
    assert f(Line(Tensor(1.0), Tensor(2.0), "b")).name == "b" and f.captures == 2
    with pytest.raises(ArgumentError, match="hashable"):
        f(Line(Tensor(1.0), Tensor(2.0), []))
    for known in (Line, dict, Pair, Frozen):
        with pytest.raises(ValueRangeError, match="known already"):
            register_pytree_node(known, line_apart, line_together)


def test_specs_are_told() -> None:
    assert pytree.text(pytree.flatten((1, {"a": [2, 3]}))[1]) == "tuple(*, dict(a: list(*, *)))"
