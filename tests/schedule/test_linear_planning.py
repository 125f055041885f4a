"""Planning takes time in proportion to the graph, whatever its shape: counted in calls."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from lazygrad import Tensor
from tests.schedule.budgets import counted
from tests.schedule.planning import TARGETS, plan_of
from tests.schedule.programs import given, gradients, learned, many

TIMES = 4
MORE = 1.15  # than in proportion: chains longer than what is looked at below a value


def results_side_by_side(count: int) -> list[Tensor]:
    return [x.exp().sum() for x in many(count, 8, 8)]


def pieces_of_one(count: int) -> list[Tensor]:
    x = given(400, 64)
    return [x[piece].exp() for piece in range(count)]


def readers_in_turn(count: int) -> list[Tensor]:
    """Each kernel reads ``x`` and what the one before wrote, so that none are siblings."""
    x, state = given(64, 64), given(64, 1)
    for _ in range(count):
        state = (x * state).sum(1, keepdim=True)
    return [state]


def operations_in_a_row(count: int) -> list[Tensor]:
    y = given(64, 64)
    for _ in range(count):
        y = (y + given(64)).sin()
    return [y]


def steps_of_a_network(count: int) -> list[Tensor]:
    across, state = learned(64, 64), given(16, 64)
    for _ in range(count):
        state = (state.linear(across) + given(16, 64)).tanh()
    return gradients(state.square().mean(), across)


GRAPHS: dict[str, tuple[Callable[[int], list[Tensor]], int]] = {
    "results": (results_side_by_side, 100),
    "pieces": (pieces_of_one, 100),
    "readers": (readers_in_turn, 50),
    "operations": (operations_in_a_row, 250),
    "steps": (steps_of_a_network, 25),
}


@pytest.mark.parametrize("name", GRAPHS)
def test_calls_grow_with_the_graph(name: str) -> None:
    program, count = GRAPHS[name]
    few, most = (calls(program(times * count)) for times in (1, TIMES))
    assert most <= MORE * TIMES * few


def calls(results: list[Tensor]) -> int:
    return counted(lambda: plan_of(*results, target=TARGETS["library"]))[0]
