"""What plans cost is what `budgets.txt` says, which `python -m tests.schedule.budgets` renews."""

from __future__ import annotations

from dataclasses import replace

import pytest

from lazygrad.kernel.target import Target
from tests.schedule import budgets
from tests.schedule.budgets import FILE, TARGETS, Budget, formatted, listed, read, settled
from tests.schedule.programs import given

LISTED = listed()
ONE = Budget(kernels=2, launches=1, flops=30, moved=4_000, planned=500, exprs=6, calls=100)


@pytest.mark.parametrize("name", budgets.names())
def test_the_cost_of_a_plan(name: str) -> None:
    for device, found in budgets.budgets(name).items():
        expected = LISTED[name, device]
        assert settled(found, expected) == expected, device


def test_the_table_has_a_line_for_each_and_no_other() -> None:
    assert list(LISTED) == budgets.keys()
    assert formatted(LISTED) == FILE.read_text()


def test_a_table_is_read_as_it_was_written() -> None:
    table = {("a", "pocl"): ONE, ("long_name", "numpy"): replace(ONE, moved=5)}
    head, first, second = formatted(table).splitlines()
    assert head.split() == ["program", "target", *budgets.COLUMNS]
    assert first.split() == ["a", "pocl", "2", "1", "30", "4_000", "500", "6", "100"]
    assert len(head) == len(first) == len(second)
    assert read(formatted(table)) == table


@pytest.mark.parametrize(("calls", "kept"), [(95, True), (105, True), (94, False), (106, False)])
def test_only_a_few_calls_more_or_less_are_none(calls: int, kept: bool) -> None:
    found = replace(ONE, calls=calls)
    assert settled(found, ONE) == (ONE if kept else found)
    assert settled(found, None) == found
    assert settled(replace(found, kernels=3), ONE) != ONE


def test_a_budget_counts_all_kernels() -> None:
    """Two products: what each multiplies and moves is known by hand."""
    a, b, c = given(64, 64), given(64, 64), given(64, 64)
    found = budgets.budget([((a @ b) @ c)._node], Target(units=2, blas=True))
    assert (found.kernels, found.launches) == (2, 2)
    assert found.flops == 2 * 2 * 64**3
    assert found.moved == 2 * 3 * 64 * 64 * 4
    assert found.planned == 2 * 64 * 64 * 4
    assert set(TARGETS) == {"pocl", "numpy"}


def test_calls_are_those_of_lazygrad_alone() -> None:
    def program() -> int:
        values = sorted([3, 1, 2], key=lambda v: -v)  # calls of this module
        return len(values)

    assert budgets.counted(program) == (0, 3)
    calls, made = budgets.counted(lambda: Target(units=2))
    assert made == Target(units=2)
    assert calls == 1  # its __init__, which a dataclass makes
