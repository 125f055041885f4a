"""A graph, computed."""

from __future__ import annotations

from collections import ChainMap
from collections.abc import Mapping, MutableMapping
from typing import Any

import numpy as np

from lazygrad.errors import LazygradError
from lazygrad.onnx.graph import Graph, Step
from lazygrad.onnx.types import Array, tensor_of
from lazygrad.tensor_class import Tensor

# A value is a Tensor, or an array of what the host knows: sizes, axes, constants.
Values = MutableMapping[str, Any]
Leaves = dict[tuple[str, str | None], tuple[Array, Tensor]]


class Run:
    """One computation of a graph and of those within it.

    Args:
        leaves: constants and their Tensors, by name and device, for this run and later ones.
    """

    def __init__(self, device: str | None, training: bool, leaves: Leaves) -> None:
        self._device, self._training, self._leaves = device, training, leaves
        self._scope: Values = {}
        self._constants: Mapping[str, Array] = {}

    def of(self, graph: Graph, values: Values) -> list[Any]:
        """The outputs, with ``values`` known by name, to which others are added."""
        outer = self._scope, self._constants
        self._scope, self._constants = values, graph.constants
        try:
            for step in graph.steps:
                values.update(zip(step.outputs, self._results(step), strict=False))
            return [values[name] for name in graph.outputs]
        finally:
            self._scope, self._constants = outer

    def inner(self, graph: Graph, *given: Any) -> list[Any]:
        """The outputs of a graph that is an attribute, which sees the values around it."""
        known = {**graph.initial, **graph.constants, **dict(zip(graph.inputs, given, strict=True))}
        return self.of(graph, ChainMap(known, self._scope))

    def array(self, value: Any) -> Array:
        """A value on the host."""
        return value.detach().numpy() if isinstance(value, Tensor) else np.asarray(value)

    def tensor(self, value: Any) -> Tensor:
        return value if isinstance(value, Tensor) else tensor_of(np.asarray(value), self._device)

    def _results(self, step: Step) -> Any:
        given = [self._scope[name] if name else None for name in step.inputs]
        names = [name for name in step.inputs if name]
        known = bool(names) and not any(isinstance(value, Tensor) for value in given)
        if known and step.on_host is not None:
            found = step.on_host({name: self._scope[name] for name in names})
            if found is not None:
                return found
        told = {name: self._told(name, step) for name in step.operator.asks}
        inputs = given if "run" in told else [self._input(step, *pair) for pair in enumerate(given)]
        try:
            found = step.operator.function(*inputs, **step.attributes, **told)
        except LazygradError as error:
            raise type(error)(f"{error}; in {step.title}") from error
        return found if isinstance(found, tuple | list) else (found,)

    def _told(self, name: str, step: Step) -> Any:
        facts = {
            "outputs": len(step.outputs), "training": self._training, "device": self._device,
            "run": self,
        }  # fmt: skip
        return facts[name]

    def _input(self, step: Step, position: int, value: Any) -> Any:
        if value is None:
            return None
        if position in step.operator.host:
            return self.array(value)
        if isinstance(value, Tensor):
            return value
        name = step.inputs[position]
        if name not in self._constants or self._constants[name] is not value:
            return self.tensor(value)
        known = self._leaves.get((name, self._device))
        if known is not None and known[0] is value:  # two branches may call theirs the same
            return known[1]
        made = self.tensor(value)
        self._leaves[name, self._device] = value, made
        return made
