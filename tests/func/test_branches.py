"""A choice between two functions: values, and derivatives that nothing of the other one enters."""

from __future__ import annotations

import math

import pytest

from lazygrad import Tensor, func, jit, vmap
from lazygrad.errors import ArgumentError, DtypeError, ShapeError, WriteError
from lazygrad.func import cond


def root(x: Tensor) -> Tensor:
    """The root of what is positive: that of 0 has no derivative, that of -1 no value."""
    return cond(x > 0, lambda x: x.sqrt(), lambda x: 2 * x, x)  # type: ignore[no-any-return]


def test_one_of_two_values_is_chosen(device: str) -> None:
    xs = Tensor([4.0, 0.0, -1.0], device=device)
    assert [root(x).item() for x in xs] == [2.0, 0.0, -2.0]
    assert [jit(root)(x).item() for x in xs] == [2.0, 0.0, -2.0]
    assert vmap(root)(xs).tolist() == [2.0, 0.0, -2.0]


def test_derivatives_are_those_of_the_chosen_one(device: str) -> None:
    xs = Tensor([4.0, 0.0, -1.0], device=device)
    slopes = [0.25, 2.0, 2.0]
    assert [func.grad(root)(x).item() for x in xs] == slopes
    assert [func.jvp(root, (x,), (Tensor(1.0, device=device),))[1].item() for x in xs] == slopes
    assert vmap(func.grad(root))(xs).tolist() == slopes
    assert vmap(func.grad(func.grad(root)))(xs).tolist() == [-1 / 32, 0.0, 0.0]


def test_what_branches_read_gets_no_part_of_the_other_one() -> None:
    scale, other = Tensor(0.0, requires_grad=True), Tensor(3.0, requires_grad=True)
    cond(Tensor(False), lambda: scale.sqrt() / scale, lambda: other * other).backward()
    assert scale.grad is None or scale.grad.item() == 0
    assert other.grad is not None and other.grad.item() == 6
    assert math.isnan(cond(Tensor(True), lambda: scale.sqrt() / scale, lambda: other).item())


def test_of_a_bool_only_one_is_called() -> None:
    assert cond(True, lambda x: x, lambda x: 1 / 0, 5) == 5
    assert cond(False, lambda: 1 / 0, lambda: "no") == "no"


def test_containers_and_numbers() -> None:
    found = cond(Tensor([True]), lambda x: {"a": [x], "b": None}, lambda x: {"a": [2.0], "b": None},
                 Tensor(1.0))  # fmt: skip
    assert found["a"][0].item() == 1 and found["b"] is None


def test_refusals() -> None:
    x = Tensor([1.0, 2.0])
    with pytest.raises(ArgumentError, match=r"\[cond\] the condition must be a bool.*got a Tensor"):
        cond(x > 0, lambda: x, lambda: x)
    with pytest.raises(
        ArgumentError, match="must be a bool or a bool tensor of one element, got 1"
    ):
        cond(1, lambda: x, lambda: x)
    with pytest.raises(ShapeError, match=r"returns shape \(2,\) where false_fun returns \(1,\)"):
        cond(Tensor(True), lambda: x, lambda: x[:1])
    with pytest.raises(DtypeError, match="returns float32 where false_fun returns int32"):
        cond(Tensor(True), lambda: x, lambda: x.int())
    with pytest.raises(ArgumentError, match=r"true_fun returns \*, false_fun tuple\(\*\)"):
        cond(Tensor(True), lambda: x, lambda: (x,))
    with pytest.raises(ArgumentError, match="what true_fun returns must be a Tensor, got 'a'"):
        cond(Tensor(True), lambda: "a", lambda: x)
    with pytest.raises(WriteError, match=r"\[cond\] a write to"):
        cond(Tensor(True), lambda: x.add_(1), lambda: x)
