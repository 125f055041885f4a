"""What an operator of ONNX is here: a function of Tensors, from some version of the standard on."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from typing import Any


class Operator:
    """An operator as a function.

    Args:
        function: takes the inputs in their order, None for one that is left out, and attributes by
            name; returns a Tensor or array, or a tuple of them. It is told by name, if it asks:
            ``outputs``, how many are wanted; ``training``, whether the model is being trained;
            ``device``, where new Tensors belong; ``run``, which computes a graph among its
            attributes.
        since: the first version of the standard in which it means this.
        host: the positions of inputs that it needs as arrays, as those that give a shape.
        folds: whether it is computed on the host where all of its inputs are there.
    """

    def __init__(
        self,
        function: Callable[..., Any],
        since: int = 1,
        host: tuple[int, ...] = (),
        folds: bool = True,
    ) -> None:
        self.function, self.since, self.host, self.folds = function, since, host, folds
        try:
            self.asks = frozenset(inspect.signature(function).parameters) & TOLD
        except ValueError:  # a function without a signature asks for nothing
            self.asks = frozenset()


TOLD = frozenset(("outputs", "training", "device", "run"))
Operators = dict[str, tuple[Operator, ...]]  # by name: each with its versions


def plain(**functions: Callable[..., Any]) -> Operators:
    """Operators that are functions of Tensors, in all versions."""
    return {name: (Operator(function),) for name, function in functions.items()}
