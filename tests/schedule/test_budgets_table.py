"""What plans cost is what `budgets.txt` says, which `python -m tests.schedule.budgets` renews."""

from __future__ import annotations

import json
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from lazygrad.kernel.target import Target
from tests.schedule import budgets
from tests.schedule.budgets import FILE, TARGETS, Budget, formatted, listed, read, settled
from tests.schedule.programs import given

ROOT = Path(__file__).parents[2]
LISTED = listed()
ONE = Budget(kernels=2, launches=1, flops=30, moved=4_000, planned=500, exprs=6, calls=100)


@pytest.mark.parametrize("name", budgets.names())
def test_the_cost_of_a_plan(name: str) -> None:
    """In a process of its own: equal constants are one node, and where another test holds one that
    was computed, a plan reads it instead. The first time counts calls that none makes later."""
    code = (
        "import json, sys; from dataclasses import astuple; from tests.schedule import budgets; "
        "first = budgets.budgets(sys.argv[1]); found = budgets.budgets(sys.argv[1]); "
        "print(json.dumps({device: astuple(budget) for device, budget in found.items()}))"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, name], cwd=ROOT, capture_output=True, text=True, check=True
    )
    for device, values in json.loads(done.stdout.splitlines()[-1]).items():
        expected = LISTED[name, device]
        assert settled(Budget(*values), expected) == expected, device


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
