"""Drafts that compute the same are built once; each kernel says whose lines it came from."""

from __future__ import annotations

import gc
from collections.abc import Iterator
from unittest.mock import patch
from weakref import ref

import pytest

from lazygrad import Tensor
from lazygrad.kernel.plan import Plan
from lazygrad.schedule.build import Builder
from tests.schedule.planning import VECTORS, kernels_of, plan_of
from tests.schedule.programs import given, gradients, learned, recurrent


@pytest.fixture
def builds() -> Iterator[list[Builder]]:
    """A builder for each draft that it built."""
    found: list[Builder] = []
    real = Builder._build

    def build(self: Builder, draft: object) -> object:
        found.append(self)
        return real(self, draft)  # type: ignore[arg-type]

    with patch.object(Builder, "_build", build):
        yield found


def both(one: Tensor, other: Tensor) -> Plan:
    return plan_of(one.contiguous(), other.contiguous())


# -- what is equal --------------------------------------------------------------------------------


def test_the_steps_of_an_unrolled_loop_are_built_once(builds: list[Builder]) -> None:
    kernels = [step.kernel for step in plan_of(*recurrent(), target=VECTORS).steps]
    assert (len(kernels), len(builds)) == (610, 16)


def test_layers_of_equal_size_are_built_once(builds: list[Builder]) -> None:
    """Whatever joins their tiles are stored in."""
    plan_of(*convolutions(4))
    four = len(builds)
    builds.clear()
    plan_of(*convolutions(6))
    assert len(builds) == four


def convolutions(count: int) -> list[Tensor]:
    weights = [learned(32, 32, 3, 3) for _ in range(count)]
    y = given(16, 32, 32, 32)
    for weight in weights:
        y = y.conv2d(weight, padding=1).tanh()
    return gradients(y.sum(), *weights)


def test_slices_of_one_value_are_read_from_where_each_begins(builds: list[Builder]) -> None:
    x, y = given(100, 8), given(100, 8)
    first, second = both(x[3:10].exp(), y[50:57].exp()).steps
    assert len(builds) == 1
    assert [str(k.kernel.outputs[0].value) for k in (first, second)] == [
        "exp(b1[8*i0 + i1 + 24])",
        "exp(b1[8*i0 + i1 + 400])",
    ]


def test_two_slices_of_a_value_keep_their_distance(builds: list[Builder]) -> None:

    def pair(start: int, other: int) -> Tensor:
        x = given(100, 8)
        return x[start : start + 4].exp() + x[other : other + 4].sin()

    both(pair(0, 9), pair(30, 39))
    assert len(builds) == 1
    builds.clear()
    both(pair(0, 9), pair(30, 38))
    assert len(builds) == 2


# -- what is not ----------------------------------------------------------------------------------


def test_where_a_slice_begins_matters_to_what_is_padded(builds: list[Builder]) -> None:
    """What is read beyond the slice lies inside of the value, or does not."""
    slices = [given(16)[start : start + 4].pad((1, 1)).exp() + 1 for start in (0, 6)]
    steps = both(*slices).steps
    assert len(builds) == 2
    alone = [kernel for each in slices for kernel in kernels_of(each.contiguous())]
    assert [step.kernel.outputs for step in steps] == [kernel.outputs for kernel in alone]


def test_a_value_that_is_read_whole_as_well_has_no_other_beginning(builds: list[Builder]) -> None:
    x, y = given(8, 8), given(8, 8)
    both(x + x[1:2], y + y[5:6])
    assert len(builds) == 2


def test_each_says_whose_lines_it_came_from(builds: list[Builder]) -> None:
    x, y = given(64), given(64)
    one = x.relu()
    other = y.maximum(0)
    first, second = (step.kernel for step in both(one, other).steps)
    assert len(builds) == 1
    assert (first.name, second.name) == ("relu_64", "maximum_64")
    assert first.origins != second.origins
    assert first.outputs == second.outputs


# -- what is left ---------------------------------------------------------------------------------


def test_a_plan_leaves_nothing_to_the_garbage_collector() -> None:
    kept: list[ref[Builder]] = []
    real = Builder.build_all

    def build_all(self: Builder) -> object:
        kept.append(ref(self))
        return real(self)

    gc.disable()
    try:
        with patch.object(Builder, "build_all", build_all):
            plan_of(*convolutions(1))
        assert [each() for each in kept] == [None]
    finally:
        gc.enable()
