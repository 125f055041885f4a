"""What plans cost is what `budgets.txt` says, which `python -m tests.schedule.budgets` renews."""

from __future__ import annotations

from dataclasses import asdict, replace
from pathlib import Path

import pytest

from lazygrad.inspect import costs
from lazygrad.kernel.target import Target
from tests.schedule import budgets
from tests.schedule.budgets import FILE, TARGETS, Budget, formatted, listed, read, settled
from tests.schedule.programs import given

LISTED = listed()
ONE = Budget(kernels=2, launches=1, flops=30, moved=4_000, planned=500, exprs=6, calls=100)


@pytest.mark.parametrize("name", budgets.names())
def test_the_cost_of_a_plan(name: str) -> None:
    expected = {key: asdict(row) for key, row in LISTED.items() if key[0] == name}
    found = {
        (name, device): asdict(settled(row, LISTED.get((name, device))))
        for device, row in budgets.budgets(name).items()
    }
    assert not (differing := budgets.differences(expected, found)), costs.text(differing)


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


def test_what_differs_is_told(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """As of two dumps: in words, and on a page."""
    file, page = tmp_path / "budgets.txt", tmp_path / "page.html"
    key = ("softmax", "pocl")
    file.write_text(formatted(LISTED | {key: replace(LISTED[key], kernels=2)}))
    monkeypatch.setattr(budgets, "FILE", file)
    monkeypatch.setattr(budgets, "CALLS_KEPT", budgets.CALLS_TOLERANCE)
    monkeypatch.setattr(budgets, "since", lambda revision: formatted(LISTED))
    assert budgets.main(["--since", "then", "--html", str(page)]) == 1
    assert capsys.readouterr().out == "softmax on pocl: 1 -> 2 kernels (+100.0%)\n"
    assert '<td class="more">1 → 2 (+100.0%)</td>' in page.read_text()
    assert budgets.main(["cumsum", "--since", "then"]) == 0
    assert capsys.readouterr().out == "nothing differs\n"
    assert budgets.main(["softmax"]) == 1  # measured anew
    assert capsys.readouterr().out == "softmax on pocl: 2 -> 1 kernels (-50.0%)\n"
    assert budgets.main(["softmax", "--write"]) == 0
    assert read(file.read_text()) == LISTED


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
