"""A loop that plans on and on is told of, in its line and with the way out; other programs are
not."""

from __future__ import annotations

import math
import warnings
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import numpy as np
import pytest

from lazygrad import Tensor, config, jit
from lazygrad.errors import PlanWarning
from lazygrad.runtime import cache, history

FILE = "test_history.py"
weight = np.ones((3, 4), np.float32)


@pytest.fixture(autouse=True)
def no_plans() -> Iterator[None]:
    cache.clear()
    yield
    cache.clear()


def told(step: Callable[[Any], object], over: Sequence[Any]) -> list[tuple[int, str]]:
    """What is warned of while ``step`` goes ``over`` something: the number of its turn, the text
    behind the line."""
    found = []
    for turn, value in enumerate(over):
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            step(value)
        for each in caught:
            assert each.category is PlanWarning
            assert each.filename == __file__
            line = each.lineno
            opening = (
                f"[cache] {FILE}:{line} compiles again and again: {history.REPEATS + 1} plans, "
                "none of which ran twice. This time "
            )
            text = str(each.message)
            assert text.startswith(opening)
            found.append((turn, text.removeprefix(opening)))
    return found


def rows(n: int, device: str) -> Tensor:
    return Tensor(np.ones((n, 3), np.float32), device=device)


# -- loops that are told of ------------------------------------------------------------------------


@pytest.mark.parametrize("jitted", [False, True], ids=["eager", "jitted"])
def test_sizes_that_differ(device: str, jitted: bool) -> None:
    w = Tensor(weight, device=device).realize()
    product = jit(lambda x: x @ w) if jitted else lambda x: x @ w
    found = told(lambda n: product(rows(n, device)).realize(), [2, 3, 4, 5, 6, 7])
    ((turn, text),) = found  # once
    assert turn == 3
    assert text.startswith(f"an input has shape (5, 3), was (4, 3) in matmul ({FILE}:")
    assert "pad it" in text and "drop_last=True" in text


def test_dtypes_that_differ(device: str) -> None:
    def step(name: str) -> None:
        Tensor(np.ones(3, name), device=device).square().sum().realize()

    ((turn, text),) = told(step, ["float32", "int32", "int16", "int8"])
    assert (turn, text.partition(",")[0]) == (3, "an input is int8")


def test_slices_whose_sizes_differ(device: str) -> None:
    x = rows(64, device).realize()
    ((turn, text),) = told(lambda n: x[:n].sum().realize(), [2, 3, 4, 5, 6])
    assert (turn, text.partition(" in ")[0]) == (3, "a slice has (5, 3), was (4, 3)")


def test_numbers_that_are_folded(device: str) -> None:
    x = rows(4, device).realize()
    ((turn, text),) = told(lambda n: (x * n).realize(), [0.0, 1.0, -1.0, math.inf, 2.0, 3.0])
    assert turn == 3
    assert text.startswith(f"a number is inf, was 0 in mul ({FILE}:")
    assert text.endswith("To compile once, make the number a Tensor, which each run reads anew")


def test_routines_in_other_lines(device: str) -> None:
    """The line of a routine is part of its plan, since its errors name it."""

    def step(turn: int) -> None:
        calls = (lambda x: x.inverse(), lambda x: x.inverse(),
                 lambda x: x.inverse(), lambda x: x.inverse())  # fmt: skip
        calls[turn](Tensor(np.eye(2, dtype=np.float32), device=device)).realize()

    assert told(step, range(4)) == []


def test_constants_that_another_line_made_first(device: str) -> None:
    """Equal constants are one node: who made it first does not make this another program."""
    x, other = rows(4, device).realize(), rows(4, device)
    alive = other * 1.0, other * -1.0
    ((turn, _),) = told(lambda n: (x * n).realize(), [0.0, 1.0, -1.0, math.inf])
    assert turn == 3
    del alive


def test_sequences_of_other_lengths(device: str) -> None:
    x = rows(4, device).realize()

    def step(length: int) -> None:
        state = x
        for _ in range(length):
            state = state.sin()
        state.realize()

    ((turn, text),) = told(step, [2, 5, 4, 3])
    assert turn == 3
    assert text.startswith(
        "the number of operations is 3, was 4. To compile once, do the same operations each"
    )


# -- programs that are not -------------------------------------------------------------------------


def test_three_sizes_are_no_loop(device: str) -> None:
    w = Tensor(weight, device=device).realize()
    assert told(lambda n: (rows(n, device) @ w).realize(), [2, 3, 4, 4, 3, 2]) == []


@pytest.mark.parametrize("jitted", [False, True], ids=["eager", "jitted"])
def test_plans_that_are_used_are_no_loop(device: str, jitted: bool) -> None:
    w = Tensor(weight, device=device).realize()
    product = jit(lambda x: x @ w) if jitted else lambda x: x @ w
    sizes = [n for n in range(2, 12) for _ in range(2)]
    assert told(lambda n: product(rows(n, device)).realize(), sizes) == []


def test_other_operations_in_one_line_are_other_programs(device: str) -> None:
    x = rows(4, device).realize()
    results = [x.sin(), x.exp(), x.sqrt(), x.abs(), x.square(), x.tanh()]
    assert told(lambda result: result.realize(), results) == []


CELL = "(x * 2).reshape(-1)[:n].sum().realize()"


def test_a_cell_that_runs_again_is_no_loop(device: str) -> None:
    def run(n: int) -> None:
        names = {"__name__": "__main__", "x": rows(4, device).realize(), "n": n}
        exec(compile(CELL, __file__, "exec"), names)

    assert told(run, [2, 3, 4, 5, 6]) == []


def test_a_loop_in_a_cell_is_one(device: str) -> None:
    names = {"__name__": "__main__", "x": rows(4, device).realize()}
    loop = compile(f"for n in range(2, 7): {CELL}", __file__, "exec")
    assert len(told(lambda _: exec(loop, names), [0])) == 1


def test_lines_and_programs_that_are_remembered_are_few(
    device: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(history, "LINES", 3)
    monkeypatch.setattr(history, "PROGRAMS", 2)
    x = rows(4, device).realize()
    for result in (x.sin(), x.exp(), x.sqrt()):
        result.realize()
    (line,) = history._lines.values()
    assert len(line.programs) == 2
    for number in range(5):
        exec(compile("\n" * number + CELL, __file__, "exec"), {"x": x, "n": number + 2})
    assert len(history._lines) == 3


# -- LAZYGRAD_DEBUG=1 ------------------------------------------------------------------------------


def test_each_new_plan_says_why(device: str, capsys: pytest.CaptureFixture[str]) -> None:
    x = rows(8, device).realize()

    def step(value: Tensor) -> None:
        value.realize()

    with config(debug=1):
        for n in (2, 3):
            step(x[:n].sum())
        step(x.sin())
        cache._plans.clear()
        step(x.sin())
    err = capsys.readouterr().err.splitlines()
    why = [line.partition(": ")[2] for line in err if "another plan" in line]
    sizes, operations, room = why
    assert sizes.startswith(f"a slice has (3, 3), was (2, 3) in getitem ({FILE}:")
    assert operations.startswith(f"the number of operations is 1, was 3, others from sin ({FILE}:")
    assert room == "its plan had to make room for others"
