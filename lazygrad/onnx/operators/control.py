"""Graphs in graphs: of a choice the branch that is chosen, of a loop every turn.

What they depend on must be known: it is read from the device, which a jitted function refuses.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import count
from typing import TYPE_CHECKING, Any

import numpy as np

from lazygrad.onnx.operators.operator import Operator, Operators
from lazygrad.tensor_class import Tensor

if TYPE_CHECKING:
    from lazygrad.onnx.graph import Graph
    from lazygrad.onnx.run import Run


def choose(condition: Any, *, then_branch: Graph, else_branch: Graph, run: Run) -> Any:
    return tuple(run.inner(then_branch if run.array(condition).item() else else_branch))


def loop(trips: Any, condition: Any, *carried: Any, body: Graph, run: Run) -> Any:
    """As many turns as there are, while the condition holds; the values that go from turn to turn,
    and one beside the other what each turn gives out."""
    limit = None if trips is None else int(run.array(trips).item())
    going = condition is None or bool(run.array(condition).item())
    given: list[list[Tensor]] = [[] for _ in range(len(body.outputs) - 1 - len(carried))]
    for turn in count():
        if not going or turn == limit:
            break
        after, *found = run.inner(body, np.array(turn), np.array(True), *carried)
        going = bool(run.array(after).item())
        carried = tuple(found[: len(carried)])
        for kept, value in zip(given, found[len(carried) :], strict=True):
            kept.append(run.tensor(value))
    return *carried, *(Tensor.stack(values) for values in given)


def scan(
    *inputs: Any, body: Graph, num_scan_inputs: int, run: Run,
    scan_input_axes: Sequence[int] | None = None,
    scan_input_directions: Sequence[int] | None = None,
    scan_output_axes: Sequence[int] | None = None,
    scan_output_directions: Sequence[int] | None = None,
) -> Any:  # fmt: skip
    """A turn for each slice of the last ``num_scan_inputs``; a direction of 1 is backwards."""
    many = len(inputs) - num_scan_inputs
    state: tuple[Any, ...] = inputs[:many]
    axes = scan_input_axes or [0] * num_scan_inputs
    backwards = scan_input_directions or [0] * num_scan_inputs
    sequences = [
        run.tensor(value).unbind(axis)[:: -1 if back else 1]
        for value, axis, back in zip(inputs[many:], axes, backwards, strict=True)
    ]
    turns = []
    for slices in zip(*sequences, strict=True):
        found = run.inner(body, *state, *slices)
        state = tuple(found[:many])
        turns.append([run.tensor(value) for value in found[many:]])
    given = list(zip(*turns, strict=True))
    axes = scan_output_axes or [0] * len(given)
    backwards = scan_output_directions or [0] * len(given)
    return *state, *(
        Tensor.stack(values[:: -1 if back else 1], axis)
        for values, axis, back in zip(given, axes, backwards, strict=True)
    )


OPERATORS: Operators = {
    "If": (Operator(choose),),
    "Loop": (Operator(loop),),
    "Scan": (Operator(scan, since=9),),
}
